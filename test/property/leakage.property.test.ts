import fc from "fast-check";
import { test } from "tap";
import { balancedAccuracy } from "../../src/leakage/balanced-accuracy.js";
import { percentileInterval, resample } from "../../src/leakage/bootstrap.js";
import { fanoBound } from "../../src/leakage/fano.js";
import { dealFolds } from "../../src/leakage/folds.js";
import { Grouping } from "../../src/leakage/grouping.js";
import { mutualInformation } from "../../src/leakage/mutual-information.js";
import { Relabelling } from "../../src/leakage/relabelling.js";
import { Tally } from "../../src/leakage/tally.js";
import { SeededRandom } from "../../src/random/seeded-random.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Groups of one class each, enough of every class for the folds, of any sizes. */
const singles = fc.integer({ min: 2, max: 6 }).chain((folds) =>
  fc.record({
    folds: fc.constant(folds),
    seed: fc.integer(),
    sizes: fc.array(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: folds, maxLength: 25 }), {
      minLength: 2,
      maxLength: 5,
    }),
  }),
);

function groupingOfSizes(sizes: readonly (readonly number[])[]): Grouping {
  const grouping = new Grouping(
    sizes.flat().length,
    sizes.map((_, c) => String(c)),
  );
  let group = 0;
  for (const [c, own] of sizes.entries()) for (const size of own) grouping.rows[group++ * sizes.length + c] = size;
  return grouping;
}

void test("folds are balanced in class and group, whatever the groups", (t) => {
  fc.assert(
    fc.property(singles, ({ folds, seed, sizes }) => {
      const grouping = groupingOfSizes(sizes);
      const fold = dealFolds(grouping, folds, new SeededRandom(seed, "folds"));
      const held = (c: number): number[] =>
        range(folds).map((f) => range(grouping.groups).filter((g) => fold[g] === f && grouping.at(g, c) > 0).length);
      for (const [c, own] of sizes.entries()) {
        const counts = held(c);
        // As many as the others or one more, at least one: so no training set is without the class either.
        if (Math.min(...counts) < Math.floor(own.length / folds)) return false;
        if (Math.max(...counts) > Math.ceil(own.length / folds)) return false;
        for (const [d, other] of sizes.entries())
          if (own.length === other.length && held(d).join() !== counts.join()) return false;
        // In rows, folds with equally many groups differ by less than the largest group.
        const rows = (f: number): number =>
          range(grouping.groups).reduce((sum, g) => sum + (fold[g] === f ? grouping.at(g, c) : 0), 0);
        for (const f of range(folds))
          for (const e of range(folds))
            if (counts[f] === counts[e] && Math.abs(rows(f) - rows(e)) > Math.max(...own)) return false;
      }
      return fold.every((f) => f < folds) && fold.length === grouping.groups;
    }),
    { numRuns: 300 },
  );
  t.pass("no counterexample");
  t.end();
});

void test("groups of several classes are never parted, and cover every fold or are refused", (t) => {
  const days = fc.integer({ min: 2, max: 12 }).chain((folds) =>
    fc.record({
      folds: fc.constant(folds),
      seed: fc.integer(),
      // Each group with any of three classes.
      groups: fc.array(fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)), { minLength: folds, maxLength: 30 }),
    }),
  );
  let dealt = 0;
  fc.assert(
    fc.property(days, ({ folds, seed, groups }) => {
      const grouping = new Grouping(groups.length, ["a", "b", "c"]);
      grouping.rows.set(groups.flat());
      let fold: Uint8Array;
      try {
        fold = dealFolds(grouping, folds, new SeededRandom(seed, "folds"));
      } catch (error) {
        return error instanceof Error && error.message.includes("is missing in one");
      }
      dealt++;
      return range(folds).every((f) =>
        range(3).every((c) => range(groups.length).some((g) => fold[g] === f && grouping.at(g, c) > 0)),
      );
    }),
    { numRuns: 300 },
  );
  t.ok(dealt > 50, `${dealt} of 300 were dealt`);
  t.end();
});

void test("labels dealt anew are the old ones in other places", (t) => {
  fc.assert(
    fc.property(singles, ({ seed, sizes }) => {
      const grouping = groupingOfSizes(sizes);
      const changed = new Relabelling(grouping).draw(new SeededRandom(seed, "null"));
      const labels = range(grouping.groups).map(
        (g) => changed[g * sizes.length + (grouping.classesOf(g)[0] ?? 0)] ?? -1,
      );
      return sizes.every((own, c) => labels.filter((label) => label === c).length === own.length);
    }),
    { numRuns: 100 },
  );
  t.pass("no counterexample");
  t.end();
});

/** Square tables of counts with something in each row. */
const tables = fc
  .integer({ min: 2, max: 6 })
  .chain((n) => fc.array(fc.array(fc.nat(50), { minLength: n, maxLength: n }), { minLength: n, maxLength: n }))
  .map((table) => table.map((answers, c) => answers.map((n, i) => (i === c ? n + 1 : n))));

/** A tally of one group, which has no variance between groups and so no correction. */
function single(table: readonly (readonly number[])[]): Tally {
  const tally = new Tally(1, table.length);
  for (const [truth, answers] of table.entries())
    for (const [answer, n] of answers.entries()) for (let i = 0; i < n; i++) tally.add(0, truth, answer);
  return tally;
}

void test("Fano claims no more than the answers tell, and these no more than there is", (t) => {
  fc.assert(
    fc.property(tables, (table) => {
      const tally = single(table);
      const told = mutualInformation(tally);
      const claimed = fanoBound(balancedAccuracy(tally.confusion()), table.length);
      return claimed >= 0 && claimed <= told + 1e-9 && told <= Math.log2(table.length) + 1e-9 && told > -1e-9;
    }),
  );
  t.pass("no counterexample");
  t.end();
});

void test("balanced accuracy does not mind how large a class is, nor information", (t) => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 2, max: 5 }), (table, times) => {
      const larger = table.map((answers, c) => answers.map((n) => (c === 0 ? n * times : n)));
      const same = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9;
      return (
        same(balancedAccuracy(single(table).confusion()), balancedAccuracy(single(larger).confusion())) &&
        same(mutualInformation(single(table)), mutualInformation(single(larger)))
      );
    }),
  );
  t.pass("no counterexample");
  t.end();
});

void test("an interval of resampled accuracies lies among the groups' own", (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(10), { minLength: 4, maxLength: 20 }), fc.integer(), (right, seed) => {
      const strata = [range(right.length).filter((g) => g % 2 === 0), range(right.length).filter((g) => g % 2 === 1)];
      const tally = new Tally(right.length, 2);
      for (const [g, n] of right.entries())
        for (let i = 0; i < 10; i++) tally.add(g, g % 2, i < n ? g % 2 : 1 - (g % 2));
      const drawn = resample(
        { seeds: 1, groups: right.length, strata },
        (_, weights) => balancedAccuracy(tally.confusion(weights)),
        50,
        new SeededRandom(seed),
      );
      const { low, high } = percentileInterval(drawn, 0.95);
      return low <= high && low >= Math.min(...right) / 10 - 1e-9 && high <= Math.max(...right) / 10 + 1e-9;
    }),
    { numRuns: 50 },
  );
  t.pass("no counterexample");
  t.end();
});
