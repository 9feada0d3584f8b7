import { test } from "tap";
import { predict, type Labelled } from "../../../src/attack/attack.js";
import { NeuralNetwork } from "../../../src/attack/neural-network.js";
import { gaussian, uniform, type Random } from "../../../src/random/random.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";

const attack = new NeuralNetwork();
/** Where it does not matter how well it learns. */
const hasty = new NeuralNetwork({ epochs: 3, hidden: [20, 10] });

/** `rows` samples of classes in turn, each made by `sample`. */
function labelled(
  rows: number,
  classes: number,
  sample: (label: number, draws: Random) => number[],
  seed = "a",
): Labelled {
  const draws = new SeededRandom(seed);
  const labels = Uint8Array.from({ length: rows }, (_, row) => row % classes);
  const all = Array.from(labels, (label) => sample(label, draws));
  return { samples: { rows, columns: all[0]?.length ?? 0, values: Float64Array.from(all.flat()) }, labels, classes };
}

/** The mean of the classes' shares of rows told right. */
function balancedAccuracy(told: Uint8Array, { labels, classes }: Labelled): number {
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    const rows = [...labels.keys()].filter((row) => labels[row] === c);
    sum += rows.filter((row) => told[row] === c).length / rows.length;
  }
  return sum / classes;
}

const accuracy = (train: Labelled, test: Labelled, with_ = attack): number =>
  balancedAccuracy(predict(with_.train(train, new SeededRandom("m")), test.samples), test);

const xor = (label: number, draws: Random): number[] => {
  const side = draws.word() & 1;
  return [side + gaussian(draws) / 10, (side ^ label) + gaussian(draws) / 10];
};
const ring = (label: number, draws: Random): number[] => {
  const [radius, angle] = [1 + label + gaussian(draws) / 10, 2 * Math.PI * uniform(draws)];
  return [1e6 + 1e4 * radius * Math.cos(angle), 1e-6 * radius * Math.sin(angle)];
};
const spiral = (label: number, draws: Random): number[] => {
  const way = uniform(draws);
  const angle = 2 * Math.PI * (way + label / 2);
  return [way * Math.cos(angle) + gaussian(draws) / 50, way * Math.sin(angle) + gaussian(draws) / 50];
};

test("learns what no line divides: exclusive or, rings of very different scales, spirals", async (t) => {
  for (const [name, sample, classes, rows, least] of [
    ["xor", xor, 2, 80, 0.98],
    ["rings", ring, 3, 300, 0.97],
    ["spirals", spiral, 2, 400, 0.93],
  ] as const) {
    const reached = accuracy(labelled(rows, classes, sample), labelled(300, classes, sample, "b"));
    t.ok(reached > least, `${name}: ${reached}`);
  }
});

test("learns nothing where there is nothing to learn", async (t) => {
  const noise = (_: number, draws: Random): number[] => Array.from({ length: 12 }, () => gaussian(draws));
  const reached = accuracy(labelled(300, 3, noise), labelled(600, 3, noise, "b"));
  t.ok(reached > 0.26 && reached < 0.41, `${reached} of three classes`);
});

test("a rare class counts as much as a common one, unless it is told otherwise", async (t) => {
  const draws = new SeededRandom("rare");
  const all = labelled(2000, 2, (label) => [1.5 * label + gaussian(draws), gaussian(draws)]);
  // One in twenty-five of the second class is kept.
  const kept = [...all.labels.keys()].filter((row) => row % 2 === 0 || row % 50 === 1);
  const from: Labelled = {
    samples: {
      rows: kept.length,
      columns: 2,
      values: Float64Array.from(kept.flatMap((row) => [...all.samples.values.subarray(row * 2, row * 2 + 2)])),
    },
    labels: Uint8Array.from(kept, (row) => row % 2),
    classes: 2,
  };
  const balanced = accuracy(from, all, new NeuralNetwork({ epochs: 10 }));
  const plain = accuracy(from, all, new NeuralNetwork({ epochs: 10, balanced: false }));
  t.ok(balanced > 0.72, `balanced: ${balanced}`);
  t.ok(plain < 0.65, `as they come: ${plain}`);
});

test("one class only, a class without rows, a single row", async (t) => {
  const one = labelled(40, 1, (_, draws) => [gaussian(draws), 3]);
  t.same(
    new Set(new NeuralNetwork({ epochs: 10 }).train(one, new SeededRandom(1)).probabilities(one.samples)),
    new Set([1]),
  );
  const model = new NeuralNetwork({ epochs: 10 }).train({ ...one, classes: 3 }, new SeededRandom(1));
  t.same(new Set(predict(model, one.samples)), new Set([0]));
  t.same(model.probabilities({ rows: 0, columns: 2, values: new Float64Array() }), new Float64Array());
  const single = labelled(1, 1, () => [1, 2]);
  t.same(
    [
      ...new NeuralNetwork({ epochs: 10 })
        .train({ ...single, classes: 2 }, new SeededRandom(1))
        .probabilities(single.samples),
    ].length,
    2,
  );
});

test("a constant column says nothing, then or later", async (t) => {
  const rows = (seed: string, constant: number): Labelled =>
    labelled(100, 2, (label, draws) => [...xor(label, draws), constant], seed);
  const model = attack.train(rows("a", 0.1), new SeededRandom("m"));
  const later = rows("b", 1500);
  t.ok(balancedAccuracy(predict(model, later.samples), later) > 0.97);
  t.same(model.probabilities(later.samples), model.probabilities(rows("b", 0.1).samples));
});

test("each row's shares add up to 1 and do not depend on the other rows", async (t) => {
  const from = labelled(130, 3, ring);
  const model = hasty.train(from, new SeededRandom("m"));
  const shares = model.probabilities(from.samples);
  for (let row = 0; row < 130; row++) {
    const own = shares.subarray(row * 3, row * 3 + 3);
    t.ok(Math.abs(own.reduce((sum, share) => sum + share, 0) - 1) < 1e-12);
    const alone = { rows: 1, columns: 2, values: from.samples.values.slice(row * 2, row * 2 + 2) };
    t.same([...model.probabilities(alone)], [...own]);
  }
});

test("same samples and draws, same model; other draws, another; progress goes to 1", async (t) => {
  const from = labelled(60, 2, xor);
  const told: number[] = [];
  const model = hasty.train(from, new SeededRandom("m"), (done) => told.push(done));
  t.same(hasty.train(from, new SeededRandom("m")).save(), model.save());
  t.not(JSON.stringify(hasty.train(from, new SeededRandom("n")).save()), JSON.stringify(model.save()));
  t.equal(told.at(-1), 1);
  t.ok(told.every((done, i) => done > (told[i - 1] ?? 0)));
});

test("a saved model answers the same to the last bit", async (t) => {
  const from = labelled(90, 3, ring);
  const model = new NeuralNetwork({ hidden: [17, 5], batch: 8 }).train(from, new SeededRandom("m"));
  const loaded = attack.load(JSON.parse(JSON.stringify(model.save())) as ReturnType<typeof model.save>);
  t.equal(loaded.classes, 3);
  t.same(loaded.probabilities(from.samples), model.probabilities(from.samples));
  t.same(loaded.save(), model.save());
});

test("what is no saved model of this attack is refused", async (t) => {
  const saved = hasty.train(labelled(20, 2, xor), new SeededRandom("m")).save();
  const numbers = saved["numbers"] as string;
  const nan = Buffer.from(numbers, "base64");
  nan.writeDoubleLE(NaN, 80);
  for (const [what, change, words] of [
    ["another attack", { attack: "random-forest" }, /random-forest/],
    ["no widths", { widths: undefined }, /widths/],
    ["a width of text", { widths: [2, "20", 10, 2] }, /widths/],
    ["a width of 0", { widths: [2, 0, 10, 2] }, /a width/],
    ["a broken width", { widths: [2, 19.5, 10, 2] }, /a width/],
    ["widths beyond its numbers", { widths: [2, 65535, 65535, 2] }, /fewer numbers/],
    ["too many layers", { depth: 20, widths: new Array(20).fill(2) }, /depth/],
    ["too many classes", { widths: [2, 20, 10, 300] }, /256 classes/],
    ["other widths", { widths: [2, 20, 9, 2] }, /as many numbers/],
    ["other columns", { widths: [3, 20, 10, 2] }, /means/],
    ["no numbers", { numbers: undefined }, /numbers/],
    ["numbers that are no base64", { numbers: "%%%%" }, /base64/],
    ["numbers that are cut off", { numbers: numbers.slice(0, 400) }, /cut off|fewer/],
    ["a number that is none", { numbers: nan.toString("base64") }, /is none/],
    ["no means", { means: null }, /means/],
    ["a deviation of 0", { deviations: [1, 0] }, /deviation/],
  ] as const) {
    const bad = JSON.parse(JSON.stringify({ ...saved, ...change })) as typeof saved;
    t.throws(() => attack.load(bad), { name: "HushboxError", code: "model-invalid", message: words }, what);
  }
});

test("numbers that are none are named by row and column", async (t) => {
  const from = labelled(10, 2, xor);
  const model = hasty.train(from, new SeededRandom("m"));
  for (const [value, at, place] of [
    [NaN, 7, /row 3, column 1 is NaN/],
    [Infinity, 0, /row 0, column 0 is Infinity/],
  ] as const) {
    const values = from.samples.values.slice();
    values[at] = value;
    const samples = { ...from.samples, values };
    const wanted = { name: "HushboxError", code: "samples-invalid", message: place };
    t.throws(() => hasty.train({ ...from, samples }, new SeededRandom(1)), wanted);
    t.throws(() => model.probabilities(samples), wanted);
  }
  t.throws(() => model.probabilities({ rows: 1, columns: 3, values: new Float64Array(3) }), {
    code: "samples-invalid",
  });
});

test("numbers at the bound of what is accepted give shares that are numbers", async (t) => {
  const from = labelled(40, 2, xor);
  const far = { ...from.samples, values: from.samples.values.map((value, i) => (i % 2 === 0 ? value * 2e38 : value)) };
  const model = hasty.train({ ...from, samples: far }, new SeededRandom("m"));
  t.ok(model.probabilities(far).every((share) => share >= 0 && share <= 1));
  const near = hasty.train(from, new SeededRandom("m"));
  t.ok(near.probabilities(far).every((share) => share >= 0 && share <= 1));
});
