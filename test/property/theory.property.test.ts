import fc from "fast-check";
import { test } from "tap";
import { SavitzkyGolay } from "../../src/lab/theory/savitzky-golay.js";
import { mapSeries, seriesOf, type SeriesOrder } from "../../src/lab/theory/series.js";
import { SeededRandom } from "../../src/random/seeded-random.js";

const values = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), { minLength: 51, maxLength: 160 });
const degrees = fc.constantFrom(1, 3, 5, 7, 9);
const near = (a: Float64Array, b: Float64Array, by: number): boolean =>
  a.length === b.length && a.every((x, i) => Math.abs(x - (b[i] ?? Infinity)) <= by);

void test("a polynomial of the filter's degree passes unchanged, ends included", (t) => {
  const coefficients = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(degrees, coefficients, fc.integer({ min: 51, max: 200 }), (degree, all, length) => {
      const own = all.slice(0, degree + 1);
      const series = Float64Array.from({ length }, (_, i) => {
        const x = (2 * i) / (length - 1) - 1;
        return own.reduceRight((sum, c) => sum * x + c, 0);
      });
      return near(new SavitzkyGolay(degree).smooth(series), series, 1e-9);
    }),
  );
  t.pass("no counterexample");
  t.end();
});

void test("the filter is linear, does not mind direction, and fits least: what is left has no share in the window's mean", (t) => {
  fc.assert(
    fc.property(values, degrees, fc.double({ min: -5, max: 5, noNaN: true }), (list, degree, factor) => {
      const filter = new SavitzkyGolay(degree);
      const series = Float64Array.from(list);
      const smooth = filter.smooth(series);
      const backwards = filter.smooth(series.slice().reverse()).reverse();
      const changed = filter.smooth(series.map((x, i) => factor * x + i));
      const window = series.subarray(0, 51);
      const first = filter.smooth(window);
      const left = window.reduce((sum, x, i) => sum + x - (first[i] ?? 0), 0);
      return (
        near(backwards, smooth, 1e-8) &&
        near(
          changed,
          smooth.map((x, i) => factor * x + i),
          1e-8,
        ) &&
        Math.abs(left) < 1e-7
      );
    }),
  );
  t.pass("no counterexample");
  t.end();
});

void test("even degrees add nothing inside: 2 is 3, 0 is 1", (t) => {
  fc.assert(
    fc.property(values, fc.constantFrom(0, 2, 4), (list, degree) => {
      const series = Float64Array.from(list);
      const inside = (d: number): Float64Array => new SavitzkyGolay(d).smooth(series).subarray(25, series.length - 25);
      return near(inside(degree), inside(degree + 1), 1e-8);
    }),
  );
  t.pass("no counterexample");
  t.end();
});

void test("every row is in one series, and mapping touches the columns asked for alone", (t) => {
  const rows = fc.array(fc.tuple(fc.nat(50), fc.nat(3), fc.nat(6)), { minLength: 1, maxLength: 60 });
  const orders = fc.constantFrom<SeriesOrder>("time", "class", "trace", "shuffled");
  fc.assert(
    fc.property(rows, orders, (list, order) => {
      const origins = {
        at: Float64Array.from(list, ([at]) => at),
        labels: Uint8Array.from(list, ([, label]) => label),
        traces: Uint32Array.from(list, ([, , trace]) => trace),
      };
      const series = seriesOf(order, origins, new SeededRandom(1));
      const seen = series.flatMap((own) => [...own]).sort((a, b) => a - b);
      const samples = {
        rows: list.length,
        columns: 3,
        values: Float64Array.from({ length: 3 * list.length }, (_, i) => i),
      };
      const mapped = mapSeries(samples, series, [1], (own) => own.map((x) => -x));
      return (
        seen.every((row, i) => row === i) &&
        seen.length === list.length &&
        mapped.values.every((x, i) => x === (i % 3 === 1 ? -i : i)) &&
        (order === "shuffled" ||
          series.every((own) =>
            own.every((row, i) => i === 0 || (origins.at[row] ?? 0) >= (origins.at[own[i - 1] ?? 0] ?? 0)),
          ))
      );
    }),
  );
  t.pass("no counterexample");
  t.end();
});
