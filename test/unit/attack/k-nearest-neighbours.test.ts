import { test } from "tap";
import { predict } from "../../../src/attack/attack.js";
import { KNearestNeighbours } from "../../../src/attack/k-nearest-neighbours.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { labelled, matrix } from "../../support/labelled.js";

const random = new SeededRandom("unused");

test("five vote", async (t) => {
  const from = labelled([[0], [1], [2], [3], [4], [100], [101], [102]], [0, 0, 1, 1, 1, 0, 0, 0]);
  const model = new KNearestNeighbours().train(from, random);
  t.same([...model.probabilities(matrix([[2]]))], [0.4, 0.6]);
  t.equal(predict(model, matrix([[2]]))[0], 1);
});

test("as many as there are vote where there are fewer", async (t) => {
  const model = new KNearestNeighbours().train(labelled([[0], [1], [2], [3]], [0, 0, 0, 1]), random);
  t.same([...model.probabilities(matrix([[3]]))], [0.75, 0.25]);
});

test("of rows that are equally far the first counts", async (t) => {
  const one = new KNearestNeighbours({ neighbours: 1 });
  t.equal(predict(one.train(labelled([[0], [2]], [0, 1]), random), matrix([[1]]))[0], 0);
  t.equal(predict(one.train(labelled([[2], [0]], [0, 1]), random), matrix([[1]]))[0], 0);
  const same = labelled(
    Array.from({ length: 200 }, () => [7]),
    Array.from({ length: 200 }, (_, row) => (row < 3 ? 1 : 0)),
  );
  t.same([...new KNearestNeighbours().train(same, random).probabilities(matrix([[7]]))], [0.4, 0.6]);
});

test("a column in millions does not drown one in thousandths", async (t) => {
  const rows = Array.from({ length: 40 }, (_, i) => [((i * 7919) % 40) * 1e6, (i % 2) * 1e-3 + (i % 5) * 1e-5]);
  const model = new KNearestNeighbours().train(
    labelled(
      rows,
      rows.map((_, i) => i % 2),
    ),
    random,
  );
  t.same(
    [
      ...predict(
        model,
        matrix([
          [17e6, 0],
          [17e6, 1e-3],
        ]),
      ),
    ],
    [0, 1],
  );
});

test("a value so far away that squares would overflow still has neighbours", async (t) => {
  const model = new KNearestNeighbours({ neighbours: 1 }).train(labelled([[0], [1e-120]], [1, 0]), random);
  t.same([...model.probabilities(matrix([[3e38]]))], [0, 1]);
});
