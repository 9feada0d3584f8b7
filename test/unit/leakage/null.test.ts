import { test } from "tap";
import { Grouping } from "../../../src/leakage/grouping.js";
import { againstNull, checkRepetitions, verdictOf } from "../../../src/leakage/null.js";
import { Relabelling, relabelled } from "../../../src/leakage/relabelling.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { sampleSet } from "../../support/sample-sets.js";

void test("p-values and limits by hand", (t) => {
  const readings = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
  t.match(againstNull(0.98, readings), { p_value: 3 / 100, threshold: 0.95, low: 0.03, high: 0.97, repetitions: 99 });
  t.ok(Math.abs(againstNull(0.98, readings).mean - 0.5) < 1e-12);
  t.equal(againstNull(2, readings).p_value, 1 / 100, "never 0");
  t.equal(againstNull(0, readings).p_value, 1);
  t.equal(againstNull(0.5 + 1e-15, [0.5, 0.5, 0.5]).p_value, 1, "the last bit decides nothing");
  t.end();
});

void test("verdicts", (t) => {
  const low = againstNull(0.9, new Array<number>(19).fill(0.5));
  const high = againstNull(0.5, new Array<number>(19).fill(0.5));
  t.equal(low.p_value, 0.05);
  t.equal(verdictOf(low, 1000), "above-chance", "nineteen are enough to say so");
  t.equal(verdictOf(high, 1000), "at-chance");
  t.equal(verdictOf(high, 10), "undecided", "ten ways to label the groups cannot tell");
  t.equal(verdictOf(high, 20), "at-chance");
  t.end();
});

void test("a null that cannot reach significance is refused", (t) => {
  t.throws(
    () => {
      checkRepetitions(18);
    },
    { code: "usage", message: /19 at least/ },
  );
  t.doesNotThrow(() => {
    checkRepetitions(19);
  });
  t.doesNotThrow(() => {
    checkRepetitions(0);
  });
  t.end();
});

void test("labels change by group, and each class keeps as many groups", (t) => {
  const files = [0, 0, 0, 1, 1, 2].map((label, i) => ({ label, windows: Array.from({ length: i + 1 }, () => [i]) }));
  const set = sampleSet(files, 3);
  const relabelling = new Relabelling(new Grouping(6, set.classes).count(set.labels, set.groups));
  const seen = new Set<string>();
  for (let i = 0; i < 600; i++) {
    const { train, test } = relabelled({ train: set, test: set }, relabelling.draw(new SeededRandom(i, "null")));
    t.equal(train, test, "one set stays one");
    const byGroup = files.map((_, g) => [...new Set(train.labels.filter((_, row) => set.groups[row] === g))]);
    t.ok(byGroup.every((labels) => labels.length === 1));
    t.same(byGroup.flat().sort(), [0, 0, 0, 1, 1, 2]);
    seen.add(byGroup.join());
  }
  t.equal(seen.size, 60, "6! / 3! 2! ways, all of them drawn");
  t.end();
});

void test("both sides of a contest get the same labels", (t) => {
  const files = [0, 0, 1, 1].map((label) => ({ label, windows: [[0], [1]] }));
  const train = sampleSet(files, 2);
  const test = sampleSet(files, 2);
  const changed = new Relabelling(new Grouping(4, train.classes).count(train.labels, train.groups)).draw(
    new SeededRandom(5),
  );
  const after = relabelled({ train, test }, changed);
  t.not(after.train, after.test);
  t.same(after.train.labels, after.test.labels);
  t.end();
});

void test("groups of several classes are relabelled inside", (t) => {
  const days = new Grouping(3, ["a", "b", "c"]);
  days.rows.set([5, 2, 1, 4, 3, 2, 6, 0, 1]);
  const relabelling = new Relabelling(days);
  for (let i = 0; i < 50; i++) {
    const changed = relabelling.draw(new SeededRandom(i, "null"));
    t.same([...changed.slice(0, 3)].sort(), [0, 1, 2]);
    t.same([...changed.slice(3, 6)].sort(), [0, 1, 2]);
    t.same([changed[6], changed[8]].sort(), [0, 2], "the day without b gets none");
  }
  t.end();
});

void test("ways to label the groups, by hand", (t) => {
  const ways = (...perClass: number[]): number => {
    const of = new Grouping(
      perClass.reduce((a, b) => a + b),
      perClass.map(String),
    );
    let group = 0;
    for (const [c, n] of perClass.entries()) for (let i = 0; i < n; i++) of.rows[group++ * perClass.length + c] = 1;
    return new Relabelling(of).arrangements;
  };
  t.equal(ways(3, 3), 10, "20 ways to choose three of six, each with its mirror");
  t.equal(ways(2, 3), 10, "no mirror");
  t.equal(ways(3, 3, 3), 280);
  t.equal(ways(1, 1), 1);
  t.equal(ways(5, 5, 5), 126_126);
  t.equal(ways(40, 40, 40), 1e15, "and no more are counted");
  t.end();
});
