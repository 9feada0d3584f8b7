import { test } from "tap";
import { Distribution } from "../../../src/features/distribution.js";

function of(...values: number[]): Distribution {
  const distribution = new Distribution();
  for (const value of values) distribution.add(value);
  return distribution;
}

test("small numbers: exact, quartiles between two of them as NumPy takes them", (t) => {
  const row = new Float64Array(9).fill(-1);
  t.equal(of(1, 2, 3, 4, 10).write(row, 1), 8);
  t.same([...row], [-1, 4, Math.sqrt(10), 1, 10, 2, 3, 4, -1]);
  t.equal(of(0, 1).quantile(0.5), 0.5);
  t.equal(of(63, 0, 63, 0).quantile(0.5), 31.5);
  t.end();
});

test("large numbers: quartiles within 1/64, never beyond what was seen", (t) => {
  const all = new Distribution();
  for (let n = 64; n < 2 ** 32; n = Math.ceil(n * 1.003)) {
    all.add(n);
    const one = of(n);
    if (one.quantile(0.5) !== n) t.fail(`${n} alone has the median ${one.quantile(0.5)}`);
    const three = of(n, Math.floor(n / 1.5), n * 2).quantile(0.5);
    if (n < 2 ** 31 && !(Math.abs(three - n) * 64 < n)) t.fail(`${n} in the middle reads ${three}`);
  }
  t.equal(all.max, Math.max(all.max, all.quantile(1)));
  t.end();
});

test("many at once are as many one by one; what is out of range is cut to it", (t) => {
  const [one, other] = [of(7, 7, 7, 900, 900), new Distribution()];
  other.add(7, 3);
  other.add(900, 2);
  const [a, b] = [new Float64Array(7), new Float64Array(7)];
  one.write(a, 0);
  other.write(b, 0);
  t.ok(a.every((value, i) => Math.abs(value - (b[i] ?? NaN)) < 1e-9));
  const cut = of(-5, 1e12, 2.6);
  t.same([cut.min, cut.max, cut.quantile(0.5)], [0, 2 ** 32 - 1, 3]);
  cut.clear();
  t.same([cut.count, cut.mean, cut.deviation, cut.quantile(0.25)], [0, 0, 0, 0]);
  t.end();
});
