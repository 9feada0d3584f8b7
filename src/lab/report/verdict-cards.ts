import { PRESETS } from "../../defense/presets.js";
import { piece, Piece } from "./piece.js";
import type { MeasuredCell, PresetCell, Scenario } from "./reported-campaign.js";
import {
  attackIn,
  bestOf,
  cutKey,
  grouped,
  headlines,
  mostRead,
  PAPERS_ATTACK,
  referenceCut,
  viewKey,
} from "./selection.js";
import { verdictStrip } from "./verdict-strip.js";
import { verdictWords, type VerdictWords } from "./verdict.js";
import { added, attackWords, defenseWords, milliseconds, percent, viewWords, windowWords } from "./wording.js";

/** For each preset of a scenario, in a card: what is left to read, how sure that is, what it costs. */
export function presetCards(cells: readonly PresetCell[]): Piece {
  return listOf(
    headlines(cells).map((cell) => {
      const { preset } = cell.defense;
      const more = elsewhere(cell, cells);
      const behind = preset === "off" ? "without a defense" : `behind ${preset}`;
      return card({
        name: preset,
        what: PRESETS[preset].summary,
        cell,
        words: tempered(verdictWords(cell.leakage, behind), more),
        under: [costWords(cell), byView(cell, cells)],
        more,
      });
    }),
  );
}

/** The same for the paper's simulated defenses: for each kind its strongest setting, which is the one that leaves least. */
export function simulatedCards(cells: readonly MeasuredCell[]): Piece {
  const order = ({ defense: { kind } }: MeasuredCell): number => ["smoothing", "noise", "simulated"].indexOf(kind);
  const tables = cells
    .filter((cell) => order(cell) >= 0)
    .sort((a, b) => order(a) - order(b) || seriesFirst(a) - seriesFirst(b));
  const kinds = grouped(tables, ({ defense }) => `${defense.kind} ${defense.kind === "preset" ? "" : defense.order}`);
  return listOf(
    kinds.flatMap((kind) => {
      const own = [...referenceCut(kind)].sort((a, b) => numberOf(a) - numberOf(b));
      const [strongest] = own;
      const weakest = own.at(-1);
      if (strongest === undefined || weakest === undefined || strongest.defense.kind === "preset") return [];
      const range =
        own.length < 2
          ? ""
          : `Of ${own.length} settings the strongest; behind the weakest (${defenseWords(weakest.defense)}) it is ${percent(numberOf(weakest))}.`;
      return [
        card({
          name: defenseWords(strongest.defense),
          what: `series order: ${strongest.defense.order}`,
          cell: strongest,
          words: verdictWords(strongest.leakage, `behind ${defenseWords(strongest.defense)}`),
          under: [],
          more: range,
        }),
      ];
    }),
  );
}

/** The order of time before others: it is the one that is possible. */
function seriesFirst({ defense }: MeasuredCell): number {
  return defense.kind !== "preset" && defense.order === "time" ? 0 : 1;
}

function listOf(cards: readonly Piece[]): Piece {
  return cards.length === 0 ? new Piece("") : piece`<ul class="cards">${cards}</ul>`;
}

interface Card {
  readonly name: string;
  readonly what: string;
  readonly cell: MeasuredCell;
  readonly words: VerdictWords;
  /** Lines below, empty ones left out. */
  readonly under: readonly string[];
  readonly more: string;
}

function card({ name, what, cell, words, under, more }: Card): Piece {
  const { leakage, dataset } = cell;
  const { balanced_accuracy: accuracy } = bestOf(cell);
  return piece`<li class="card ${words.tone}"><div class="top"><h4>${name}</h4><span class="state">${words.state}</span></div>
<p class="dim"><small>${what}</small></p>
<p class="number">${percent(accuracy.value)} <small>balanced accuracy</small></p>
${verdictStrip(accuracy, leakage.chance, leakage.null, words.tone)}
<p class="sentence">${words.sentence} ${more}</p>
<p class="cost">${under.filter((line) => line !== "").map((line) => piece`${line}<br>`)}${dataset.real ? "real" : "emulated"}, ${windowWords(cell.windows)}, ${viewWords(cell, true)}; ${leakage.seeds.length}\u00a0×\u00a0${leakage.folds} folds</p></li>
`;
}

function costWords({ cost }: PresetCell): string {
  if (cost === null) return "";
  const { overhead, added_delay_ms: delay } = cost;
  return `${added(overhead.bytes)} bytes, ${added(overhead.packets)} packets, ${milliseconds(delay.p50)} median delay up`;
}

/** What the best attack reads in each view of the same windows, where there are several: a preset may cover one direction only. */
function byView(cell: PresetCell, cells: readonly PresetCell[]): string {
  const same = cells.filter((other) => other.defense.preset === cell.defense.preset && cutKey(other) === cutKey(cell));
  const views = grouped(same, viewKey).flatMap((view) => mostRead(view) ?? []);
  if (views.length < 2) return "";
  return views.map((view) => `${viewWords(view, true)} ${percent(bestOf(view).balanced_accuracy.value)}`).join("; ");
}

/** Where else the same preset leaves more: a headline must not hide it. */
function elsewhere(cell: PresetCell, cells: readonly PresetCell[]): string {
  const most = mostRead(cells.filter(({ defense }) => defense.preset === cell.defense.preset));
  if (
    most === undefined ||
    most.id === cell.id ||
    bestOf(most).balanced_accuracy.value <= bestOf(cell).balanced_accuracy.value
  )
    return "";
  const best = bestOf(most);
  return `Elsewhere more: ${percent(best.balanced_accuracy.value)} (${attackWords(best.attack)}, ${windowWords(most.windows)}, ${viewWords(most, true)}).`;
}

/** Nothing is said to hold that leaves more where it was also looked at. */
function tempered(words: VerdictWords, more: string): VerdictWords {
  return words.tone === "good" && more !== "" ? { ...words, tone: "open", state: "at chance here" } : words;
}

/** What the paper's attack reads, or the best where it was not measured. */
function numberOf(cell: MeasuredCell): number {
  return (attackIn(cell, PAPERS_ATTACK) ?? bestOf(cell)).balanced_accuracy.value;
}

/** The title of a scenario with what kind of data it is. */
export function scenarioTitle({ title, real }: Scenario): Piece {
  return piece`<h3>${title} <span class="chip ${real ? "real" : "emulated"}">${real ? "real captures" : "emulated traffic"}</span></h3>
`;
}
