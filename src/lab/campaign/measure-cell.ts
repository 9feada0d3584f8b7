import type { SampleForm } from "../../attack/attack.js";
import { attackNamed } from "../../attack/attacks.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { FEATURES } from "../../features/features.js";
import type { Matrix } from "../../features/matrix.js";
import type { ColumnBlock } from "../../leakage/permutation-importance.js";
import { DEFAULTS, protocol } from "../../leakage/protocol.js";
import type { Runner } from "../../leakage/runner.js";
import type { SampleSet } from "../../leakage/sample-set.js";
import { SeededRandom } from "../../random/seeded-random.js";
import { smoothed } from "../theory/savitzky-golay.js";
import { seriesOf } from "../theory/series.js";
import { simulatedAdversary } from "../theory/simulated-adversary.js";
import { noised } from "../theory/white-noise.js";
import type { Cell, CellPlan, Measuring } from "./cell.js";
import { drawnRows } from "./drawn-rows.js";
import { featureSummaries } from "./feature-summaries.js";
import type { Samples } from "../samples/samples.js";

/** What a measurement adds to a plan. */
export type Measured = Pick<Cell, "cost" | "features" | "leakage" | "refused" | "seconds">;

/** Where the work is done, what its draws are of, and who hears of it: `progress` with the share done. */
export interface MeasuringModules {
  readonly runner: Runner;
  readonly seed: string;
  readonly progress: (done: number) => void;
}

/** Lets a cell's attacks learn from what its look saw. What is too little to learn from is refused, with the reason. */
export async function measureCell(
  cell: CellPlan,
  samples: Samples,
  { folds, seeds, mostRows, resamples, repeats }: Measuring,
  { runner, seed, progress }: MeasuringModules,
): Promise<Measured> {
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1000;
  const cost = cell.defense.kind === "preset" ? samples.cost : null;
  // The same noise whatever else a campaign has.
  const random = (stream: string): SeededRandom => new SeededRandom(seed, `${stream} ${cell.id}`);
  try {
    const set = transformed(cell, samples, random("defense"));
    const { table } = set.samples;
    const features = table === undefined ? null : featureSummaries(set, table);
    const drawn = drawnRows(set, mostRows, random("rows"));
    const attacks = cell.attacks.map((name) => attackNamed(name));
    const blocks = asksForFeatures(cell) ? FEATURE_BLOCKS : {};
    const options = { ...DEFAULTS, folds, seeds, resamples, repeats, repetitions: cell.repetitions, blocks };
    const leakage = await protocol({ train: drawn, test: drawn }, attacks, options, {
      runner,
      progress: (done, all) => {
        progress(done / all);
      },
    });
    return { cost, features, leakage, refused: null, seconds: seconds() };
  } catch (error) {
    if (!(error instanceof HushboxError) || error.code !== "too-few-samples") throw error;
    return { cost, features: null, leakage: null, refused: error.message, seconds: seconds() };
  }
}

const FEATURE_BLOCKS: Readonly<Partial<Record<SampleForm, readonly ColumnBlock[]>>> = {
  table: FEATURES.map((name, column) => ({ name, columns: [column] })),
};

/** Where what gives the class away is a question to the packets: of presets, where several attacks are there to find it. */
function asksForFeatures({ defense, observer, attacks, vantage }: CellPlan): boolean {
  const tables = attacks.filter((name) => attackNamed(name).form === "table");
  return defense.kind === "preset" && observer === "stats" && vantage === "beyond" && tables.length > 1;
}

function transformed({ defense }: CellPlan, { set, starts }: Samples, random: SeededRandom): SampleSet {
  if (defense.kind === "preset") return set;
  const { table } = set.samples;
  if (table === undefined) throw new HushboxError("internal", `${defense.kind} of samples that are no table`);
  const { parameter, order } = defense;
  const origins = { at: starts, labels: set.labels, traces: set.traces ?? set.groups };
  const series = seriesOf(order, origins, random);
  const change = (): Matrix => {
    switch (defense.kind) {
      case "smoothing":
        return smoothed(table, series, parameter);
      case "noise":
        return noised(table, series, parameter, random);
      case "simulated":
        return simulatedAdversary(table, series, parameter, random);
    }
  };
  return { ...set, samples: { table: change() } };
}
