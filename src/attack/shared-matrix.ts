import type { Matrix } from "../features/matrix.js";

/** A copy that threads read without copying it again; nobody may write to it afterwards. */
export function sharedMatrix({ rows, columns, values }: Matrix): Matrix {
  const shared = new Float64Array(new SharedArrayBuffer(values.byteLength));
  shared.set(values);
  return { rows, columns, values: shared };
}
