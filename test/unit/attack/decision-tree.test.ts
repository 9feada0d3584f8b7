import { test } from "tap";
import { predict } from "../../../src/attack/attack.js";
import { DecisionTree } from "../../../src/attack/decision-tree.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { labelled, matrix } from "../../support/labelled.js";

const tree = new DecisionTree();
const random = (): SeededRandom => new SeededRandom("tree");
const integers = (text: unknown): number[] => {
  const bytes = Uint8Array.from(Buffer.from(text as string, "base64"));
  return [...new Int32Array(bytes.buffer)];
};
const doubles = (text: unknown): number[] => [
  ...new Float64Array(Uint8Array.from(Buffer.from(text as string, "base64")).buffer),
];

test("learns exclusive or, which no single split makes purer", async (t) => {
  const rows = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ];
  const model = tree.train(labelled(rows, [0, 1, 1, 0]), random());
  t.same([...predict(model, matrix(rows))], [0, 1, 1, 0]);
});

test("splits in the middle, and the middle itself goes left", async (t) => {
  const model = tree.train(labelled([[1], [2], [4], [5]], [0, 0, 1, 1]), random());
  t.same([...predict(model, matrix([[3], [3.001]]))], [0, 1]);
  t.same(integers(model.save()["columns"]), [0, -1, -1]);
  t.equal(doubles(model.save()["thresholds"])[0], 3);
});

test("takes the split after which impurity is least", async (t) => {
  // Column 0 leaves one row on the wrong side, column 1 two.
  const rows = [
    [0, 0],
    [1, 1],
    [2, 4],
    [3, 2],
    [4, 5],
    [5, 3],
    [6, 6],
    [7, 7],
  ];
  const model = tree.train(labelled(rows, [0, 0, 1, 0, 1, 1, 1, 1]), random());
  // By hand: column 0 at 1.5: 2 pure + 6 of (1, 5): 4.333; at 3.5: (3, 1) and 4 pure: 2.5 + 4. Column 1 at 2.5: 3 pure + 5 pure.
  t.equal(integers(model.save()["columns"])[0], 1);
  t.equal(doubles(model.save()["thresholds"])[0], 2.5);
});

test("rows that nothing tells apart share their leaf", async (t) => {
  const model = tree.train(labelled([[1], [1], [1], [2]], [0, 0, 1, 1]), random());
  const [a = 0, b = 0, c, d] = model.probabilities(matrix([[1], [2]]));
  t.ok(Math.abs(a - 2 / 3) < 1e-15 && Math.abs(b - 1 / 3) < 1e-15);
  t.same([c, d], [0, 1]);
});

test("of equal columns the draws decide", async (t) => {
  const first = new Set<number | undefined>();
  for (let seed = 0; seed < 20; seed++) {
    const model = tree.train(
      labelled(
        [
          [0, 0],
          [1, 1],
        ],
        [0, 1],
      ),
      new SeededRandom(seed),
    );
    first.add(integers(model.save()["columns"])[0]);
  }
  t.same([...first].sort(), [0, 1]);
});

test("values that are equal in single precision are equal", async (t) => {
  const model = tree.train(labelled([[1], [1 + 1e-12], [1 - 1e-12], [1]], [0, 1, 0, 1]), random());
  t.same([...model.probabilities(matrix([[1]]))], [0.5, 0.5]);
});

test("negative numbers, both zeros and the largest are in order", async (t) => {
  const rows = [[-3e38], [-2], [-1e-40], [-0], [0], [1e-40], [2], [3e38]];
  const model = tree.train(labelled(rows, [0, 1, 0, 1, 1, 0, 1, 0]), random());
  t.same([...predict(model, matrix(rows))], [0, 1, 0, 1, 1, 0, 1, 0]);
});

test("a chain as deep as there are rows does not overflow", async (t) => {
  const rows = Array.from({ length: 3000 }, (_, row) => [row]);
  const model = tree.train(
    labelled(
      rows,
      rows.map((_, row) => row % 2),
    ),
    random(),
  );
  t.ok(predict(model, matrix(rows)).every((label, row) => label === row % 2));
});

test("256 classes and more rows than one word sorts at once", async (t) => {
  const rows = Array.from({ length: 3000 }, (_, row) => [(row * 7919) % 3000, row % 3]);
  const labels = rows.map(([value = 0]) => Math.floor(value / 12) % 256);
  const model = tree.train(labelled(rows, labels), random());
  t.same([...predict(model, matrix(rows))], labels);
});

test("a model with a way back up is refused", async (t) => {
  const saved = tree.train(labelled([[1], [2], [3], [4]], [0, 1, 0, 1]), random()).save();
  const next = integers(saved["next"]);
  next[0] = 0;
  const circle = Buffer.from(Int32Array.from(next).buffer).toString("base64");
  t.throws(() => tree.load({ ...saved, next: circle }), { code: "model-invalid", message: /node 0 leads nowhere/ });
});
