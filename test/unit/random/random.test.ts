import { test } from "tap";
import { gaussian, integer, uniform } from "../../../src/random/random.js";
import { SecureRandom } from "../../../src/random/secure-random.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";

test("the same seed gives the same draws, another stream others", async (t) => {
  const draws = (random: SeededRandom): number[] => Array.from({ length: 3000 }, () => random.word());
  t.same(draws(new SeededRandom("a")), draws(new SeededRandom("a")));
  t.notSame(draws(new SeededRandom("a")), draws(new SeededRandom("b")));
  t.notSame(draws(new SeededRandom("a")), draws(new SeededRandom("a", "other")));
});

for (const random of [new SeededRandom("moments"), new SecureRandom()]) {
  test(`${random.constructor.name}: the moments of 200,000 normal draws are those of N(0, 1)`, async (t) => {
    const n = 200_000;
    let sum = 0;
    let squares = 0;
    let fourth = 0;
    for (let i = 0; i < n; i++) {
      const x = gaussian(random);
      sum += x;
      squares += x * x;
      fourth += x ** 4;
    }
    // Six standard errors: sqrt(1/n), sqrt(2/n), sqrt(96/n).
    t.ok(Math.abs(sum / n) < 6 / Math.sqrt(n), "mean 0");
    t.ok(Math.abs(squares / n - 1) < 6 * Math.sqrt(2 / n), "variance 1");
    t.ok(Math.abs(fourth / n - 3) < 6 * Math.sqrt(96 / n), "kurtosis 3");
  });

  test(`${random.constructor.name}: integers are even over their range, both ends included`, async (t) => {
    const counts = [0, 0, 0, 0, 0];
    for (let i = 0; i < 50_000; i++) {
      const k = integer(random, 3, 7) - 3;
      counts[k] = (counts[k] ?? 0) + 1;
    }
    const chi = counts.reduce((total, count) => total + (count - 10_000) ** 2 / 10_000, 0);
    t.ok(chi < 50, `chi-squared with 4 degrees of freedom: ${chi.toFixed(1)}`);
    const u = uniform(random);
    t.ok(u >= 0 && u < 1);
  });
}
