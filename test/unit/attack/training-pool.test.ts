import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import { attackNamed } from "../../../src/attack/attacks.js";
import { sharedMatrix } from "../../../src/attack/shared-matrix.js";
import { TrainingPool, type TrainingTask } from "../../../src/attack/training-pool.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { blobs } from "../../support/labelled.js";

const train = blobs(200, 4, 3, 1, "train");
const asked = blobs(50, 4, 3, 1, "asked").samples;
const task = (seed: number, more: Partial<TrainingTask> = {}): TrainingTask => ({
  attack: "random-forest",
  train,
  test: asked,
  seed,
  ...more,
});
const here = ({ attack, seed }: TrainingTask): Float64Array =>
  attackNamed(attack).train(train, new SeededRandom(seed)).probabilities(asked);

test("answers as the attack itself does, with any number of threads", async (t) => {
  const tasks = [1, 2, 3].flatMap((seed) => [task(seed), task(seed, { attack: "ada-boost" })]);
  for (const workers of [1, 3]) {
    const pool = new TrainingPool({ workers });
    const results = await pool.all(tasks);
    t.same(
      results.map(({ probabilities }) => probabilities),
      tasks.map(here),
      `${workers} threads`,
    );
    t.same(results[0]?.model, null);
    await pool.stop();
  }
});

test("the model comes along where it is wanted", async (t) => {
  const pool = new TrainingPool({ workers: 1 });
  const { model } = await pool.run(task(4, { keepModel: true }));
  t.same(model === null ? null : attackNamed("random-forest").load(model).probabilities(asked), here(task(4)));
  await pool.stop();
});

test("shared matrices and views into larger buffers give the same", async (t) => {
  const pool = new TrainingPool({ workers: 1 });
  const large = new Float64Array(10_000);
  large.set(asked.values, 500);
  const view = { ...asked, values: large.subarray(500, 500 + asked.values.length) };
  const shared = { ...train, samples: sharedMatrix(train.samples) };
  t.same((await pool.run(task(5, { train: shared, test: view }))).probabilities, here(task(5)));
  t.equal(view.values.length, asked.values.length);
  await pool.stop();
});

test("progress of a task rises, that of a list ends at its length", async (t) => {
  const pool = new TrainingPool({ workers: 2 });
  const shares: number[] = [];
  await pool.run(task(6), (done) => shares.push(done));
  t.ok(shares.length > 5 && shares.every((share, i) => share > (shares[i - 1] ?? 0) && share <= 1), shares.join());
  const counts: number[] = [];
  await pool.all([task(7), task(8), task(9)], (done) => counts.push(done));
  t.ok(
    counts.every((count, i) => count > (counts[i - 1] ?? 0)),
    counts.join(),
  );
  t.ok(Math.abs((counts.at(-1) ?? 0) - 3) < 1e-9);
  await pool.stop();
});

test("an attack's error comes over, and the pool goes on", async (t) => {
  const pool = new TrainingPool({ workers: 1 });
  const bad = { ...train, labels: train.labels.slice(1) };
  await t.rejects(pool.run(task(1, { train: bad })), {
    code: "samples-invalid",
    message: "training random-forest: there are 199 labels for 200 rows",
  });
  await t.rejects(pool.run(task(1, { attack: "guess" })), { code: "usage", message: /no attack "guess"/ });
  await t.rejects(pool.run(task(1, { seed: (() => 1) as never })), {
    code: "internal",
    message: /could not be cloned/,
  });
  t.same((await pool.run(task(2))).probabilities, here(task(2)));
  await pool.stop();
});

test("takes no more than may wait", async (t) => {
  const pool = new TrainingPool({ workers: 1, queue: 1 });
  const taken = [pool.run(task(1)), pool.run(task(2))];
  t.ok(pool.full);
  await t.rejects(pool.run(task(3)), { code: "internal", message: /1 tasks wait already/ });
  await pool.room();
  t.notOk(pool.full);
  t.equal((await Promise.all(taken)).length, 2);
  await pool.stop();
});

test("a list is read only as there is room, and no further than a failure", async (t) => {
  const pool = new TrainingPool({ workers: 1, queue: 1 });
  let read = 0;
  let answered = 0;
  let ahead = 0;
  function* tasks(): Generator<TrainingTask> {
    for (let seed = 0; seed < 8; seed++) {
      read++;
      ahead = Math.max(ahead, read - answered);
      yield task(seed);
    }
  }
  await pool.all(tasks(), (done) => {
    answered = Math.floor(done + 1e-9);
  });
  t.equal(read, 8);
  t.ok(ahead <= 4, `${ahead} ahead`);

  read = 0;
  function* failing(): Generator<TrainingTask> {
    for (let seed = 0; seed < 50; seed++) {
      read++;
      yield task(seed, { attack: seed === 1 ? "guess" : "random-forest" });
    }
  }
  await t.rejects(pool.all(failing()), { code: "usage" });
  t.ok(read < 10, `${read} read`);
  await pool.stop();
});

test("stop rejects what is not answered, and may come twice", async (t) => {
  const pool = new TrainingPool({ workers: 1 });
  const open = [pool.run(task(1)), pool.run(task(2)), pool.all([task(3), task(4), task(5), task(6)])];
  const ends = Promise.allSettled(open);
  const stopped = pool.stop();
  t.equal(pool.stop(), stopped);
  await stopped;
  for (const end of await ends)
    t.match(end, { status: "rejected", reason: { code: "internal", message: /has been stopped/ } });
  await t.rejects(pool.run(task(7)), { message: /has been stopped/ });
  await new TrainingPool().stop();
});

test("threads keep no process alive once they are done", async (t) => {
  const built = (path: string): string => JSON.stringify(join(import.meta.dirname, "../../..", path));
  const script = `
    import { TrainingPool } from ${built("src/attack/training-pool.js")};
    import { blobs } from ${built("test/support/labelled.js")};
    const train = blobs(50, 2, 2, 1, "x");
    const pool = new TrainingPool({ workers: 2 });
    const task = { attack: "decision-tree", train, test: train.samples, seed: 1 };
    const results = await Promise.all([pool.run(task), pool.run(task)]);
    console.log(results.length);`;
  const folder = mkdtempSync(join(tmpdir(), "hushbox-pool-"));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, "unstopped.mjs");
  writeFileSync(path, script);
  t.equal(execFileSync(process.execPath, [path], { encoding: "utf8", timeout: 300_000 }).trim(), "2");
});
