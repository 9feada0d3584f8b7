import type { Matrix } from "../../features/matrix.js";

/** Samples as a network takes them, one at a time: what is made of a row need not stand in memory for all rows at once. */
export interface Rows {
  readonly count: number;
  /** Numbers that each has. */
  readonly width: number;
  /** Writes a row into `into` from `at`. */
  copy(row: number, into: Float64Array, at: number): void;
}

/** The rows of a matrix as they are. */
export function rowsOf({ rows, columns, values }: Matrix): Rows {
  return {
    count: rows,
    width: columns,
    copy(row, into, at) {
      for (let from = row * columns, end = from + columns, to = at; from < end; from++, to++)
        into[to] = values[from] ?? 0;
    },
  };
}
