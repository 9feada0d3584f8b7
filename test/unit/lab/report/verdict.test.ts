import { test } from "tap";
import { verdictWords } from "../../../../src/lab/report/verdict.js";
import { leakageOf } from "../../../support/reported.js";

const plain = (text: string): string => text.replaceAll("\u00a0", " ");

test("a verdict has its number, its interval, chance and null in one sentence", (t) => {
  const read = leakageOf({
    attacks: { "random-forest": 0.72, "decision-tree": 0.6 },
    none: { p: 0.05, threshold: 0.5 },
  });
  const { sentence, tone, state } = verdictWords(read, "behind standalone");
  t.equal(
    plain(sentence),
    "Behind standalone, the random forest tells “media”, “travel” and “utility” apart with a balanced accuracy of 72.0 % (67.0 % to 77.0 %), where guessing gets 33.3 % and the best attack on labels dealt anew at most 50.0 %, 95 times in 100 (p = 0.050, 19 repetitions): it reads more than chance.",
  );
  t.same([tone, state], ["bad", "still read"]);
  t.end();
});

test("at chance, undecided and without a null are three things", (t) => {
  const attacks = { "random-forest": 0.4 };
  const chance = leakageOf({ attacks, none: { p: 0.4, threshold: 0.5 } });
  t.same([verdictWords(chance, "x").tone, verdictWords(chance, "x").state], ["good", "at chance"]);
  t.equal(verdictWords(leakageOf({ attacks }), "x").state, "null not measured");
  t.match(verdictWords(leakageOf({ attacks }), "x").sentence, /what it would read of nothing was not measured/);
  const few = { ...chance, null: chance.null === null ? null : { ...chance.null, verdict: "undecided" as const } };
  t.same([verdictWords(few, "x").tone, verdictWords(few, "x").state], ["open", "undecided"]);
  t.equal(verdictWords({ ...chance, attacks: [] }, "x").state, "not measured");
  t.end();
});

test("many classes are counted, not named", (t) => {
  const classes = Array.from({ length: 40 }, (_, i) => `question ${i}`);
  t.match(
    verdictWords(leakageOf({ attacks: { "ada-boost": 0.2 }, classes }), "x").sentence,
    /X, AdaBoost tells 40 classes apart/,
  );
  t.end();
});
