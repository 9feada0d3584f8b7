import { alike, byParameter, isPreset, networkAmong, networkIn, parameterOf } from "./network-readings.js";
import { measuredCells, type MeasuredCell, type ReportedCampaign } from "./reported-campaign.js";
import { referenceCut } from "./selection.js";
import { percent, windowWords } from "./wording.js";

/** The paper's simulation beside the same defense on packets: nobody had measured that. A sentence for each scenario that has both. */
export function simulationBesidePackets(campaign: ReportedCampaign): string[] {
  return campaign.scenarios.flatMap((scenario) => {
    const cells = measuredCells(campaign, scenario);
    const simulated = referenceCut(cells.filter(({ defense }) => defense.kind === "simulated"));
    const [first] = simulated;
    if (first === undefined) return [];
    const beside = alike(cells, first);
    const packets = beside.filter(({ defense }) => defense.kind === "preset" && defense.preset === "paper");
    const each = (own: readonly MeasuredCell[]): string =>
      [...own]
        .sort(byParameter)
        .flatMap((cell) => {
          const value = networkIn(cell);
          return value === undefined ? [] : [`ν = ${parameterOf(cell)}: ${percent(value)}`];
        })
        .join(", ");
    if (each(packets) === "") return [];
    const off = networkAmong(beside.filter(isPreset("off")));
    return [
      `${scenario.title} (${scenario.real ? "real" : "emulated"}, ${windowWords(first.windows)}): simulated ${each(simulated)}; preset paper on packets ${each(packets)}${off === undefined ? "" : `; undefended ${percent(off)}`}.`,
    ];
  });
}
