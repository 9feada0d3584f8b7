import { test } from "tap";
import { trainingSet } from "../../../src/leakage/training-set.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";

const samples = { rows: 8, columns: 2, values: Float64Array.from({ length: 16 }, (_, i) => i) };
const labels = Uint8Array.of(0, 0, 0, 0, 0, 1, 1, 2);
const of = (training: "even" | "as-is", rows: number[], seed = 1) =>
  trainingSet(samples, labels, Uint32Array.from(rows), 3, training, new SeededRandom(seed));

void test("as they are: the rows asked for, in order", (t) => {
  t.same(of("as-is", [1, 5, 7]), {
    samples: { rows: 3, columns: 2, values: Float64Array.of(2, 3, 10, 11, 14, 15) },
    labels: Uint8Array.of(0, 1, 2),
    classes: 3,
  });
  t.end();
});

void test("even: each class as often as the largest, each row as often as its neighbours or once more", (t) => {
  const more = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const even = of("even", [0, 1, 2, 3, 4, 5, 6, 7], seed);
    t.same(even.labels, Uint8Array.of(0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2));
    const times = (row: number): number => even.samples.values.filter((value) => value === 2 * row).length;
    t.same([0, 1, 2, 3, 4, 7].map(times), [1, 1, 1, 1, 1, 5]);
    t.same([times(5), times(6)].sort(), [2, 3]);
    more.add(times(5));
  }
  t.equal(more.size, 2, "which row is repeated once more is drawn");
  t.same(of("even", [0, 1, 5, 6]).samples.rows, 4, "even ones stay, and a class that is absent stays so");
  t.end();
});
