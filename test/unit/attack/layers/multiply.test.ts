import { test } from "tap";
import type { Block } from "../../../../src/attack/layers/block.js";
import { multiplyTransposed } from "../../../../src/attack/layers/multiply-transposed.js";
import { multiply } from "../../../../src/attack/layers/multiply.js";
import { normals } from "../../../support/gradients.js";

const SIZES = [
  [1, 1, 1],
  [1, 5, 4],
  [2, 3, 4],
  [3, 7, 5],
  [5, 2, 3],
  [4, 257, 9],
  [300, 3, 6],
  [7, 600, 8],
] as const;

const at = ({ values, at, stride }: Block, row: number, column: number): number =>
  values[at + row * stride + column] ?? NaN;

/** A matrix that begins at 3 and whose rows are `gap` apart beyond their columns (or overlap, below 0). */
function block(rows: number, columns: number, gap: number, seed: string): Block {
  const stride = columns + gap;
  return { values: normals(3 + rows * stride + columns + 2, seed), at: 3, stride };
}

test("products are those of the definition, and nothing beside them is touched", async (t) => {
  for (const [m, k, n] of SIZES) {
    for (const gap of [0, 2, -1]) {
      const a = block(m, k, k > 1 ? gap : 0, "a");
      const b = block(k, n, Math.max(0, gap), "b");
      const c = block(m, n, Math.max(0, gap), "c");
      const expected = c.values.slice();
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++)
          for (let l = 0; l < k; l++)
            expected[3 + i * c.stride + j] = (expected[3 + i * c.stride + j] ?? 0) + at(a, i, l) * at(b, l, j);
      multiply(a, b, c, m, k, n);
      t.ok(
        expected.every((value, i) => Math.abs(value - (c.values[i] ?? NaN)) < 1e-10),
        `${m} × ${k} × ${n}, gap ${gap}`,
      );
    }
  }
});

test("products with the transpose are those of the definition, and nothing beside them is touched", async (t) => {
  for (const [m, k, n] of SIZES) {
    for (const gap of [0, 2, -1]) {
      const a = block(m, k, k > 1 ? gap : 0, "a");
      const b = block(m, n, Math.max(0, gap), "b");
      const c = block(k, n, Math.max(0, gap), "c");
      const expected = c.values.slice();
      for (let l = 0; l < m; l++)
        for (let i = 0; i < k; i++)
          for (let j = 0; j < n; j++)
            expected[3 + i * c.stride + j] = (expected[3 + i * c.stride + j] ?? 0) + at(a, l, i) * at(b, l, j);
      multiplyTransposed(a, b, c, m, k, n);
      t.ok(
        expected.every((value, i) => Math.abs(value - (c.values[i] ?? NaN)) < 1e-10),
        `${m} × ${k} × ${n}, gap ${gap}`,
      );
    }
  }
});

test("a row's product does not depend on the rows beside it", async (t) => {
  const [m, k, n] = [5, 300, 7];
  const a = block(m, k, 0, "a");
  const b = block(k, n, 0, "b");
  const all: Block = { values: new Float64Array(m * n), at: 0, stride: n };
  multiply(a, b, all, m, k, n);
  for (let row = 0; row < m; row++) {
    const alone: Block = { values: new Float64Array(n), at: 0, stride: n };
    multiply({ ...a, at: a.at + row * a.stride }, b, alone, 1, k, n);
    t.same([...alone.values], [...all.values.subarray(row * n, (row + 1) * n)]);
  }
});
