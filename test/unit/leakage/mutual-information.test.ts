import { test } from "tap";
import { fanoBound } from "../../../src/leakage/fano.js";
import { mutualInformation } from "../../../src/leakage/mutual-information.js";
import { Tally } from "../../../src/leakage/tally.js";
import { integer } from "../../../src/random/random.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";

const near = (a: number, b: number, by = 1e-12): boolean => Math.abs(a - b) < by;

/** A tally with each row of `table` in groups of `size` rows that were answered alike. */
function tallyOf(table: readonly (readonly number[])[], size = 1): Tally {
  const groups = table.flat().reduce((a, b) => a + b, 0) / size;
  const tally = new Tally(groups, table.length);
  let group = 0;
  for (const [truth, answers] of table.entries())
    for (const [answer, times] of answers.entries())
      for (let i = 0; i < times / size; i++, group++) for (let j = 0; j < size; j++) tally.add(group, truth, answer);
  return tally;
}

void test("Fano's bound worked out by hand", (t) => {
  t.equal(fanoBound(1, 4), 2, "whoever is always right has all there is");
  t.equal(fanoBound(0.5, 2), 0);
  t.equal(fanoBound(1 / 3, 3), 0);
  t.equal(fanoBound(0.1, 3), 0, "below chance nothing is claimed");
  // 1 - h(0.25) = 1 - 2 + 0.75 log2 3.
  t.ok(near(fanoBound(0.75, 2), 0.75 * Math.log2(3) - 1));
  // Three classes, half right: log2 3 - 1 - 0.5.
  t.ok(near(fanoBound(0.5, 3), Math.log2(3) - 1.5));
  t.end();
});

void test("perfect answers tell log2 of the classes, and need no correction", (t) => {
  t.ok(
    near(
      mutualInformation(
        tallyOf([
          [5, 0],
          [0, 9],
        ]),
      ),
      1,
    ),
  );
  t.ok(
    near(
      mutualInformation(
        tallyOf([
          [5, 0, 0],
          [0, 9, 0],
          [0, 0, 2],
        ]),
      ),
      Math.log2(3),
    ),
  );
  t.end();
});

void test("wrong answers tell as much, if they are always the same", (t) => {
  t.ok(
    near(
      mutualInformation(
        tallyOf([
          [0, 5],
          [9, 0],
        ]),
      ),
      1,
    ),
  );
  t.end();
});

void test("the correction is Miller's and Madow's where each group is a row", (t) => {
  // Both classes 6 : 2. H(answer) = H(answer | class), so the plain figure is 0, and what is left is the correction.
  // A class: (2 - 1) / 2 (8 - 1) nats. The answers: the variance of a mean of two is half, so half of that.
  const each = 1 / (2 * 7);
  t.ok(
    near(
      mutualInformation(
        tallyOf([
          [6, 2],
          [6, 2],
        ]),
      ),
      (each / 2 - each) / Math.LN2,
    ),
  );
  t.end();
});

void test("a group of windows answered alike is corrected as the one observation that it is", (t) => {
  const rows = mutualInformation(
    tallyOf([
      [6, 2],
      [6, 2],
    ]),
  );
  const windows = mutualInformation(
    tallyOf(
      [
        [60, 20],
        [60, 20],
      ],
      10,
    ),
  );
  t.ok(near(rows, windows), "ten windows for one");
  const free = mutualInformation(
    tallyOf([
      [60, 20],
      [60, 20],
    ]),
  );
  t.ok(free > windows && free < 0, "eighty that were free of each other are corrected less");
  t.end();
});

void test("of answers without any sense the corrected figure is 0 on average, the plain one is not", (t) => {
  const random = new SeededRandom(3, "information");
  let corrected = 0;
  let plain = 0;
  const rounds = 400;
  for (let i = 0; i < rounds; i++) {
    const tally = new Tally(60, 3);
    const together = new Tally(1, 3);
    for (let g = 0; g < 60; g++) {
      const answer = integer(random, 0, 2);
      tally.add(g, g % 3, answer);
      together.add(0, g % 3, answer);
    }
    corrected += mutualInformation(tally) / rounds;
    // One group has no variance between groups, and so no correction.
    plain += mutualInformation(together) / rounds;
  }
  t.ok(plain > 0.04, `the plain figure is ${plain.toFixed(4)} bits`);
  t.ok(Math.abs(corrected) < 0.006, `the corrected one ${corrected.toFixed(4)}`);
  t.end();
});

void test("weights are groups taken again", (t) => {
  const tally = tallyOf([
    [3, 1],
    [1, 3],
  ]);
  const twice = new Tally(16, 2);
  for (let g = 0; g < 8; g++)
    for (const truth of [0, 1])
      for (const answer of [0, 1])
        for (let n = 0; n < 2 * tally.at(g, truth, answer); n++) twice.add(2 * g + n, truth, answer);
  t.ok(near(mutualInformation(tally, new Float64Array(8).fill(2)), mutualInformation(twice)));
  t.end();
});
