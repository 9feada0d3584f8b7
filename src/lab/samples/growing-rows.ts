import type { Matrix } from "../../features/matrix.js";

/** Rows that come one by one and end as a matrix. */
export class GrowingRows {
  readonly columns: number;
  rows = 0;
  #values: Float64Array;

  constructor(columns: number) {
    this.columns = columns;
    this.#values = new Float64Array(columns * 64);
  }

  push(row: Float64Array): void {
    const at = this.rows * this.columns;
    if (at + this.columns > this.#values.length) {
      const grown = new Float64Array(this.#values.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values.set(row.subarray(0, this.columns), at);
    this.rows++;
  }

  /** All rows so far. More may follow; the matrix stays as it is. */
  matrix(): Matrix {
    const values = this.#values.slice(0, this.rows * this.columns);
    return { rows: this.rows, columns: this.columns, values };
  }
}
