import { test } from "tap";
import { advantage } from "../../../src/leakage/advantage.js";
import { balancedAccuracy } from "../../../src/leakage/balanced-accuracy.js";
import { Confusion } from "../../../src/leakage/confusion.js";

void test("balanced accuracy worked out by hand", (t) => {
  // 8 of 10, 1 of 2, 3 of 4.
  const confusion = Confusion.from([
    [8, 1, 1],
    [1, 1, 0],
    [0, 1, 3],
  ]);
  t.ok(Math.abs(balancedAccuracy(confusion) - (0.8 + 0.5 + 0.75) / 3) < 1e-15);
  t.equal(confusion.accuracy, 12 / 16, "the plain one weighs the first class more");
  t.equal(confusion.of(2), 4);
  t.end();
});

void test("whoever always says the same is at chance, however unequal the classes are", (t) => {
  const always = Confusion.from([
    [800, 0, 0],
    [130, 0, 0],
    [100, 0, 0],
  ]);
  t.equal(balancedAccuracy(always), 1 / 3);
  t.ok(always.accuracy > 0.77, "while the plain accuracy is high");
  t.end();
});

void test("classes without a row do not count, and nothing at all is no number", (t) => {
  t.equal(
    balancedAccuracy(
      Confusion.from([
        [3, 1],
        [0, 0],
      ]),
    ),
    0.75,
  );
  t.ok(Number.isNaN(balancedAccuracy(new Confusion(2))));
  t.end();
});

void test("advantage is 0 at chance, 1 at the top, and negative below chance", (t) => {
  t.equal(advantage(0.5, 0.5), 0);
  t.equal(advantage(1, 1 / 3), 1);
  t.equal(advantage(0.75, 0.5), 0.5);
  t.equal(advantage(0, 0.5), -1);
  t.end();
});
