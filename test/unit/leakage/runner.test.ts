import { test } from "tap";
import { attackNamed, ATTACKS } from "../../../src/attack/attacks.js";
import { TrainingPool } from "../../../src/attack/training-pool.js";
import { PoolRunner } from "../../../src/leakage/pool-runner.js";
import { DEFAULTS, protocol } from "../../../src/leakage/protocol.js";
import { InlineRunner, type Runner, type Trial } from "../../../src/leakage/runner.js";
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
  const model = naiveBayes.train(trial.from, new SeededRandom("1"));
  t.same(
    answers,
    trial.tests.map((asked) => model.probabilities(asked)),
  );
  await t.rejects(new InlineRunner([]).run(trial), { code: "usage", message: /naive-bayes/ });
});

void test("by a pool of threads: the same", async (t) => {
  const pool = new TrainingPool({ workers: 1 });
  t.teardown(() => pool.stop());
  const runner = new PoolRunner(pool, 1);
  const inline = new InlineRunner(ATTACKS);
  for (const attack of ["decision-tree", "random-forest"]) {
    t.same(await runner.run({ ...trial, attack }), await inline.run({ ...trial, attack }), attack);
    t.same(
      await runner.run({ ...trial, attack, tests: [samples] }),
      await inline.run({ ...trial, attack, tests: [samples] }),
    );
  }
  await t.rejects(runner.run(trial), { code: "usage", message: /naive-bayes/ });
});

void test("by a pool: the whole protocol, with all its threads", async (t) => {
  const pool = new TrainingPool({ workers: 2 });
  t.teardown(() => pool.stop());
  const options = { ...DEFAULTS, folds: 3, seeds: ["1", "2"], repetitions: 19, resamples: 20, repeats: 2 };
  const blocks = { table: [{ name: "first", columns: [0] }] };
  const attacks = ["decision-tree", "k-nearest-neighbours"].map(attackNamed);
  const run = (runner: Runner) => protocol({ train: set, test: set }, attacks, { ...options, blocks }, { runner });
  t.same(await run(new PoolRunner(pool, 2)), await run(new InlineRunner(attacks)));
});
