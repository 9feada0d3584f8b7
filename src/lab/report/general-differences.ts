import type { MeasuredCell, ReportedCampaign } from "./reported-campaign.js";
import { PAPERS_FIVE } from "./selection.js";
import { attackWords, listed, percent } from "./wording.js";

/** What is measured otherwise than in the paper, of all cells: the reasons that hold for every figure. */
export function generalDifferences(campaign: ReportedCampaign): string[] {
  const cells = campaign.cells.filter((cell): cell is MeasuredCell => cell.leakage !== null);
  if (cells.length === 0) return [];
  const emulated = campaign.scenarios.filter(({ real }) => !real).map(({ title }) => title);
  const attacks = new Set(cells.flatMap(({ leakage }) => leakage.attacks.map(({ attack }) => attack)));
  const without = PAPERS_FIVE.filter((name) => !attacks.has(name));
  const more = [...attacks].filter((name) => !(PAPERS_FIVE as readonly string[]).includes(name)).sort();
  const orders = [...new Set(cells.flatMap(({ defense }) => (defense.kind === "preset" ? [] : [defense.order])))];
  const uneven = unevenness(cells);
  const trainings = new Set(cells.map(({ leakage }) => leakage.training));
  return [
    ...(emulated.length > 0
      ? [
          `${listed(emulated)}: emulated traffic, not the paper's captures of a Google Home Mini. What the emulator does not do, no attack can read.`,
        ]
      : []),
    `Figures are balanced accuracies, the mean over the classes, so that chance is one over their number.${uneven} The share of all answers that are right, which the paper reports, stands beside it in campaign.csv.`,
    "No model is asked about a capture or query that it has learnt from: folds never part a group. Windows of one capture are alike, and splitting at random lets an attack recognise captures.",
    ...(trainings.has("even") ? ["Small classes weigh as much as large ones in training."] : []),
    ...(orders.length > 0
      ? [
          `What the paper calls a feature series is not said; here it is, in the order${orders.length > 1 ? "s" : ""}: ${orders.join(", ")}.`,
        ]
      : []),
    ...(without.length > 0 ? [`Of the paper's attacks, not measured here: ${listed(without.map(attackWords))}.`] : []),
    ...(more.length > 0 ? [`Beyond the paper's attacks: ${listed(more.map(attackWords))}.`] : []),
    "Behind a preset, packets were really padded, delayed and joined by decoys. A decoy can be added and no packet be taken away, so the noise is one-sided; the paper's noise on tables is not.",
  ];
}

/** How far the largest class outweighs the others, and what saying it always would get. */
function unevenness(cells: readonly MeasuredCell[]): string {
  const shares = cells.map((cell) => {
    const rows = cell.leakage.classes.map((one) => one.rows);
    return Math.max(...rows) / rows.reduce((sum, n) => sum + n, 0) - cell.leakage.chance;
  });
  const at = shares.indexOf(Math.max(...shares));
  const cell = cells[at];
  const over = shares[at] ?? 0;
  if (cell === undefined || over < 0.1) return "";
  return ` In ${cell.scenario} up to ${percent(over + cell.leakage.chance)} of the windows are of one class: saying it always would get as much, plainly counted.`;
}
