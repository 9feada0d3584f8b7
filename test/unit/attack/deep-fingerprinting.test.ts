import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { predict, type Labelled } from "../../../src/attack/attack.js";
import { DeepFingerprinting } from "../../../src/attack/deep-fingerprinting.js";
import { integer, type Random } from "../../../src/random/random.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { DATA, missing } from "../../support/shared-data.js";

const attack = new DeepFingerprinting();
/** Where it does not matter how well it learns. */
const hasty = new DeepFingerprinting({ epochs: 1 });

/** The mean of the classes' shares of rows told right. */
function balancedAccuracy(told: Uint8Array, labels: Uint8Array, classes: number): number {
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    const rows = [...labels.keys()].filter((row) => labels[row] === c);
    sum += rows.filter((row) => told[row] === c).length / rows.length;
  }
  return sum / classes;
}

/** Four questions and four answers somewhere among keep-alives: by turns in class 0, in two groups in class 1. Every sum and count is the same. */
function exchange(label: number, columns: number, draws: Random): number[] {
  const packets = Array.from({ length: columns - 20 }, (): number => (draws.word() & 1 ? 66 : -66));
  const talk =
    label === 0 ? [300, -1400, 300, -1400, 300, -1400, 300, -1400] : [300, 300, 300, 300, -1400, -1400, -1400, -1400];
  packets.splice(integer(draws, 0, packets.length), 0, ...talk);
  return [...packets, ...Array<number>(12).fill(0)];
}

function exchanges(rows: number, columns: number, seed: string): Labelled {
  const draws = new SeededRandom(seed);
  const labels = Uint8Array.from({ length: rows }, (_, row) => row % 2);
  const values = Float64Array.from([...labels].flatMap((label) => exchange(label, columns, draws)));
  return { samples: { rows, columns, values }, labels, classes: 2 };
}

test("learns what only the order of the packets tells, wherever it stands", async (t) => {
  const other = exchanges(200, 120, "b");
  const model = attack.train(exchanges(150, 120, "a"), new SeededRandom("m"));
  const reached = balancedAccuracy(predict(model, other.samples), other.labels, 2);
  t.ok(reached > 0.9, `${reached}`);
});

test("learns nothing where there is nothing to learn", async (t) => {
  const other = exchanges(300, 120, "b");
  const from = exchanges(100, 120, "a");
  const model = attack.train({ ...from, labels: from.labels.map((_, row) => (row >> 1) & 1) }, new SeededRandom("m"));
  const reached = balancedAccuracy(predict(model, other.samples), other.labels, 2);
  t.ok(reached > 0.35 && reached < 0.65, `${reached}`);
});

test("zeros behind the longest sequence change nothing", async (t) => {
  const from = exchanges(20, 60, "a");
  const wide = new Float64Array(20 * 100);
  for (let row = 0; row < 20; row++) wide.set(from.samples.values.subarray(row * 60, row * 60 + 60), row * 100);
  const longer = { rows: 20, columns: 100, values: wide };
  const model = hasty.train(from, new SeededRandom("m"));
  const other = hasty.train({ ...from, samples: longer }, new SeededRandom("m"));
  t.same(other.probabilities(longer), model.probabilities(from.samples));
});

test("one class, sequences without a packet, of one packet, a single row", async (t) => {
  const from = exchanges(20, 60, "a");
  const one = hasty.train({ ...from, labels: new Uint8Array(20), classes: 1 }, new SeededRandom("m"));
  t.same(new Set(one.probabilities(from.samples)), new Set([1]));
  for (const [columns, value] of [
    [60, 0],
    [1, 100],
  ] as const) {
    const samples = { rows: 20, columns, values: new Float64Array(20 * columns).fill(value) };
    const shares = hasty.train({ ...from, samples }, new SeededRandom("m")).probabilities(samples);
    t.ok(shares.every((share) => share >= 0 && share <= 1));
  }
  const row = {
    samples: { rows: 1, columns: 3, values: Float64Array.of(1, -2, 0) },
    labels: Uint8Array.of(1),
    classes: 2,
  };
  t.ok(hasty.train(row, new SeededRandom("m")).probabilities(row.samples).every(Number.isFinite));
});

test("each row's shares add up to 1 and do not depend on the other rows; draws decide", async (t) => {
  const from = exchanges(37, 80, "a");
  const told: number[] = [];
  const model = hasty.train(from, new SeededRandom("m"), (done) => told.push(done));
  const shares = model.probabilities(from.samples);
  for (let row = 0; row < 37; row++) {
    const alone = { rows: 1, columns: 80, values: from.samples.values.slice(row * 80, row * 80 + 80) };
    t.same([...model.probabilities(alone)], [...shares.subarray(row * 2, row * 2 + 2)]);
    t.ok(Math.abs((shares[row * 2] ?? 0) + (shares[row * 2 + 1] ?? 0) - 1) < 1e-12);
  }
  t.same(hasty.train(from, new SeededRandom("m")).save(), model.save());
  t.notSame(hasty.train(from, new SeededRandom("n")).probabilities(from.samples), shares);
  t.equal(told.at(-1), 1);
});

test("a saved model answers the same to the last bit; a damaged one is refused", async (t) => {
  const from = exchanges(20, 60, "a");
  const model = hasty.train(from, new SeededRandom("m"));
  const saved = JSON.parse(JSON.stringify(model.save())) as ReturnType<typeof model.save>;
  t.same(attack.load(saved).probabilities(from.samples), model.probabilities(from.samples));
  t.same(attack.load(saved).save(), model.save());
  const nan = Buffer.from(saved["numbers"] as string, "base64");
  nan.writeDoubleLE(NaN, 80);
  for (const [what, change, words] of [
    ["another attack", { attack: "neural-network" }, /neural-network/],
    ["no classes", { classes: 0 }, /classes/],
    ["more classes", { classes: 3 }, /as many numbers/],
    ["no columns", { columns: "60" }, /columns/],
    ["more steps than columns", { steps: 61 }, /steps/],
    ["more steps than numbers", { columns: 1e6, steps: 1e6 }, /fewer numbers/],
    ["no size", { size: [0] }, /size/],
    ["numbers cut off", { numbers: (saved["numbers"] as string).slice(0, 4000) }, /cut off|fewer/],
    ["a number that is none", { numbers: nan.toString("base64") }, /is none/],
  ] as const)
    t.throws(
      () => attack.load({ ...saved, ...change }),
      { name: "HushboxError", code: "model-invalid", message: words },
      what,
    );
});

test("numbers that are none are named by row and column", async (t) => {
  const from = exchanges(20, 60, "a");
  const model = hasty.train(from, new SeededRandom("m"));
  const values = from.samples.values.slice();
  values[2 * 60 + 7] = NaN;
  const wanted = { name: "HushboxError", code: "samples-invalid", message: /row 2, column 7 is NaN/ };
  t.throws(() => hasty.train({ ...from, samples: { ...from.samples, values } }, new SeededRandom(1)), wanted);
  t.throws(() => model.probabilities({ ...from.samples, values }), wanted);
  t.throws(() => model.probabilities({ rows: 1, columns: 3, values: new Float64Array(3) }), {
    code: "samples-invalid",
  });
});

/** The first packets of the traces of an Echo, by class, with their queries. */
function echo(directory: string, columns: number): Labelled & { readonly queries: readonly string[] } {
  execFileSync("tar", ["-xJf", join(DATA, "echo", "traces.tar.xz"), "-C", directory]);
  const rows = readFileSync(join(DATA, "echo", "labels.csv"), "utf8")
    .split("\n")
    .map((line) => line.split(","))
    .filter(([kind, , , label = ""]) => kind === "trace" && label !== "");
  const names = [...new Set(rows.map(([, , , label = ""]) => label))];
  const values = new Float64Array(rows.length * columns);
  for (const [row, [, file = ""]] of rows.entries()) {
    const lines = readFileSync(join(directory, file), "utf8")
      .trim()
      .split("\n")
      .slice(1, columns + 1);
    for (const [step, line] of lines.entries()) {
      const [, , length, direction] = line.split(",");
      values[row * columns + step] = Number(length) * Number(direction);
    }
  }
  return {
    samples: { rows: rows.length, columns, values },
    labels: Uint8Array.from(rows, ([, , , label = ""]) => names.indexOf(label)),
    classes: names.length,
    queries: rows.map(([, , query = ""]) => query),
  };
}

test(
  "tells the class of questions that it has not seen, on an Echo's traces",
  { skip: missing("tar", "xz") },
  async (t) => {
    const columns = 500;
    const { samples, labels, classes, queries } = echo(t.testdir({}), columns);
    const perClass = Array.from({ length: classes }, (_, c) => [
      ...new Set(queries.filter((_, row) => labels[row] === c)),
    ]);
    const told = new Uint8Array(labels.length);
    const pick = (rows: readonly number[]): Labelled => ({
      samples: {
        rows: rows.length,
        columns,
        values: Float64Array.from(
          rows.flatMap((row) => [...samples.values.subarray(row * columns, (row + 1) * columns)]),
        ),
      },
      labels: Uint8Array.from(rows, (row) => labels[row] ?? 0),
      classes,
    });
    // Each fold asks one query of each class, and has not heard it before.
    for (let fold = 0; fold < 5; fold++) {
      const unseen = new Set(perClass.map((names) => names[fold] ?? ""));
      const tested = [...labels.keys()].filter((row) => unseen.has(queries[row] ?? ""));
      const rest = [...labels.keys()].filter((row) => !unseen.has(queries[row] ?? ""));
      const model = new DeepFingerprinting({ epochs: 20 }).train(pick(rest), new SeededRandom(fold));
      for (const [i, label] of predict(model, pick(tested).samples).entries()) told[tested[i] ?? 0] = label;
    }
    const reached = balancedAccuracy(told, labels, classes);
    t.comment(
      `balanced accuracy ${reached.toFixed(3)} of ${classes} classes, ${labels.length} traces of ${columns} packets`,
    );
    // With shuffled labels the best of seven attacks reads 0.43 on average.
    t.ok(labels.length === 75 && reached > 0.55, `${reached}`);
  },
);
