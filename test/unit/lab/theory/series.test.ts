import { test } from "tap";
import { seriesOf, type RowOrigins, type SeriesOrder } from "../../../../src/lab/theory/series.js";
import { SavitzkyGolay } from "../../../../src/lab/theory/savitzky-golay.js";
import { smoothed } from "../../../../src/lab/theory/savitzky-golay.js";
import { InlineRunner } from "../../../../src/leakage/runner.js";
import { DEFAULTS, protocol } from "../../../../src/leakage/protocol.js";
import { SeededRandom } from "../../../../src/random/seeded-random.js";
import { normalFiles, sampleSet } from "../../../support/sample-sets.js";
import { naiveBayes } from "../../../support/small-attacks.js";

void test("the four orders of six rows", (t) => {
  const origins: RowOrigins = {
    at: Float64Array.of(5, 1, 3, 1, 4, 2),
    labels: Uint8Array.of(0, 1, 0, 1, 1, 0),
    traces: Uint32Array.of(7, 8, 7, 9, 9, 7),
  };
  const of = (order: SeriesOrder, seed = 1): number[][] =>
    seriesOf(order, origins, new SeededRandom(seed)).map((rows) => [...rows]);
  t.same(of("time"), [[1, 3, 5, 2, 4, 0]]);
  t.same(of("class"), [
    [1, 3, 4],
    [5, 2, 0],
  ]);
  t.same(of("trace"), [[1], [3, 4], [5, 2, 0]]);
  t.same(of("shuffled")[0]?.sort(), [0, 1, 2, 3, 4, 5]);
  t.same(of("shuffled", 1), of("shuffled", 1));
  t.ok(new Set(Array.from({ length: 20 }, (_, seed) => of("shuffled", seed).join())).size > 15);
  t.end();
});

void test("a filter that knows the classes tells them; one over shuffled rows hides what no box could", async (t) => {
  // Classes a third of a deviation apart; captures of one class and the next take turns.
  const given = { classes: 3, files: 20, windows: 10, columns: 2, apart: 0.33 };
  const files = normalFiles(given, new SeededRandom(8, "normal"));
  const set = sampleSet(files, 3);
  const { labels, groups, samples } = set;
  const table = samples.table ?? { rows: 0, columns: 0, values: new Float64Array() };
  const origins = { at: Float64Array.from(labels, (_, row) => row), labels, traces: groups };
  const read = async (order: SeriesOrder | null): Promise<number> => {
    const filtered =
      order === null ? table : smoothed(table, seriesOf(order, origins, new SeededRandom(1, "order")), 1);
    const under = { ...set, samples: { table: filtered } };
    const options = { ...DEFAULTS, repetitions: 0, resamples: 20, seeds: ["1", "2"] };
    const report = await protocol({ train: under, test: under }, [naiveBayes], options, {
      runner: new InlineRunner([naiveBayes]),
    });
    return report.attacks[0]?.balanced_accuracy.value ?? Number.NaN;
  };
  const plain = await read(null);
  const byClass = await read("class");
  const shuffled = await read("shuffled");
  t.ok(byClass > plain + 0.2, `each class by itself: ${byClass.toFixed(2)}, undefended ${plain.toFixed(2)}`);
  const time = await read("time");
  t.ok(time < byClass, `all in the order of time: ${time.toFixed(2)}`);
  t.ok(shuffled < plain, `shuffled: ${shuffled.toFixed(2)}`);
  t.throws(() => smoothed(table, seriesOf("trace", origins, new SeededRandom(1)), 1), { code: "too-few-samples" });
  t.ok(new SavitzkyGolay(1).window > given.windows, "traces are too short for the filter");
});
