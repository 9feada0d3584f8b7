import { test } from "tap";
import { ThinnedSeries } from "../../../src/features/thinned-series.js";

test("a series that fits is whole; a longer one loses every other value, and never its first and last", (t) => {
  const series = new ThinnedSeries(4);
  t.equal(series.at(0), 0);
  const kept = (): number[] => Array.from({ length: series.kept }, (_, i) => series.keptAt(i));
  const expected: Record<number, number[]> = { 4: [0, 10, 20, 30], 5: [0, 20, 40], 8: [0, 20, 40, 60], 9: [0, 40, 80] };
  for (let n = 1; n <= 100; n++) {
    series.add((n - 1) * 10);
    if (expected[n] !== undefined) t.same(kept(), expected[n], `${n} values`);
    for (let position = 0; position < n; position += 0.25) {
      const line = Math.min(position, n - 1) * 10;
      if (Math.abs(series.at(position) - line) > 1e-9) t.fail(`at ${position} of ${n}: ${series.at(position)}`);
    }
    if (n > 4 && series.kept < 2) t.fail(`of ${n} only ${series.kept} are left`);
  }
  t.equal(series.stride, 32);
  series.clear();
  series.add(7);
  t.same([series.count, series.stride, kept()], [1, 1, [7]]);
  t.end();
});
