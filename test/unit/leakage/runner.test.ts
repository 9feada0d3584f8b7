import { test } from "tap";
import { PoolRunner } from "../../../src/leakage/pool-runner.js";
import { InlineRunner, type Trial } from "../../../src/leakage/runner.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { normalFiles, sampleSet } from "../../support/sample-sets.js";
import { naiveBayes, SMALL_ATTACKS } from "../../support/small-attacks.js";

const set = sampleSet(normalFiles({ classes: 2, files: 3, windows: 4, columns: 3, apart: 1 }, new SeededRandom(1)), 2);
const samples = set.samples.table ?? { rows: 0, columns: 0, values: new Float64Array() };
const trial: Trial = {
  attack: "naive-bayes",
  from: { samples, labels: set.labels, classes: 2 },
  seed: "1",
  tests: [samples, { rows: 2, columns: 3, values: Float64Array.of(0, 1, 2, 3, 4, 5) }],
};

void test("in line: the model's own answers, test by test", async (t) => {
  const answers = await new InlineRunner(SMALL_ATTACKS).run(trial);
  const model = naiveBayes.train(trial.from, new SeededRandom("1", "attack"));
  t.same(
    answers,
    trial.tests.map((asked) => model.probabilities(asked)),
  );
  await t.rejects(new InlineRunner([]).run(trial), { code: "usage", message: /naive-bayes/ });
});

void test("by a pool: the same, with all tests in one task", async (t) => {
  let tasks = 0;
  const pool = {
    run: ({ train, test: asked, seed }: { train: Trial["from"]; test: typeof samples; seed: string }) => {
      tasks++;
      return Promise.resolve({ probabilities: naiveBayes.train(train, new SeededRandom(seed)).probabilities(asked) });
    },
  };
  const runner = new PoolRunner(pool, 2);
  t.equal(runner.width, 4);
  t.same(await runner.run(trial), await new InlineRunner(SMALL_ATTACKS).run(trial));
  t.same(
    await runner.run({ ...trial, tests: [samples] }),
    (await new InlineRunner(SMALL_ATTACKS).run(trial)).slice(0, 1),
  );
  t.equal(tasks, 2);
});
