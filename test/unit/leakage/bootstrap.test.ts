import { test } from "tap";
import { centredInterval, percentileInterval, quantileOf, resample } from "../../../src/leakage/bootstrap.js";
import { gaussian, uniform } from "../../../src/random/random.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";

void test("quantiles and the percentile interval by hand", (t) => {
  const sorted = Float64Array.from({ length: 100 }, (_, i) => i + 1);
  t.equal(quantileOf(sorted, 0.5), 50);
  t.equal(quantileOf(sorted, 0), 1);
  t.equal(quantileOf(sorted, 1), 100);
  t.ok(Number.isNaN(quantileOf(new Float64Array(0), 0.5)));
  t.same(percentileInterval(sorted, 0.9), { low: 5, high: 95 });
  t.same(centredInterval(sorted, 0.9, 60.5), { low: 15, high: 105 }, "moved by ten");
  t.end();
});

void test("a resample takes n - 1 groups of each stratum and n - 1 seeds", (t) => {
  const strata = [[0, 2, 4], [1, 3, 5, 6], [7]];
  const seen: number[][] = [];
  const sorted = resample(
    { seeds: 3, groups: 8, strata },
    (seed, weights) => {
      seen.push(strata.map((stratum) => stratum.reduce((sum, g) => sum + (weights[g] ?? 0), 0)));
      return seed;
    },
    500,
    new SeededRandom(1, "bootstrap"),
  );
  t.ok(seen.every((sums) => sums.join() === "2,3,1"));
  t.same([...new Set(sorted)], [0, 0.5, 1, 1.5, 2], "means of two of three seeds, in order");
  const once = resample({ seeds: 1, groups: 8, strata }, (seed) => seed, 5, new SeededRandom(1, "bootstrap"));
  t.same([...once], [0, 0, 0, 0, 0]);
  t.end();
});

void test("the variance of resampled means is that of the mean", (t) => {
  const random = new SeededRandom(2, "bootstrap");
  const values = Float64Array.from({ length: 6 }, () => gaussian(random));
  const mean = values.reduce((a, b) => a + b, 0) / 6;
  const unbiased = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 5 / 6;
  const stratum = [0, 1, 2, 3, 4, 5];
  const drawn = resample(
    { seeds: 1, groups: 6, strata: [stratum] },
    (_, weights) => values.reduce((sum, x, g) => sum + (x * (weights[g] ?? 0)) / 5, 0),
    40_000,
    random,
  );
  const centre = drawn.reduce((a, b) => a + b, 0) / drawn.length;
  const spread = drawn.reduce((sum, x) => sum + (x - centre) ** 2, 0) / drawn.length;
  t.ok(
    Math.abs(spread / unbiased - 1) < 0.03,
    `${(spread / unbiased).toFixed(3)} of it; with six draws it would be 5/6`,
  );
  t.end();
});

void test("intervals hold the truth about as often as they say", (t) => {
  // Three classes of five queries, each query with its own hardness: the smallest real set that we have.
  const random = new SeededRandom(4, "coverage");
  const strata = [0, 1, 2].map((c) => [0, 1, 2, 3, 4].map((i) => 5 * c + i));
  let held = 0;
  const rounds = 300;
  for (let i = 0; i < rounds; i++) {
    const right = Float64Array.from({ length: 15 }, () => {
      const share = Math.min(1, Math.max(0, 0.5 + 0.15 * gaussian(random)));
      let n = 0;
      for (let trace = 0; trace < 5; trace++) if (uniform(random) < share) n++;
      return n / 5;
    });
    const drawn = resample(
      { seeds: 1, groups: 15, strata },
      (_, weights) => right.reduce((sum, x, g) => sum + (x * (weights[g] ?? 0)) / 12, 0),
      400,
      random,
    );
    const { low, high } = percentileInterval(drawn, 0.95);
    if (low <= 0.5 && 0.5 <= high) held++;
  }
  t.ok(
    held / rounds > 0.88 && held / rounds < 0.99,
    `95 % intervals hold it in ${((100 * held) / rounds).toFixed(1)} %`,
  );
  t.end();
});
