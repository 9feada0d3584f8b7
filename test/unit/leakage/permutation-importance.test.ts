import { test } from "tap";
import { importances, permutedTests } from "../../../src/leakage/permutation-importance.js";
import { Tally } from "../../../src/leakage/tally.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";

void test("a block's rows change places together, and nothing else does", (t) => {
  const rows = 50;
  const test = { rows, columns: 4, values: Float64Array.from({ length: rows * 4 }, (_, i) => i) };
  const blocks = [
    { name: "pair", columns: [1, 3] },
    { name: "one", columns: [0] },
  ];
  const permuted = permutedTests(test, blocks, 2, new SeededRandom(1));
  t.equal(permuted.length, 4);
  for (const [i, { values }] of permuted.entries()) {
    const column = (c: number): number[] => Array.from({ length: rows }, (_, row) => values[row * 4 + c] ?? -1);
    const was = (c: number): number[] => Array.from({ length: rows }, (_, row) => row * 4 + c);
    const moved = i < 2 ? [1, 3] : [0];
    for (const c of [0, 1, 2, 3]) {
      if (moved.includes(c)) t.notSame(column(c), was(c));
      else t.same(column(c), was(c));
      t.same(
        column(c).sort((a, b) => a - b),
        was(c),
      );
    }
    if (i < 2)
      t.same(
        column(3),
        column(1).map((value) => value + 2),
        "the pair stays a pair",
      );
  }
  t.notSame(permuted[0]?.values, permuted[1]?.values);
  t.end();
});

void test("drops by hand", (t) => {
  // Two classes of two groups with two rows; `right` of each group's rows.
  const tally = (...right: number[]): Tally => {
    const made = new Tally(4, 2);
    for (const [g, n] of right.entries())
      for (let i = 0; i < 2; i++) made.add(g, g >> 1, i < n ? g >> 1 : 1 - (g >> 1));
    return made;
  };
  const bySeed = [
    {
      tally: tally(2, 2, 2, 2),
      variants: [tally(2, 2, 2, 2), tally(2, 2, 2, 1), tally(1, 1, 1, 1), tally(0, 0, 2, 2)],
    },
  ];
  const crossing = {
    seeds: 1,
    groups: 4,
    strata: [
      [0, 1],
      [2, 3],
    ],
  };
  const how = { resamples: 50, confidence: 0.95, random: new SeededRandom(2) };
  const found = importances(
    bySeed,
    [
      { name: "a", columns: [0] },
      { name: "b", columns: [1] },
    ],
    2,
    crossing,
    how,
  );
  t.match(found, [
    { name: "b", drop: 0.5, low: 0.5, high: 0.5 },
    { name: "a", drop: 0.0625 },
  ]);
  t.ok((found[1]?.low ?? 1) < 0.0625 && (found[1]?.high ?? 0) > 0.0625, "one group of four makes the difference");
  t.end();
});
