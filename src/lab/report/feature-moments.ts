import { FEATURES, type FeatureName } from "../../features/features.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import type { SampleSet } from "../../leakage/sample-set.js";

/** What the windows of a set have of one feature. Survives structuredClone. */
export interface FeatureMoments {
  readonly name: FeatureName;
  /** Over all windows, and their population deviation. */
  readonly mean: number;
  readonly deviation: number;
  /**
   * The share of the variance that lies between the classes, each class counting alike (η², the correlation ratio): 0 where the classes have
   * the same mean, 1 where windows of a class are all the same. What an attack of means alone could go by.
   */
  readonly told: number;
}

/** The twelve features of a set that has them as its table, in their order. Throws a usage error for another table. */
export function featureMoments({ samples, labels, classes }: SampleSet): FeatureMoments[] {
  const table = samples.table;
  if (table?.columns !== FEATURES.length)
    throw new HushboxError(
      "usage",
      `summing up features: a table of ${table?.columns ?? 0} columns, where the features are ${FEATURES.length}`,
    );
  const { rows, columns, values } = table;
  return FEATURES.map((name, column) => {
    const own = Float64Array.from({ length: rows }, (_, row) => values[row * columns + column] ?? 0);
    const all = momentsOf(own);
    const each = classes
      .map((_, c) => momentsOf(own.filter((_value, row) => labels[row] === c)))
      .filter(({ n }) => n > 0);
    const between = momentsOf(Float64Array.from(each, ({ mean }) => mean)).variance;
    const within = each.reduce((sum, { variance }) => sum + variance, 0) / Math.max(each.length, 1);
    const told = between + within === 0 ? 0 : between / (between + within);
    return { name, mean: all.mean, deviation: Math.sqrt(all.variance), told };
  });
}

function momentsOf(values: Float64Array): { n: number; mean: number; variance: number } {
  const n = values.length;
  if (n === 0) return { n, mean: 0, variance: 0 };
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  return { n, mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n };
}
