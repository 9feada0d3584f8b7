// What holds for every attack on a table.
import { test } from "tap";
import { predict, type Attack, type SavedModel } from "../../../src/attack/attack.js";
import { ATTACKS, attackNamed } from "../../../src/attack/attacks.js";
import { HushboxError } from "../../../src/errors/hushbox-error.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { blobs, labelled, matrix } from "../../support/labelled.js";

const TABLE = ATTACKS.filter(({ form }) => form !== "sequence");
const random = (): SeededRandom => new SeededRandom("attacks");
const right = (attack: Attack, from: ReturnType<typeof labelled>): number =>
  predict(attack.train(from, random()), from.samples).filter((label, row) => label === from.labels[row]).length;

function refused(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof HushboxError && error.code === code && message.test(error.message);
}

function fails(run: () => unknown, code: string, message: RegExp): boolean {
  try {
    run();
  } catch (error) {
    return refused(code, message)(error);
  }
  return false;
}

test("names are different, and found", async (t) => {
  t.equal(new Set(ATTACKS.map((attack) => attack.name)).size, ATTACKS.length);
  for (const attack of ATTACKS) t.equal(attackNamed(attack.name), attack);
  t.ok(fails(() => attackNamed("guess"), "usage", /no attack "guess"; there are .*random-forest/));
});

for (const attack of TABLE) {
  const { name } = attack;

  test(`${name}: one column says it all, whatever the others hold`, async (t) => {
    const { samples, labels } = blobs(120, 4, 3, 0, "noise");
    const rows = Array.from(labels, (label, row) => [
      ...samples.values.subarray(row * 4, row * 4 + 2),
      label * 100,
      ...samples.values.subarray(row * 4 + 2, row * 4 + 4),
    ]);
    const hits = right(attack, labelled(rows, [...labels]));
    // To neighbours every column is as important as the one that says it.
    if (name === "k-nearest-neighbours") t.ok(hits > 90 && hits < 120, `${hits} of 120`);
    else t.equal(hits, 120);
  });

  test(`${name}: learns what lies apart, and answers rows that it has not seen`, async (t) => {
    const model = attack.train(blobs(300, 3, 3, 4, "learned"), random());
    const asked = blobs(150, 3, 3, 4, "asked");
    const hits = predict(model, asked.samples).filter((label, row) => label === asked.labels[row]).length;
    t.ok(hits >= 145, `${hits} of 150`);
  });

  test(`${name}: each row's probabilities add up to 1`, async (t) => {
    const model = attack.train(blobs(90, 3, 3, 0.5, "learned"), random());
    const shares = model.probabilities(blobs(60, 3, 3, 0.5, "asked").samples);
    t.equal(shares.length, 60 * 3);
    for (let row = 0; row < 60; row++) {
      const [a = NaN, b = NaN, c = NaN] = shares.subarray(row * 3);
      t.ok(Math.min(a, b, c) >= 0 && Math.abs(a + b + c - 1) < 1e-12);
    }
  });

  test(`${name}: same samples and same draws, same model; the samples stay as they were`, async (t) => {
    const from = blobs(100, 4, 3, 1, "twice");
    const before = structuredClone(from);
    const saved = JSON.stringify(attack.train(from, random()).save());
    t.equal(JSON.stringify(attack.train(from, random()).save()), saved);
    t.same(from, before);
  });

  test(`${name}: a saved model answers as the one that was saved`, async (t) => {
    const model = attack.train(blobs(100, 4, 3, 1, "saved"), random());
    const asked = blobs(80, 4, 3, 1, "asked").samples;
    const saved = JSON.parse(JSON.stringify(model.save())) as SavedModel;
    const loaded = attack.load(saved);
    t.equal(loaded.classes, 3);
    t.same(loaded.probabilities(asked), model.probabilities(asked));
    t.same(loaded.save(), model.save());
  });

  test(`${name}: a malformed model is refused`, async (t) => {
    const good = attack.train(blobs(40, 2, 2, 1, "malformed"), random()).save();
    for (const [key, value] of Object.entries(good)) {
      const without = Object.fromEntries(Object.entries(good).filter(([other]) => other !== key));
      const shorter = typeof value === "string" ? value.slice(4) : Array.isArray(value) ? value.slice(1) : -1;
      const other = typeof value === "string" ? "%%%%" : "text";
      for (const bad of [without, { ...good, [key]: shorter }, { ...good, [key]: other }, { ...good, [key]: null }]) {
        const text = JSON.stringify(bad).slice(0, 60);
        t.ok(
          fails(() => attack.load(bad as SavedModel), "model-invalid", new RegExp(`^loading a model of ${name}: `)),
          `${key}: ${text}`,
        );
      }
    }
    for (const bad of [null, 1, "x", [], {}, { attack: "another" }])
      t.ok(
        fails(() => attack.load(bad as never), "model-invalid", /^loading/),
        JSON.stringify(bad),
      );
  });

  test(`${name}: one class only, and a class without a row`, async (t) => {
    const single = attack.train(labelled([[1], [2], [3]], [0, 0, 0]), random());
    t.same([...single.probabilities(matrix([[9]]))], [1]);
    const rows = Array.from({ length: 12 }, (_, row) => [row < 6 ? row / 10 : 5 + row / 10]);
    const missing = labelled(
      rows,
      rows.map((_, row) => (row < 6 ? 0 : 2)),
    );
    t.same([...predict(attack.train(missing, random()), matrix([[0], [6]]))], [0, 2]);
    const alone = attack.train({ ...labelled([[1], [2]], [1, 1]), classes: 3 }, random());
    t.same([...alone.probabilities(matrix([[1]]))], [0, 1, 0]);
    const again = attack.load(JSON.parse(JSON.stringify(alone.save())) as SavedModel);
    t.same([...again.probabilities(matrix([[1]]))], [0, 1, 0]);
  });

  test(`${name}: constant columns, and rows that nothing tells apart`, async (t) => {
    t.equal(
      right(
        attack,
        labelled(
          Array.from({ length: 20 }, (_, i) => [7, i % 2, 7]),
          Array.from({ length: 20 }, (_, i) => i % 2),
        ),
      ),
      20,
    );
    const model = attack.train(
      labelled(
        Array.from({ length: 8 }, () => [3, 3]),
        [0, 1, 0, 0, 0, 1, 0, 0],
      ),
      random(),
    );
    // The network weighs classes evenly: to it nothing speaks for the larger one.
    if (name !== "neural-network") t.equal(predict(model, matrix([[3, 3]]))[0], 0);
  });

  test(`${name}: no rows to answer`, async (t) => {
    const model = attack.train(labelled([[1], [2]], [0, 1]), random());
    t.equal(model.probabilities({ rows: 0, columns: 1, values: new Float64Array(0) }).length, 0);
  });

  test(`${name}: samples that nothing can be learned from are refused by row and column`, async (t) => {
    const train = (from: ReturnType<typeof labelled>): (() => unknown) => {
      return () => attack.train(from, random());
    };
    const code = "samples-invalid";
    t.ok(fails(train(labelled([], [])), code, /training .*: there are no samples/));
    t.ok(fails(train({ ...labelled([[], []], [0, 1]) }), code, /no columns/));
    for (const value of [NaN, Infinity, -Infinity, 1e39])
      t.ok(
        fails(
          train(
            labelled(
              [
                [1, 2],
                [3, value],
              ],
              [0, 1],
            ),
          ),
          code,
          new RegExp(`row 1, column 1 is ${String(value).replace("+", "\\+")}`),
        ),
      );
    t.ok(fails(train(labelled([[1], [2]], [0])), code, /1 labels for 2 rows/));
    t.ok(fails(train({ ...labelled([[1], [2]], [0, 2]), classes: 2 }), code, /row 1 has the label 2 of 2 classes/));
    t.ok(fails(train({ ...labelled([[1]], [0]), classes: 0 }), code, /0 classes/));
    const model = attack.train(
      labelled(
        [
          [1, 2],
          [3, 4],
        ],
        [0, 1],
      ),
      random(),
    );
    t.ok(fails(() => model.probabilities(matrix([[1, NaN]])), code, /asking .*: row 0, column 1 is NaN/));
    t.ok(fails(() => model.probabilities(matrix([[1]])), code, /1 columns where the model learned from 2/));
    t.ok(
      fails(
        () => model.probabilities({ rows: 2, columns: 2, values: new Float64Array(3) }),
        code,
        /3 values for 2 rows/,
      ),
    );
  });

  test(`${name}: progress rises to 1`, async (t) => {
    const told: number[] = [];
    attack.train(blobs(60, 3, 2, 1, "progress"), random(), (done) => told.push(done));
    t.same(
      told,
      told.toSorted((a, b) => a - b),
    );
    t.equal(told.at(-1), 1);
  });
}
