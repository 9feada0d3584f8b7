/** An exact fraction: numerator and a denominator above 0, without common divisor. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

export function rational(n: bigint, d = 1n): Rational {
  const sign = d < 0n ? -1n : 1n;
  const common = divisor(n < 0n ? -n : n, d * sign) || 1n;
  return { n: (sign * n) / common, d: (sign * d) / common };
}

export const ZERO = rational(0n);
export const plus = (a: Rational, b: Rational): Rational => rational(a.n * b.d + b.n * a.d, a.d * b.d);
export const minus = (a: Rational, b: Rational): Rational => rational(a.n * b.d - b.n * a.d, a.d * b.d);
export const times = (a: Rational, b: Rational): Rational => rational(a.n * b.n, a.d * b.d);
export const over = (a: Rational, b: Rational): Rational => rational(a.n * b.d, a.d * b.n);

/** The nearest double, or its neighbour. */
export function toNumber({ n, d }: Rational): number {
  // 80 bits behind the point, so that small fractions keep theirs.
  return Number((n << 80n) / d) / 2 ** 80;
}

/** Solves a square system by elimination, exactly. Throws where it has no single solution. */
export function solve(matrix: readonly (readonly Rational[])[], right: readonly Rational[]): Rational[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? ZERO]);
  const at = (i: number, j: number): Rational => rows[i]?.[j] ?? ZERO;
  for (let k = 0; k < rows.length; k++) {
    const pivot = rows.findIndex((row, i) => i >= k && (row[k] ?? ZERO).n !== 0n);
    if (pivot < 0) throw new Error("the system is singular");
    [rows[k], rows[pivot]] = [rows[pivot] ?? [], rows[k] ?? []];
    const scaled = (rows[k] ?? []).map((x) => over(x, at(k, k)));
    rows[k] = scaled;
    for (const [i, row] of rows.entries()) {
      if (i === k) continue;
      const factor = at(i, k);
      rows[i] = row.map((x, j) => minus(x, times(factor, scaled[j] ?? ZERO)));
    }
  }
  return rows.map((row) => row.at(-1) ?? ZERO);
}

function divisor(a: bigint, b: bigint): bigint {
  while (b > 0n) [a, b] = [b, a % b];
  return a;
}
