import { test } from "tap";
import { predict } from "../../../src/attack/attack.js";
import { RandomForest } from "../../../src/attack/random-forest.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { blobs, labelled, matrix } from "../../support/labelled.js";

const random = (): SeededRandom => new SeededRandom("forest");

test("trees differ, and their mean is the answer", async (t) => {
  const from = blobs(200, 4, 2, 1, "forest");
  const [a = 0] = new RandomForest({ trees: 1 }).train(from, random()).probabilities(matrix([[0.5, 0.5, 0.5, 0.5]]));
  t.ok(a === 0 || a === 1, "a tree alone is sure");
  const [b = 0] = new RandomForest({ trees: 50 }).train(from, random()).probabilities(matrix([[0.5, 0.5, 0.5, 0.5]]));
  t.ok(b > 0 && b < 1, `${String(b)} of fifty`);
  t.ok(Number.isInteger(Math.round(b * 50 * 1e9) / 1e9), "each has one voice");
});

test("a larger forest begins with the trees of the smaller one", async (t) => {
  const from = blobs(60, 3, 2, 1, "prefix");
  const [small, large] = [2, 5].map((trees) => new RandomForest({ trees }).train(from, random()).save());
  const bytes = (saved: typeof small, key: string): Buffer => Buffer.from(saved?.[key] as string, "base64");
  const less = bytes(small, "columns");
  t.ok(less.equals(bytes(large, "columns").subarray(0, less.length)));
});

test("each tree leaves rows out", async (t) => {
  // One row in sixty-four is of another class and far away: only trees that drew it know it (about 63 of 100).
  const rows = Array.from({ length: 64 }, (_, row) => [row === 0 ? 100 : row / 64]);
  const model = new RandomForest().train(
    labelled(
      rows,
      rows.map((_, row) => (row === 0 ? 1 : 0)),
    ),
    random(),
  );
  const [, share = 0] = model.probabilities(matrix([[100]]));
  t.ok(share > 0.45 && share < 0.8, `${share}`);
});

test("another seed makes another forest", async (t) => {
  const from = blobs(60, 3, 2, 0.5, "seeds");
  const [a, b] = [1, 2].map((seed) => new RandomForest().train(from, new SeededRandom(seed)).save());
  t.notSame(a, b);
});

test("learns exclusive or from noise around it", async (t) => {
  const { samples } = blobs(400, 2, 1, 0, "xor");
  const rows = Array.from({ length: 400 }, (_, row) => [...samples.values.subarray(2 * row, 2 * row + 2)]);
  const labels = rows.map(([x = 0, y = 0]) => (x > 0 !== y > 0 ? 1 : 0));
  const model = new RandomForest().train(labelled(rows, labels), random());
  t.same(
    [
      ...predict(
        model,
        matrix([
          [1, 1],
          [-1, -1],
          [1, -1],
          [-1, 1],
        ]),
      ),
    ],
    [0, 0, 1, 1],
  );
});
