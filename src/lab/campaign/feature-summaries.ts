import { FEATURES } from "../../features/features.js";
import type { Matrix } from "../../features/matrix.js";
import type { SampleSet } from "../../leakage/sample-set.js";
import type { FeatureSummary } from "./cell.js";

/** Mean and population deviation of each of the twelve over a table's rows. Of a class without rows the mean is 0. */
export function featureSummaries({ classes, labels }: SampleSet, table: Matrix): FeatureSummary[] {
  const counts = classes.map((_, c) => labels.reduce((sum, label) => sum + (label === c ? 1 : 0), 0));
  return FEATURES.map((name, column) => {
    const sums = classes.map(() => 0);
    let sum = 0;
    for (const [row, label] of labels.entries()) {
      const value = table.values[row * table.columns + column] ?? 0;
      sums[label] = (sums[label] ?? 0) + value;
      sum += value;
    }
    const rows = Math.max(1, table.rows);
    const mean = sum / rows;
    let squares = 0;
    for (let row = 0; row < table.rows; row++)
      squares += ((table.values[row * table.columns + column] ?? 0) - mean) ** 2;
    return {
      name,
      mean,
      deviation: Math.sqrt(squares / rows),
      class_means: sums.map((own, c) => own / Math.max(1, counts[c] ?? 0)),
    };
  });
}
