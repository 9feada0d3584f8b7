/** Rows of numbers: one row a window or trace, one column a feature, `values[row * columns + column]`. Survives structuredClone. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}
