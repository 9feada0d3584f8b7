import { test } from "tap";
import { AdaBoost } from "../../../src/attack/ada-boost.js";
import { predict } from "../../../src/attack/attack.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { blobs, labelled, matrix } from "../../support/labelled.js";

const random = (): SeededRandom => new SeededRandom("boost");
const stumps = (saved: Record<string, unknown>): number => Buffer.from(saved["columns"] as string, "base64").length / 4;

test("one stump is enough where one split is", async (t) => {
  const model = new AdaBoost().train(labelled([[0], [1], [5], [6]], [0, 0, 1, 1]), random());
  t.equal(stumps(model.save()), 1);
  t.same([...predict(model, matrix([[2.9], [3.1]]))], [0, 1]);
});

test("several stumps make a band that none of them can", async (t) => {
  const rows = Array.from({ length: 30 }, (_, i) => [i]);
  const labels = rows.map((_, i) => (i >= 10 && i < 20 ? 1 : 0));
  t.same([...predict(new AdaBoost().train(labelled(rows, labels), random()), matrix(rows))], labels);
});

test("cannot learn exclusive or: every stump is as good as none", async (t) => {
  const rows = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ];
  const shares = new AdaBoost().train(labelled(rows, [0, 1, 1, 0]), random()).probabilities(matrix(rows));
  for (const share of shares) t.ok(Math.abs(share - 0.5) < 1e-9, String(share));
});

test("the probability after one round, by hand", async (t) => {
  // Left of 1.5: 2 of class 0; right: 1 of class 0, 3 of class 1. f = log p - mean of logs; of two classes p = 1 / (1 + e^(-2f)).
  const from = labelled([[0], [1], [2], [3], [4], [5]], [0, 0, 0, 1, 1, 1]);
  const noisy = { ...from, labels: Uint8Array.from([0, 0, 1, 0, 1, 1]) };
  const model = new AdaBoost({ rounds: 1 }).train(noisy, random());
  const [a = 0, b = 0] = model.probabilities(matrix([[5]]));
  t.ok(Math.abs(b / a - 3) < 1e-9, `${String(b)} to ${String(a)}`);
});

test("the sum of what rounds say", async (t) => {
  const from = blobs(200, 3, 3, 1, "rounds");
  t.equal(stumps(new AdaBoost().train(from, random()).save()), 50);
  t.equal(stumps(new AdaBoost({ rounds: 7 }).train(from, random()).save()), 7);
});
