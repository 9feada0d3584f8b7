import type { Block } from "./block.js";
import { addFour } from "./multiply.js";

/** So many rows of both strips stay in the first-level cache. */
const STRIP = 256;

/** c += aᵀ · b, with a of m × k, b of m × n and c of k × n: what the gradients of weights are. Tiles as in multiply.ts. */
export function multiplyTransposed(a: Block, b: Block, c: Block, m: number, k: number, n: number): void {
  for (let from = 0; from < m; from += STRIP) {
    const count = Math.min(STRIP, m - from);
    let j = 0;
    for (; j + 4 <= n; j += 4) {
      let i = 0;
      for (; i + 2 <= k; i += 2) twoByFour(a, i, b, from, j, c, count);
      if (i < k) for (let l = j; l < j + 4; l++) oneByOne(a, i, b, from, l, c, count);
    }
    for (; j < n; j++) for (let i = 0; i < k; i++) oneByOne(a, i, b, from, j, c, count);
  }
}

function twoByFour(a: Block, i: number, b: Block, from: number, j: number, c: Block, count: number): void {
  const av = a.values;
  const bv = b.values;
  let p = a.at + from * a.stride + i;
  let r = b.at + from * b.stride + j;
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c03 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c13 = 0;
  const stepA = a.stride;
  const stepB = b.stride;
  for (let row = 0; row < count; row++, p += stepA, r += stepB) {
    const a0 = av[p] ?? 0;
    const a1 = av[p + 1] ?? 0;
    const b0 = bv[r] ?? 0;
    const b1 = bv[r + 1] ?? 0;
    const b2 = bv[r + 2] ?? 0;
    const b3 = bv[r + 3] ?? 0;
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
  }
  const at = c.at + i * c.stride + j;
  addFour(c.values, at, c00, c01, c02, c03);
  addFour(c.values, at + c.stride, c10, c11, c12, c13);
}

function oneByOne(a: Block, i: number, b: Block, from: number, j: number, c: Block, count: number): void {
  const av = a.values;
  const bv = b.values;
  let p = a.at + from * a.stride + i;
  let r = b.at + from * b.stride + j;
  let sum = 0;
  for (let row = 0; row < count; row++, p += a.stride, r += b.stride) sum += (av[p] ?? 0) * (bv[r] ?? 0);
  const at = c.at + i * c.stride + j;
  c.values[at] = (c.values[at] ?? 0) + sum;
}
