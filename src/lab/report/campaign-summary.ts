import { SCENARIOS } from "../../emulator/sessions.js";
import { generalDifferences } from "./general-differences.js";
import { paperClaims } from "./paper-claims.js";
import { simulationBesidePackets } from "./simulation-beside-packets.js";
import { measuredCells, presetCells, type PresetCell, type ReportedCampaign } from "./reported-campaign.js";
import { bestOf, headlines } from "./selection.js";
import { NOT_HELD, verdictWords } from "./verdict.js";
import { added, attackWords, milliseconds, percent, protocolWords, viewWords, windowWords } from "./wording.js";

/** The command that measures a campaign again; of a data set of one's own, the manifest is not known any more. */
export function campaignCommand({ quick, seed, scenarios, cells, measuring }: ReportedCampaign): string {
  const own = scenarios.filter(({ name }) => !(name in SCENARIOS));
  const emulated = scenarios.filter(({ name }) => name in SCENARIOS).map(({ name }) => name);
  const some = emulated.length === Object.keys(SCENARIOS).length ? [] : ["--scenarios", emulated.join(",") || "none"];
  const sets = own.flatMap(({ name }) => {
    const task = cells.find(({ scenario }) => scenario === name)?.dataset.task;
    return task === undefined ? [] : ["--dataset", `MANIFEST:${task}`];
  });
  const days = measuring === undefined ? [] : ["--days", String(measuring.days)];
  const words = [
    "hushbox",
    "campaign",
    ...(quick ? ["--quick"] : []),
    "--seed",
    seed,
    ...some,
    ...days,
    ...sets,
    "--out",
    "DIR",
  ];
  return words.map((word) => (/^[\w.,:/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}

/** A campaign in short, as Markdown: the main numbers and the command that made them. */
export function campaignSummary(campaign: ReportedCampaign): string {
  const refused = campaign.cells.filter(({ leakage }) => leakage === null);
  const parts = [
    `${code(campaignCommand(campaign))}, hushbox ${text(campaign.hushbox)}: ${campaign.cells.length} measurements, ${refused.length} refused. Balanced accuracy of the best attack, retrained on the defense, with its 95 % interval; “of nothing”: what the best attack reads at most where labels say nothing, 95 times in 100.`,
    ...campaign.scenarios.map((scenario) => {
      const cells = presetCells(measuredCells(campaign, scenario));
      const lines = headlines(cells);
      const [first] = lines;
      const title = `### ${text(scenario.title)} (${scenario.real ? "real" : "emulated"})`;
      const origin = `Data: ${text(scenario.origin)}. Classes: ${scenario.classes.map(text).join(", ")}.`;
      if (first === undefined) return `${title}\n\n${origin} No preset was measured.`;
      return [
        title,
        `${origin} ${capital(windowWords(first.windows))}; ${protocolWords(first.leakage)}.`,
        presetTable(lines),
        ...notHeld(lines),
      ].join("\n\n");
    }),
    claimsTable(campaign),
    ...listOf(
      "The paper's simulated adversary beside preset `paper` on packets (neural network)",
      simulationBesidePackets(campaign),
    ),
    ...listOf("What is measured otherwise than in the paper", generalDifferences(campaign)),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** Of which presets nobody can say by this campaign whether the figure is luck. */
function notHeld(cells: readonly PresetCell[]): string[] {
  const names = cells.filter(({ leakage }) => leakage.null === null).map(({ defense }) => `\`${defense.preset}\``);
  if (names.length === 0) return [];
  return [
    `No null was measured here ${names.length === cells.length ? "of any preset" : `of ${names.join(", ")}`}: ${NOT_HELD}`,
  ];
}

function presetTable(cells: readonly PresetCell[]): string {
  return table(
    [
      "preset",
      "best attack",
      "balanced accuracy",
      "chance",
      "of nothing",
      "p",
      "verdict",
      "bytes",
      "packets",
      "delay up p50",
      "seen",
    ],
    cells.map((cell) => {
      const best = bestOf(cell);
      const { value, low, high } = best.balanced_accuracy;
      const { leakage, cost } = cell;
      return [
        `\`${cell.defense.preset}\``,
        attackWords(best.attack),
        `${percent(value)} (${percent(low)} to ${percent(high)})`,
        percent(leakage.chance),
        leakage.null === null ? "–" : percent(leakage.null.threshold),
        leakage.null === null ? "–" : leakage.null.p_value.toFixed(3),
        verdictWords(leakage, "").state,
        cost === null ? "–" : added(cost.overhead.bytes),
        cost === null ? "–" : added(cost.overhead.packets),
        cost === null ? "–" : milliseconds(cost.added_delay_ms.p50),
        viewWords(cell, true),
      ].map(text);
    }),
  );
}

function claimsTable(campaign: ReportedCampaign): string {
  const claims = paperClaims(campaign).filter(({ holds }) => holds !== "not measured");
  if (claims.length === 0) return "";
  const rows = claims.map(({ claim, here, holds, why }) => [claim, here, holds, why.join(" ")].map(text));
  return `### Beside the paper\n\n${table(["the paper", "here", "", "why"], rows)}`;
}

function listOf(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:\n\n${lines.map((line) => `- ${text(line)}`).join("\n")}`];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Names come from files: none may end a cell, begin markup or a line. */
function text(words: string): string {
  return words
    .replaceAll(/[\u00a0\u202f]/g, " ")
    .replaceAll("\u2011", "-")
    .replaceAll(/\s*[\r\n]+\s*/g, " ")
    .replaceAll(/[\\|<>[\]]/g, (character) => `\\${character}`);
}

function code(words: string): string {
  const line = words.replaceAll(/[\r\n]+/g, " ");
  return line.includes("`") ? `\`\` ${line} \`\`` : `\`${line}\``;
}

function capital(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}
