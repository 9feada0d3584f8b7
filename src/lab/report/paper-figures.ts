import { accuracyFigure, type AccuracySeries, type Reading } from "./accuracy-figure.js";
import { fileWord, type Figure } from "./figure.js";
import { baseStyle, lineStyle, rampStyle } from "./palette.js";
import type { MeasuredCell, Scenario } from "./reported-campaign.js";
import { attackIn, bestOf, byDefense, grouped, PAPERS_ATTACK, viewKey } from "./selection.js";
import { attackWords } from "./wording.js";

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
      const beside = cells.filter((cell) => variantKey({ ...cell, defense: first.defense }) === variantKey(first));
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
        ...(kind === "simulated"
          ? [
              {
                name: "preset paper, on packets",
                style: { ...lineStyle(2), dash: "6 3" },
                readings: readingsOf(beside.filter(isPreset("paper")), attack),
              },
            ]
          : []),
      ];
      const title = `${number === undefined ? "" : `Figure ${number}: `}${scenario.title}, ${words}`;
      const file = `figure-${number ?? "x"}-${fileWord(scenario.name)}-${kind}${i === 0 ? "" : `-${i + 1}`}`;
      return accuracyFigure({ file, title, words: whose(attack) }, series) ?? [];
    });
  });
}

/** The paper's Figure 4 with our numbers, and the same behind each preset: every attack against the size of windows. */
export function attackFigures(scenario: Scenario, cells: readonly MeasuredCell[]): Figure[] {
  const own = cells.filter(({ defense }) => defense.kind === "preset").sort(byDefense);
  const names = [...new Set(own.flatMap(({ leakage }) => leakage.attacks.map(({ attack }) => attack)))].sort();
  return variants(own).flatMap((variant, view) =>
    grouped(variant, presetOf).flatMap((behind) => {
      const [first] = behind;
      if (first === undefined) return [];
      const preset = presetOf(first);
      const series = names.map((name, i) => ({
        name: attackWords(name),
        style: lineStyle(i),
        readings: readingsOf(behind, name),
      }));
      const undefended = preset === "off";
      const number = scenario.name === "queries" && undefended ? "Figure 4: " : "";
      const title = `${number}${scenario.title}, ${undefended ? "undefended" : `behind ${preset}`}`;
      const file = `figure-4-${fileWord(scenario.name)}-${preset}${view === 0 ? "" : `-${view + 1}`}`;
      return (
        accuracyFigure(
          {
            file,
            title,
            words: `Each attack retrained on ${undefended ? "undefended traffic" : `what ${preset} lets through`}.`,
          },
          series,
        ) ?? []
      );
    }),
  );
}

/** The best attack against the size of windows, a line for each preset. */
export function presetFigures(scenario: Scenario, cells: readonly MeasuredCell[]): Figure[] {
  const own = cells.filter(({ defense }) => defense.kind === "preset").sort(byDefense);
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

function isPreset(preset: string): (cell: MeasuredCell) => boolean {
  return (cell) => presetOf(cell) === preset;
}

function presetOf({ defense }: MeasuredCell): string {
  return defense.kind === "preset" ? defense.preset : "";
}

function parameterOf({ defense }: MeasuredCell): number {
  return defense.kind === "preset" ? 0 : defense.parameter;
}
