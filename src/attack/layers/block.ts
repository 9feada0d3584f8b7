/**
 * A matrix inside `values`: element (row, column) stands at `at + row * stride + column`. Rows may overlap (a stride below
 * the number of columns), as the windows of a convolution do. `at` moves, so that a loop over samples makes no objects.
 */
export interface Block {
  readonly values: Float64Array;
  at: number;
  readonly stride: number;
}
