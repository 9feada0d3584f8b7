import { test } from "tap";
import { FEATURES, type FeatureName } from "../../../../src/features/features.js";
import { seriesOf } from "../../../../src/lab/theory/series.js";
import { simulatedAdversary } from "../../../../src/lab/theory/simulated-adversary.js";
import { noised, whiteNoise } from "../../../../src/lab/theory/white-noise.js";
import { gaussian } from "../../../../src/random/random.js";
import { SeededRandom } from "../../../../src/random/seeded-random.js";

const mean = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const variance = (values: Float64Array): number => {
  const centre = mean(values);
  return mean(values.map((x) => (x - centre) ** 2));
};

void test("noise has mean zero and ν times the series' own variance", (t) => {
  const random = new SeededRandom(1, "noise");
  const series = Float64Array.from({ length: 40_000 }, () => 1000 + 7 * gaussian(random));
  for (const nu of [0.2, 2, 64]) {
    const noise = whiteNoise(series, nu, random).map((x, i) => x - (series[i] ?? 0));
    const scale = Math.sqrt(nu * variance(series));
    t.ok(Math.abs(mean(noise)) < (4 * scale) / 200, `ν = ${nu}: mean ${mean(noise).toFixed(3)}`);
    const ratio = variance(noise) / (nu * variance(series));
    // Four deviations of the variance of 40,000 normal draws.
    t.ok(Math.abs(ratio - 1) < 4 * Math.sqrt(2 / 40_000), `ratio ${ratio.toFixed(4)}`);
    const inside = noise.filter((x) => Math.abs(x) < scale).length / noise.length;
    t.ok(Math.abs(inside - 0.6827) < 0.01, "and is normal as far as one deviation tells");
  }
  t.same(whiteNoise(Float64Array.of(4, 4, 4), 64, random), Float64Array.of(4, 4, 4), "what never varies gets none");
  t.same(whiteNoise(series.subarray(0, 9), 0, random), series.subarray(0, 9), "ν = 0 changes nothing");
  t.end();
});

/** A table of the twelve features, of rows in which every value tells its row and column. */
function table(rows: number): { rows: number; columns: number; values: Float64Array } {
  const values = Float64Array.from(
    { length: rows * 12 },
    (_, i) => 100 * Math.floor(i / 12) + (i % 12) + ((i * 37) % 11),
  );
  return { rows, columns: 12, values };
}
const column = (of: { rows: number; values: Float64Array }, name: FeatureName): Float64Array =>
  Float64Array.from({ length: of.rows }, (_, row) => of.values[row * 12 + FEATURES.indexOf(name)] ?? 0);

void test("the realistic adversary touches what the paper lists, and nothing else", (t) => {
  const before = table(200);
  const kept = before.values.slice();
  const series = [Uint32Array.from({ length: 200 }, (_, row) => row)];
  const after = simulatedAdversary(before, series, 2, new SeededRandom(1, "adversary"));
  t.same(before.values, kept, "the table itself stays");
  const longest = Math.max(...column(before, "mean_len_pack"));
  t.ok(column(after, "mean_len_pack").every((x) => x === longest));
  t.ok(column(after, "std_len_pack").every((x) => x === 0));
  for (const name of ["n_ip_unique", "max_diff_time", "mean_window", "std_window", "mean_ipt"] as const)
    t.same(column(after, name), column(before, name), `${name} is left alone`);
  for (const name of ["n_port_unique", "n_pack_tcp", "n_pack_udp", "n_pack_icmp", "std_ipt"] as const) {
    const was = column(before, name);
    const noise = column(after, name).map((x, i) => x - (was[i] ?? 0));
    t.ok(noise.every((x) => x !== 0));
    const ratio = variance(noise) / (2 * variance(was));
    t.ok(ratio > 0.6 && ratio < 1.5, `${name}: ${ratio.toFixed(2)}`);
  }
  t.end();
});

void test("each series has its own maximum and its own variance", (t) => {
  const samples = table(6);
  const labels = Uint8Array.of(0, 0, 0, 1, 1, 1);
  const origins = { at: Float64Array.from(labels, (_, i) => i), labels, traces: Uint32Array.from(labels) };
  const random = new SeededRandom(2, "adversary");
  const lengths = (order: "time" | "class"): number =>
    new Set(column(simulatedAdversary(samples, seriesOf(order, origins, random), 2, random), "mean_len_pack")).size;
  t.equal(lengths("time"), 1, "one length for all");
  t.equal(lengths("class"), 2, "a length for each class, which gives it away");

  const flat = { rows: 4, columns: 1, values: Float64Array.of(5, 5, 0, 100) };
  const made = noised(flat, [Uint32Array.of(0, 1), Uint32Array.of(2, 3)], 8, random);
  t.same([made.values[0], made.values[1]], [5, 5]);
  t.ok(made.values[2] !== 0 && made.values[3] !== 100);
  t.end();
});

void test("a table of other columns is refused", (t) => {
  const samples = { rows: 1, columns: 11, values: new Float64Array(11) };
  t.throws(() => simulatedAdversary(samples, [Uint32Array.of(0)], 2, new SeededRandom(1)), {
    code: "usage",
    message: /a table of 11 columns, where the features are 12/,
  });
  t.end();
});
