import type { Matrix } from "../features/matrix.js";
import type { SavedFields } from "./saved-fields.js";

/** Scaled values end there, so that sums of their squares stay finite. */
const FARTHEST = 1e100;

/**
 * Brings each column to mean 0 and deviation 1 (population deviation). A column whose deviation is what rounding alone would make of a
 * constant is only shifted, by the bound that scikit-learn uses: else constant padding's last bits would be as large as any column.
 */
export class Scaler {
  readonly #means: Float64Array;
  readonly #deviations: Float64Array;

  constructor(means: Float64Array, deviations: Float64Array) {
    this.#means = means;
    this.#deviations = deviations;
  }

  /** Learns from at least one row. */
  static of({ rows, columns, values }: Matrix): Scaler {
    const means = new Float64Array(columns);
    const variances = new Float64Array(columns);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        means[column] = (means[column] ?? 0) + (values[row * columns + column] ?? 0);
    for (let column = 0; column < columns; column++) means[column] = (means[column] ?? 0) / rows;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const off = (values[row * columns + column] ?? 0) - (means[column] ?? 0);
        variances[column] = (variances[column] ?? 0) + off * off;
      }
    }
    const deviations = variances.map((squares, column) => {
      const variance = squares / rows;
      const rounding = rows * Number.EPSILON * variance + (rows * (means[column] ?? 0) * Number.EPSILON) ** 2;
      return variance <= rounding ? 1 : Math.sqrt(variance);
    });
    return new Scaler(means, deviations);
  }

  /** How many columns it scales. */
  get columns(): number {
    return this.#means.length;
  }

  /** A scaled copy. */
  scale({ rows, columns, values }: Matrix): Matrix {
    const scaled = new Float64Array(values.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const at = row * columns + column;
        const value = ((values[at] ?? 0) - (this.#means[column] ?? 0)) / (this.#deviations[column] ?? 1);
        scaled[at] = Math.max(-FARTHEST, Math.min(FARTHEST, value));
      }
    }
    return { rows, columns, values: scaled };
  }

  /** The two fields of a saved model that `load` reads. */
  save(): { means: number[]; deviations: number[] } {
    return { means: [...this.#means], deviations: [...this.#deviations] };
  }

  /** Throws `model-invalid`. */
  static load(fields: SavedFields, columns: number): Scaler {
    const means = fields.numbers("means", columns);
    const deviations = fields.numbers("deviations", columns);
    if (!deviations.every((deviation) => deviation > 0)) throw fields.wrong("a deviation is not above 0");
    return new Scaler(means, deviations);
  }
}
