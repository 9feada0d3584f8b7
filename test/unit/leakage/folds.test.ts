import { test } from "tap";
import { dealFolds } from "../../../src/leakage/folds.js";
import { Grouping } from "../../../src/leakage/grouping.js";
import { requireEnough } from "../../../src/leakage/require-enough.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { sampleSet } from "../../support/sample-sets.js";

/** A grouping from rows of counts, one a group. */
function grouping(names: readonly string[], ...groups: readonly (readonly number[])[]): Grouping {
  const made = new Grouping(groups.length, names);
  made.rows.set(groups.flat());
  return made;
}

const deal = (of: Grouping, folds: number, seed = "1"): Uint8Array =>
  dealFolds(of, folds, new SeededRandom(seed, "folds"));

void test("six groups a class into three folds: two of each class in each, large with small", (t) => {
  const sizes = [100, 100, 100, 1, 1, 1];
  const of = grouping(["a", "b"], ...sizes.map((n) => [n, 0]), ...sizes.map((n) => [0, n]));
  for (let seed = 0; seed < 50; seed++) {
    const fold = deal(of, 3, String(seed));
    for (let f = 0; f < 3; f++) {
      const own = [...fold.keys()].filter((g) => fold[g] === f);
      t.same(
        own.map((g) => of.size(g)).sort((a, b) => a - b),
        [1, 1, 100, 100],
      );
      t.equal(own.filter((g) => g < 6).length, 2);
    }
  }
  t.end();
});

void test("what is left over falls to the same folds in every class", (t) => {
  const of = grouping(
    ["a", "b"],
    ...Array.from({ length: 5 }, () => [4, 0]),
    ...Array.from({ length: 5 }, () => [0, 4]),
  );
  const shorter = new Set<number>();
  for (let seed = 0; seed < 50; seed++) {
    const fold = deal(of, 3, String(seed));
    const count = (f: number, from: number): number => fold.slice(from, from + 5).filter((x) => x === f).length;
    for (let f = 0; f < 3; f++) t.equal(count(f, 0), count(f, 5), "a training set has as many of both");
    shorter.add([0, 1, 2].find((f) => count(f, 0) === 1) ?? -1);
  }
  t.same([...shorter].sort(), [0, 1, 2], "and it is not always the same fold");
  t.end();
});

void test("the same seed deals the same folds, another seed others", (t) => {
  const of = grouping(["a", "b"], ...Array.from({ length: 20 }, (_, g) => (g % 2 === 0 ? [3, 0] : [0, 3])));
  t.same(deal(of, 5, "x"), deal(of, 5, "x"));
  t.notSame(deal(of, 5, "x"), deal(of, 5, "y"));
  t.end();
});

void test("groups of several classes stay whole", (t) => {
  const days = grouping(["media", "travel", "utility"], [80, 13, 10], [75, 12, 9], [90, 15, 11]);
  t.same([...deal(days, 3)].sort(), [0, 1, 2], "leave a day out");
  const mixed = grouping(["a", "b"], [3, 3], [3, 0], [3, 0], [0, 3], [0, 3]);
  for (let seed = 0; seed < 30; seed++) {
    const fold = deal(mixed, 3, String(seed));
    for (let f = 0; f < 3; f++)
      for (const c of [0, 1]) t.ok([...fold.keys()].some((g) => fold[g] === f && mixed.at(g, c) > 0));
  }
  t.end();
});

void test("a fold without a class is refused by the class's name", (t) => {
  const of = grouping(["quiet", "noisy"], [9, 0], [9, 0], [9, 0], [0, 9], [0, 9]);
  t.throws(() => deal(of, 3), {
    code: "too-few-samples",
    message: /class "noisy" is missing in one, with 2 groups/,
  });
  t.end();
});

void test("scarce classes are refused with what they have and need", (t) => {
  const window = [0];
  const files = [0, 0, 0, 1, 1, 1, 1].map((label) => ({ label, windows: [window, window] }));
  const set = sampleSet(files, 3);
  t.throws(
    () => {
      requireEnough(set, { folds: 4, rows: 7 });
    },
    {
      code: "too-few-samples",
      message:
        'attacking samples: class "class-0" has 3 groups (captures or queries), and 4 folds need 4; ' +
        'class "class-0" has 6 windows or traces, and 7 are needed; ' +
        'class "class-2" has 0 groups (captures or queries), and 4 folds need 4; ' +
        'class "class-2" has 0 windows or traces, and 7 are needed',
    },
  );
  t.doesNotThrow(() => {
    requireEnough(sampleSet(files, 2), { folds: 3, rows: 6 });
  });
  t.end();
});
