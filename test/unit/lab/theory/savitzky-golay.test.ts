import { execFileSync } from "node:child_process";
import { test } from "tap";
import { DEGREES, SavitzkyGolay, smoothed, WINDOW } from "../../../../src/lab/theory/savitzky-golay.js";
import { gaussian } from "../../../../src/random/random.js";
import { SeededRandom } from "../../../../src/random/seeded-random.js";
import { over, plus, rational, solve, times, toNumber, ZERO, type Rational } from "../../../support/rational.js";

/** What a filter does to a series that is 1 at `at` and 0 elsewhere. */
function impulse(filter: SavitzkyGolay, length: number, at: number): Float64Array {
  return filter.smooth(new Float64Array(length).with(at, 1));
}

/** By the definition, exactly: the least-squares polynomial of whole numbers `values` on 0, 1, 2 …, at each position. */
function fitted(values: readonly bigint[], degree: number): Rational[] {
  const half = BigInt((values.length - 1) / 2);
  const places = values.map((_, i) => BigInt(i) - half);
  const powers = (x: bigint, k: number): bigint => x ** BigInt(k);
  const sum = (of: (x: bigint, i: number) => bigint): Rational =>
    rational(places.reduce((total, x, i) => total + of(x, i), 0n));
  const exponents = Array.from({ length: degree + 1 }, (_, k) => k);
  const normal = exponents.map((j) => exponents.map((k) => sum((x) => powers(x, j + k))));
  const right = exponents.map((j) => sum((x, i) => powers(x, j) * (values[i] ?? 0n)));
  const coefficients = solve(normal, right);
  return places.map((x) => coefficients.reduce((total, c, k) => plus(total, times(c, rational(powers(x, k)))), ZERO));
}

void test("the tables of 1964: five and seven points of the second degree, nine of the fourth", (t) => {
  for (const [window, degree, by, table] of [
    [5, 2, 35, [-3, 12, 17, 12, -3]],
    [7, 2, 21, [-2, 3, 6, 7, 6, 3, -2]],
    [9, 4, 429, [15, -55, 30, 135, 179, 135, 30, -55, 15]],
  ] as const) {
    const filter = new SavitzkyGolay(degree, window);
    const middle = impulse(filter, 3 * window, window + (window - 1) / 2).subarray(window, 2 * window);
    t.ok(
      table.every((weight, i) => Math.abs((middle[i] ?? 0) - weight / by) < 1e-15),
      `${window} points, degree ${degree}`,
    );
  }
  t.end();
});

void test("a line through five points, its ends by hand", (t) => {
  // Around 0, -2 … 2: the mean is 12 / 5, the slope (-2·1 - 1·0 + 1·4 + 2·7) / 10 = 1.6; means of five elsewhere.
  const smooth = new SavitzkyGolay(1, 5).smooth(Float64Array.of(1, 0, 0, 4, 7, 10, 3));
  const expected = [2.4 - 3.2, 2.4 - 1.6, 2.4, 21 / 5, 24 / 5, 24 / 5, 24 / 5];
  // The last five, 0 4 7 10 3: mean 4.8, slope (0 - 4 + 10 + 6) / 10 = 1.2.
  expected.splice(5, 2, 4.8 + 1.2, 4.8 + 2.4);
  for (const [i, value] of expected.entries()) t.ok(Math.abs((smooth[i] ?? 0) - value) < 1e-14, `position ${i}`);
  t.end();
});

void test("every weight of the paper's filters is the exact one", (t) => {
  for (const degree of DEGREES) {
    const filter = new SavitzkyGolay(degree);
    let worst = 0;
    for (const at of [0, 1, 13, 25, 26, 49, 50]) {
      const exact = fitted(
        Array.from({ length: WINDOW }, (_, i) => (i === at ? 1n : 0n)),
        degree,
      );
      const made = impulse(filter, WINDOW, at);
      for (const [i, weight] of exact.entries()) worst = Math.max(worst, Math.abs((made[i] ?? 0) - toNumber(weight)));
    }
    t.ok(worst < 1e-14, `degree ${degree}: off by ${worst.toExponential(1)} at most`);
  }
  t.end();
});

void test("a series of whole numbers, inside and at both ends, against exact fractions", (t) => {
  const random = new SeededRandom(1, "series");
  const values = Array.from({ length: 130 }, () => BigInt(Math.round(1000 * gaussian(random))));
  const series = Float64Array.from(values, Number);
  for (const degree of [1, 5, 9]) {
    const made = new SavitzkyGolay(degree).smooth(series);
    const first = fitted(values.slice(0, WINDOW), degree);
    const last = fitted(values.slice(-WINDOW), degree);
    const near = (at: number, exact: Rational | undefined): boolean =>
      exact !== undefined && Math.abs((made[at] ?? 0) - toNumber(exact)) < 1e-9;
    t.ok(
      first.slice(0, 26).every((exact, i) => near(i, exact)),
      `degree ${degree}: the first half window`,
    );
    t.ok(
      last.slice(25).every((exact, i) => near(104 + i, exact)),
      "the last",
    );
    t.ok(near(60, fitted(values.slice(35, 86), degree)[25]), "one inside");
  }
  t.ok(toNumber(over(rational(1n), rational(3n))) === 1 / 3, "and the fractions are read rightly");
  t.end();
});

const PYTHON = "/usr/bin/python3";
function withoutScipy(): string | false {
  try {
    execFileSync(PYTHON, ["-c", "import scipy.signal"], { stdio: "ignore" });
    return false;
  } catch {
    return "python3-scipy is not installed";
  }
}

// scipy takes the weights inside from powers of -25 … 25 and loses digits: of degree 9 they are off the exact fractions by up to 3.8e-7
// (1.10.1 and 1.17.1, savgol_coeffs against Python's Fraction), where ours are off by less than 1e-14, as tested above. It fits the ends otherwise.
const INSIDE: Readonly<Record<number, number>> = { 1: 1e-11, 3: 1e-9, 5: 1e-8, 7: 1e-5, 9: 5e-3 };

void test("scipy says the same, as far as it reckons", { skip: withoutScipy() }, (t) => {
  const random = new SeededRandom(2, "series");
  const script = [
    "import json, sys, scipy.signal",
    "series, degrees = json.load(sys.stdin)",
    "print(json.dumps([[list(scipy.signal.savgol_filter(s, 51, d)) for d in degrees] for s in series]))",
  ].join("\n");
  const series = [51, 52, 75, 300].map((n) => Array.from({ length: n }, (_, i) => 50 * gaussian(random) + i));
  const input = JSON.stringify([series, DEGREES]);
  const answer = JSON.parse(execFileSync(PYTHON, ["-c", script], { input, encoding: "utf8" })) as number[][][];
  for (const [i, own] of series.entries()) {
    for (const [j, degree] of DEGREES.entries()) {
      const made = new SavitzkyGolay(degree).smooth(Float64Array.from(own));
      const off = made.map((x, k) => Math.abs(x - (answer[i]?.[j]?.[k] ?? Infinity)));
      const inside = Math.max(0, ...off.slice(25, -25));
      const ends = Math.max(...off.slice(0, 25), ...off.slice(-25));
      const what = `${own.length} values, degree ${degree}: inside ${inside.toExponential(1)}, ends ${ends.toExponential(1)}`;
      t.ok(inside < (INSIDE[degree] ?? 0) && ends < 1e-7, what);
    }
  }
  t.end();
});

void test("what cannot be smoothed is refused", (t) => {
  t.throws(() => new SavitzkyGolay(3).smooth(new Float64Array(50)), {
    code: "too-few-samples",
    message: /a series of 50 windows is shorter than the filter's 51/,
  });
  t.throws(() => new SavitzkyGolay(51), { code: "usage", message: /window must be odd and above the degree/ });
  t.throws(() => new SavitzkyGolay(2, 8), { code: "usage" });
  t.throws(() => new SavitzkyGolay(-1), { code: "usage" });
  t.end();
});

void test("a table is smoothed column by column, series by series", (t) => {
  const values = Float64Array.from({ length: 204 }, (_, i) => (i % 2 === 0 ? Math.sin(i) : i * i));
  const samples = { rows: 102, columns: 2, values };
  // Even rows are one series, odd ones backwards another.
  const even = Uint32Array.from({ length: 51 }, (_, i) => 2 * i);
  const odd = Uint32Array.from({ length: 51 }, (_, i) => 101 - 2 * i);
  const before = values.slice();
  const made = smoothed(samples, [even, odd], 3);
  const filter = new SavitzkyGolay(3);
  for (const rows of [even, odd])
    for (const column of [0, 1])
      t.same(
        Float64Array.from(rows, (row) => made.values[2 * row + column] ?? 0),
        filter.smooth(Float64Array.from(rows, (row) => values[2 * row + column] ?? 0)),
      );
  t.same(values, before, "the table itself stays");
  t.end();
});
