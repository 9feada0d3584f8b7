import { accuracyFigure, type AccuracySeries, type Reading } from "./accuracy-figure.js";
import { dataTable } from "./data-table.js";
import { fileWord, type Figure } from "./figure.js";
import { lineChart, type Series } from "./line-chart.js";
import { baseStyle, lineStyle, rampStyle } from "./palette.js";
import { alike, isPreset, parameterOf } from "./network-readings.js";
import { provenance, shortProvenance } from "./provenance.js";
import { presetCells, type MeasuredCell, type Scenario } from "./reported-campaign.js";
import { attackIn, bestOf, byDefense, comparable, grouped, PAPERS_ATTACK, referenceCut, viewKey } from "./selection.js";
import { attackWords, parameterWords, percent, roundPercent, viewWords, windowWords } from "./wording.js";

/** The defenses that the paper simulated, in its order, under the sign of their parameter. */
const KINDS = [
  { kind: "smoothing", words: "smoothing", sign: "ψ" },
  { kind: "noise", words: "noise", sign: "ν" },
  { kind: "simulated", words: "realistic adversary, simulated", sign: "ν" },
] as const;

/** The numbers that the paper's figures have for a scenario: three panels each. Letters in our order. */
const PANELS: Readonly<Record<string, readonly [string, string, string]>> = {
  "mic-on-off": ["2a", "2b", "2c"],
  "mic-on-noise": ["2d", "2e", "2f"],
  queries: ["3a", "3b", "3c"],
};

/** The paper's Figures 2 and 3 with our numbers: the neural network against the size of windows, for each degree or variance. */
export function defenseFigures(scenario: Scenario, cells: readonly MeasuredCell[]): Figure[] {
  return KINDS.flatMap(({ kind, words, sign }, panel) => {
    const own = cells.filter(({ defense }) => defense.kind === kind);
    const number = PANELS[scenario.name]?.[panel];
    return variants(own).flatMap((variant, i) => {
      const [first] = variant;
      if (first === undefined || first.defense.kind === "preset") return [];
      const sizes = new Set(variant.map(({ windows }) => windows.size));
      const beside = cells.filter(
        (cell) =>
          variantKey({ ...cell, defense: first.defense }) === variantKey(first) &&
          // A line beside single points says nothing: then all are bars.
          (sizes.size > 1 || sizes.has(cell.windows.size)),
      );
      const attack = attackOf(variant);
      const parameters = [...new Set(variant.map(parameterOf))].sort((a, b) => a - b);
      const series: AccuracySeries[] = [
        { name: "undefended", style: baseStyle(), readings: readingsOf(beside.filter(isPreset("off")), attack) },
        ...parameters.map((parameter, at) => ({
          name: `${sign} = ${parameter}`,
          style: rampStyle(at, parameters.length),
          readings: readingsOf(
            variant.filter((cell) => parameterOf(cell) === parameter),
            attack,
          ),
        })),
        ...(kind === "simulated" ? onPackets(beside, attack) : []),
      ];
      const order = first.defense.order === "time" ? "" : `, series order: ${first.defense.order}`;
      const title = `${number === undefined ? "" : `Figure ${number}: `}${scenario.title}, ${words}${order}`;
      const file = `figure-${number ?? "x"}-${fileWord(scenario.name)}-${kind}${i === 0 ? "" : `-${i + 1}`}`;
      return accuracyFigure({ file, title, words: whose(attack) }, series) ?? [];
    });
  });
}

/** The preset that does on packets what is simulated, at each variance. */
function onPackets(cells: readonly MeasuredCell[], attack: string | null): AccuracySeries[] {
  const own = cells.filter(({ defense }) => defense.kind === "preset" && defense.preset === "paper").sort(byDefense);
  const variances = grouped(own, ({ defense }) => parameterWords(defense));
  return variances.map((cells, i) => ({
    name: `packets${cells[0] === undefined ? "" : ` ${parameterWords(cells[0].defense)}`}`,
    style: { ...rampStyle(i, variances.length), dash: "6 3" },
    readings: readingsOf(cells, attack),
  }));
}

/**
 * The simulated adversary beside the same defense on packets, at the size nearest the paper's 1000: the neural network against ν. Null where one of
 * the two was not measured.
 */
export function sideFigure(scenario: Scenario, cells: readonly MeasuredCell[]): Figure | null {
  const simulated = referenceCut(cells.filter(({ defense }) => defense.kind === "simulated"));
  const [first] = simulated;
  if (first === undefined) return null;
  const beside = alike(cells, first);
  const packets = beside.filter(({ defense }) => defense.kind === "preset" && defense.preset === "paper");
  const off = beside.filter(isPreset("off"));
  const line = (name: string, own: readonly MeasuredCell[], style: number): Series => ({
    name,
    style: lineStyle(style),
    points: own.flatMap((cell) => {
      const at = attackIn(cell, PAPERS_ATTACK)?.balanced_accuracy;
      return at === undefined ? [] : [{ x: parameterOf(cell), y: at.value, low: at.low, high: at.high }];
    }),
  });
  const series = [line("simulated on tables", simulated, 0), line("preset paper, on packets", packets, 1)];
  if (series.some(({ points }) => points.length === 0)) return null;
  const undefended = off.flatMap((cell) => attackIn(cell, PAPERS_ATTACK)?.balanced_accuracy.value ?? [])[0];
  const all = [...simulated, ...packets];
  const title = `${scenario.title}: the realistic adversary, simulated and on packets`;
  const least = Math.min(
    first.leakage.chance - 0.03,
    ...series.flatMap(({ points }) => points.map(({ low }) => low ?? 1)),
  );
  const parameters = [...new Set(all.map(parameterOf))].sort((a, b) => a - b);
  const read = (one: Series | undefined, parameter: number): string => {
    const at = one?.points.find(({ x }) => x === parameter);
    return at === undefined ? "" : `${percent(at.y)} (${percent(at.low ?? at.y)} to ${percent(at.high ?? at.y)})`;
  };
  return {
    file: `figure-side-${fileWord(scenario.name)}`,
    svg: lineChart({
      title,
      note: `neural network, ${windowWords(first.windows)}, ${viewWords(first, true)} · ${shortProvenance(all)}`,
      x: "variance multiplier ν",
      y: "balanced accuracy",
      ticks: parameters,
      range: [Math.max(0, Math.floor(least * 10) / 10), 1],
      level: { name: "chance", y: first.leakage.chance },
      series: [
        ...series,
        ...(undefended === undefined
          ? []
          : [{ name: "undefended", style: baseStyle(), points: parameters.map((x) => ({ x, y: undefended })) }]),
      ],
      format: roundPercent,
    }),
    caption:
      "The paper set two features to a constant and drew noise over five, in a table. On packets decoys can be added and none taken away, and delays move what the table leaves alone.",
    source: provenance(all),
    numbers: dataTable(
      title,
      ["ν", ...series.map(({ name }) => name), "undefended"],
      parameters.map((parameter) => [
        String(parameter),
        ...series.map((one) => read(one, parameter)),
        undefended === undefined ? "" : percent(undefended),
      ]),
    ),
  };
}

/** The paper's Figure 4 with our numbers, and the same behind each preset: every attack against the size of windows. The views most looked from come first. */
export function attackFigures(
  scenario: Scenario,
  cells: readonly MeasuredCell[],
): { first: Figure[]; others: Figure[] } {
  const own = presetCells(cells).sort(byDefense);
  const names = [...new Set(own.flatMap(({ leakage }) => leakage.attacks.map(({ attack }) => attack)))].sort();
  const found = grouped(own, ({ defense }) => defense.preset).map((behind) =>
    variants(behind)
      .sort((a, b) => breadth(b) - breadth(a))
      .flatMap((variant, view) => {
        const preset = variant[0]?.defense.kind === "preset" ? variant[0].defense.preset : "off";
        const series = names.map((name, i) => ({
          name: attackWords(name),
          style: lineStyle(i),
          readings: readingsOf(variant, name),
        }));
        const undefended = preset === "off";
        const number = scenario.name === "queries" && undefended && view === 0 ? "Figure 4: " : "";
        const title = `${number}${scenario.title}, ${undefended ? "undefended" : `behind ${preset}`}`;
        const file = `figure-4-${fileWord(scenario.name)}-${preset}${view === 0 ? "" : `-${view + 1}`}`;
        const words = `Each attack retrained on ${undefended ? "undefended traffic" : `what ${preset} lets through`}.`;
        return accuracyFigure({ file, title, words }, series) ?? [];
      }),
  );
  return { first: found.flatMap((views) => views.slice(0, 1)), others: found.flatMap((views) => views.slice(1)) };
}

/** How much a picture of one view would show: sizes of windows first, then attacks, then both ways before one, statistics before headers. */
function breadth(cells: readonly MeasuredCell[]): number {
  const sizes = new Set(cells.map(({ windows }) => windows.size)).size;
  const attacks = new Set(cells.flatMap(({ leakage }) => leakage.attacks.map(({ attack }) => attack))).size;
  const [first] = cells;
  return (
    sizes * 1000 + attacks * 10 + (first?.windows.direction === "both" ? 2 : 0) + (first?.observer === "stats" ? 1 : 0)
  );
}

/** The best attack against the size of windows, a line for each preset. */
export function presetFigures(scenario: Scenario, cells: readonly MeasuredCell[]): Figure[] {
  const own = comparable(presetCells(cells)).sort(byDefense);
  return variants(own).flatMap((variant, view) => {
    if (new Set(variant.map(({ windows }) => windows.size)).size < 2) return [];
    const series = grouped(variant, presetOf).map((behind, i) => ({
      name: behind[0] === undefined ? "" : presetOf(behind[0]),
      style: lineStyle(i),
      readings: readingsOf(behind, null),
    }));
    const title = `${scenario.title}: the best attack behind each preset`;
    const file = `figure-presets-${fileWord(scenario.name)}${view === 0 ? "" : `-${view + 1}`}`;
    return accuracyFigure({ file, title, words: "Each point is the attack that reads most there." }, series) ?? [];
  });
}

/** Cells that one picture can hold: one view, one kind of cut, one order of the series. */
function variants(cells: readonly MeasuredCell[]): MeasuredCell[][] {
  return grouped(cells, variantKey);
}

function variantKey(cell: MeasuredCell): string {
  const order = cell.defense.kind === "preset" ? "" : cell.defense.order;
  return `${viewKey(cell)} ${cell.windows.cut} ${order}`;
}

/** What the paper shows, where it was measured throughout; null: the best of each cell. */
function attackOf(cells: readonly MeasuredCell[]): string | null {
  return cells.every((cell) => attackIn(cell, PAPERS_ATTACK) !== undefined) ? PAPERS_ATTACK : null;
}

function whose(attack: string | null): string {
  return attack === null
    ? "The neural network was not measured everywhere: each point is the attack that reads most."
    : "The neural network, retrained on what is shown.";
}

function readingsOf(cells: readonly MeasuredCell[], attack: string | null): Reading[] {
  return cells.flatMap((cell) => {
    const report = attack === null ? bestOf(cell) : attackIn(cell, attack);
    return report === undefined ? [] : [{ cell, report }];
  });
}

function presetOf({ defense }: MeasuredCell): string {
  return defense.kind === "preset" ? defense.preset : "";
}
