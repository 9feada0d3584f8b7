import type { WindowOptions } from "../../features/windows.js";
import { DEGREES } from "../theory/savitzky-golay.js";
import type { SeriesOrder } from "../theory/series.js";
import { MICROPHONE_NU, QUERY_NU } from "../theory/white-noise.js";

/** What a scenario is to the plan: one of the paper's two kinds of task, or captures of somebody's own. */
export type ScenarioKind = "microphone" | "queries" | "captures";

export type Direction = WindowOptions["direction"];

/** How far a campaign goes. Survives structuredClone. */
export interface Scope {
  /** Packets of a window in the paper's figures. */
  readonly sizes: readonly number[];
  /** Where packets and the simulated adversary stand side by side, and presets meet every attack. */
  readonly sideSizes: readonly number[];
  readonly presetSizes: readonly number[];
  /** ψ of the smoothing, and in which orders of the windows. */
  readonly degrees: readonly number[];
  readonly orders: readonly SeriesOrder[];
  /** ν of the noise. */
  readonly nu: Readonly<Record<ScenarioKind, readonly number[]>>;
  /** Whether attacks on packets in their order, which take a minute to train, take part. */
  readonly sequences: boolean;
  /** Directions in which who parses headers looks on. */
  readonly parsed: readonly Direction[];
  /** Whether it looks on where nothing is defended too, and reads much the same as who counts. */
  readonly parsedUndefended: boolean;
  /**
   * Repetitions of the null: of emulated scenarios at the middle size, and of captures. A few dozen captures need many: of 19 repetitions one
   * that happens to deal nearly the true labels is the threshold, and undefended Echo traces (0.76 of 75, chance 0.33) then pass for chance.
   */
  readonly nullEmulated: number;
  readonly nullCaptures: number;
}

/** All of it. */
export const WHOLE: Scope = {
  sizes: [50, 100, 250, 500, 750, 1000, 1250, 1500],
  sideSizes: [1000, 1500],
  presetSizes: [100, 500, 1000, 1500],
  degrees: DEGREES,
  orders: ["time", "shuffled"],
  nu: { microphone: MICROPHONE_NU, queries: QUERY_NU, captures: [] },
  sequences: true,
  parsed: ["both", "up", "down"],
  parsedUndefended: true,
  nullEmulated: 19,
  nullCaptures: 99,
};

/** What fits into ten minutes on two cores. The ends and the middle of each range stay, so that a curve keeps its shape. */
export const QUICK: Scope = {
  ...WHOLE,
  sizes: [100, 500, 1000, 1500],
  sideSizes: [1000],
  presetSizes: [1000],
  degrees: ends(WHOLE.degrees),
  nu: { microphone: ends(MICROPHONE_NU), queries: ends(QUERY_NU), captures: [] },
  sequences: false,
  parsed: ["both"],
  parsedUndefended: false,
  nullEmulated: 0,
};

/** What a scope has not that the whole has, a sentence each. */
export function leftOutOf(scope: Scope): string[] {
  const said: string[] = [];
  const missing = <T>(name: string, all: readonly T[], own: readonly T[]): void => {
    const left = all.filter((one) => !own.includes(one));
    if (left.length > 0) said.push(`${name}: ${left.join(", ")}`);
  };
  missing("packets of a window in the figures", WHOLE.sizes, scope.sizes);
  missing("packets of a window where presets meet every attack", WHOLE.presetSizes, scope.presetSizes);
  missing("packets of a window where the simulated adversary stands beside packets", WHOLE.sideSizes, scope.sideSizes);
  missing("degrees of smoothing", WHOLE.degrees, scope.degrees);
  missing("orders of the windows that smoothing passes over", WHOLE.orders, scope.orders);
  missing("variances of noise, microphone", WHOLE.nu.microphone, scope.nu.microphone);
  missing("variances of noise, queries", WHOLE.nu.queries, scope.nu.queries);
  missing("directions in which who parses headers looks on", WHOLE.parsed, scope.parsed);
  if (!scope.parsedUndefended) said.push("who parses headers, where nothing is defended");
  if (!scope.sequences) said.push("attacks on packets in their order, which take a minute each to train");
  if (scope.nullEmulated === 0) said.push("what the best attack reads of nothing, for emulated scenarios");
  return said;
}

function ends(range: readonly number[]): number[] {
  return range.filter((_, i) => i === 0 || i === Math.floor(range.length / 2) || i === range.length - 1);
}
