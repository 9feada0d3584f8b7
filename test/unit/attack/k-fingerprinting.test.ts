import { test } from "tap";
import { KFingerprinting } from "../../../src/attack/k-fingerprinting.js";
import { growForest } from "../../../src/attack/random-forest.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { blobs } from "../../support/labelled.js";

test("those vote whose fingerprints differ in the fewest trees", async (t) => {
  const from = blobs(150, 4, 3, 0.7, "learned");
  const asked = blobs(60, 4, 3, 0.7, "asked").samples;
  const options = { trees: 30, neighbours: 4 };
  const shares = new KFingerprinting(options).train(from, new SeededRandom(1)).probabilities(asked);

  const trees = growForest(from, options.trees, new SeededRandom(1));
  const print = (samples: typeof asked): number[][] => {
    const prints: number[][] = Array.from({ length: samples.rows }, () => []);
    trees.eachLeaf(samples, (_, leaves) => {
      leaves.forEach((leaf, row) => prints[row]?.push(leaf));
    });
    return prints;
  };
  const known = print(from.samples);
  const naive = print(asked).flatMap((fingerprint) => {
    const far = known.map((other, row) => ({
      row,
      off: other.filter((leaf, tree) => leaf !== fingerprint[tree]).length,
    }));
    const near = far.sort((a, b) => a.off - b.off || a.row - b.row).slice(0, options.neighbours);
    return [0, 1, 2].map((c) => near.filter(({ row }) => from.labels[row] === c).length / options.neighbours);
  });
  t.same([...shares], naive);
});

test("a row that was learned is nearest to itself", async (t) => {
  const from = blobs(80, 4, 2, 0.2, "itself");
  const model = new KFingerprinting({ neighbours: 1 }).train(from, new SeededRandom(2));
  const shares = model.probabilities(from.samples);
  t.ok(from.labels.every((label, row) => shares[2 * row + label] === 1));
});
