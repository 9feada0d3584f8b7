import { test } from "tap";
import { ATTACKS } from "../../../src/attack/attacks.js";
import type { Matrix } from "../../../src/features/matrix.js";
import { balancedAccuracy } from "../../../src/leakage/balanced-accuracy.js";
import { crossValidate } from "../../../src/leakage/cross-validate.js";
import { Lanes } from "../../../src/leakage/lanes.js";
import { DEFAULTS, protocol, type ProtocolOptions } from "../../../src/leakage/protocol.js";
import { InlineRunner, type Runner, type Trial } from "../../../src/leakage/runner.js";
import { groupingOf, type SampleSet } from "../../../src/leakage/sample-set.js";
import { shuffle } from "../../../src/leakage/shuffle.js";
import { dealFolds } from "../../../src/leakage/folds.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { copies, normalFiles, sampleSet } from "../../support/sample-sets.js";
import { naiveBayes, nearestCentroid, SMALL_ATTACKS } from "../../support/small-attacks.js";

const runner = new InlineRunner(SMALL_ATTACKS);
const QUICK: ProtocolOptions = { ...DEFAULTS, seeds: ["1", "2"], folds: 3, resamples: 200, repetitions: 0 };
const alone = (set: SampleSet) => ({ train: set, test: set });

void test("copies of one file with labels of a die read at chance, for every attack", async (t) => {
  const set = sampleSet(copies({ classes: 3, files: 40, windows: 4, least: 5 }, new SeededRandom(7, "copies")), 3);
  // The network would take minutes for what the others show in seconds.
  const quick = ATTACKS.filter(({ form, name }) => form === "table" && name !== "neural-network");
  const attacks = [...quick, ...SMALL_ATTACKS];
  for (const training of ["even", "as-is"] as const) {
    const options: ProtocolOptions = { ...QUICK, training, seeds: ["1"], folds: 5, repetitions: 39 };
    const report = await protocol(alone(set), attacks, options, { runner: new InlineRunner(attacks) });
    t.equal(report.null?.verdict, "at-chance", `${training}: p = ${String(report.null?.p_value)}`);
    t.equal(report.attacks.length, attacks.length);
    for (const { attack, balanced_accuracy, null: own } of report.attacks) {
      const { value } = balanced_accuracy;
      t.ok(own !== null && own.low <= value && value <= own.high, `${training}: ${attack} reads ${value.toFixed(3)}`);
      t.ok(Math.abs(value - 1 / 3) < 0.06);
    }
  }
});

void test("folds of shuffled groups would have read anything of the same files", async (t) => {
  const modules = { runner, lanes: new Lanes(1, () => undefined) };
  const read = { dealt: [] as number[], shuffled: [] as number[] };
  for (let round = 0; round < 25; round++) {
    const set = sampleSet(
      copies({ classes: 2, files: 20, windows: 2, least: 5 }, new SeededRandom(round, "copies")),
      2,
    );
    const random = new SeededRandom(round, "folds");
    const naive = shuffle(
      Uint32Array.from({ length: 20 }, (_, g) => g),
      random,
    );
    for (const [kind, fold] of [
      ["dealt", dealFolds(groupingOf(set), 5, random)],
      ["shuffled", Uint8Array.from(naive, (place) => place % 5)],
    ] as const) {
      const { tally } = await crossValidate(
        alone(set),
        { attack: naiveBayes, seed: "1", fold, folds: 5, training: "even", counted: "rows" },
        modules,
      );
      const asIs = await crossValidate(
        alone(set),
        { attack: naiveBayes, seed: "1", fold, folds: 5, training: "as-is", counted: "rows" },
        modules,
      );
      read[kind].push(balancedAccuracy(asIs.tally.confusion()));
      if (kind === "dealt") read[kind].push(balancedAccuracy(tally.confusion()));
    }
  }
  const range = (values: number[]): string => `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
  t.ok(Math.min(...read.dealt) >= 0.4 && Math.max(...read.dealt) <= 0.6, `dealt: ${range(read.dealt)}`);
  t.ok(Math.min(...read.shuffled) < 0.25, `shuffled: ${range(read.shuffled)}`);
});

void test("noise is called above chance about once in twenty times", async (t) => {
  let alarms = 0;
  for (let i = 0; i < 100; i++) {
    const given = { classes: 2, files: 6, windows: 3, columns: 2, apart: 0 };
    const set = sampleSet(normalFiles(given, new SeededRandom(i, "noise")), 2);
    const options = { ...QUICK, seeds: ["1"], repetitions: 19, resamples: 1 };
    const report = await protocol(alone(set), [nearestCentroid, naiveBayes], options, { runner });
    if (report.null?.verdict === "above-chance") alarms++;
  }
  // 5 ± 2.2 of 100.
  t.ok(alarms >= 1 && alarms <= 11, `${alarms} of 100`);
});

void test("what is far apart is found, and every part of the report says so", async (t) => {
  const given = { classes: 3, files: 6, windows: 5, columns: 3, apart: 6 };
  const set = sampleSet(normalFiles(given, new SeededRandom(1, "normal")), 3);
  const told: [number, number][] = [];
  const options: ProtocolOptions = {
    ...QUICK,
    repetitions: 39,
    blocks: {
      table: [
        { name: "first", columns: [0] },
        { name: "others", columns: [1, 2] },
      ],
    },
  };
  const report = await protocol(alone(set), [nearestCentroid, naiveBayes], options, {
    runner,
    progress: (done, all) => told.push([done, all]),
  });
  t.equal(report.chance, 1 / 3);
  t.same(
    report.classes,
    [0, 1, 2].map((c) => ({ name: `class-${c}`, groups: 6, rows: 30 })),
  );
  t.equal(report.null?.verdict, "above-chance");
  t.equal(report.null?.p_value, 1 / 40);
  t.equal(report.null?.arrangements, 2_858_856, "18! / 6!³ 3!");
  const [best] = report.attacks;
  t.equal(report.best, best?.attack);
  t.ok((best?.balanced_accuracy.value ?? 0) > 0.97);
  t.ok((best?.advantage.value ?? 0) > 0.95);
  t.ok((best?.information_bits.fano.value ?? 0) > 1.2, "of log2 3 = 1.58 bits");
  t.ok((best?.information_bits.measured.value ?? 0) >= (best?.information_bits.fano.value ?? 9) - 0.02);
  t.same(best?.trained_on, { least: 60, most: 60 }, "four of six files of each class");
  t.ok(Math.abs((best?.confusion.flat().reduce((a, b) => a + b, 0) ?? 0) - 90) < 1e-9, "each row once a seed");
  const [first, others] = report.importance?.blocks ?? [];
  t.equal(first?.name, "first");
  t.ok((first?.drop ?? 0) > 0.5 && (first?.low ?? 0) > 0.4);
  t.ok(Math.abs(others?.drop ?? 1) < 0.05);
  const all = 2 * 3 * (2 * 40 + 1);
  t.same(told.at(-1), [all, all]);
  t.equal(told.length, all);
  t.same(JSON.parse(JSON.stringify(report)), report, "the report is plain JSON");
});

void test("the same seeds give the same report, others another", async (t) => {
  const given = { classes: 2, files: 6, windows: 4, columns: 2, apart: 1 };
  const set = sampleSet(normalFiles(given, new SeededRandom(2, "normal")), 2);
  const run = (seeds: string[]) =>
    protocol(alone(set), SMALL_ATTACKS, { ...QUICK, seeds, repetitions: 19 }, { runner });
  t.same(await run(["1", "2"]), await run(["1", "2"]));
  t.notSame((await run(["1", "2"])).attacks[0]?.by_seed, (await run(["3", "4"])).attacks[0]?.by_seed);
});

void test("an attacker who has not retrained is fooled where one who has is not", async (t) => {
  const given = { classes: 2, files: 8, windows: 4, columns: 2, apart: 5 };
  const files = normalFiles(given, new SeededRandom(3, "normal"));
  const plain = sampleSet(files, 2);
  // A defense that mirrors what it moves: nothing is hidden.
  const moved = files.map((file) => ({
    ...file,
    windows: file.windows.map((w) => w.map((x, c) => (c === 0 ? 5 - x : x))),
  }));
  const defended = sampleSet(moved, 2);
  const fooled = await protocol({ train: plain, test: defended }, [nearestCentroid], QUICK, { runner });
  const retrained = await protocol(alone(defended), [nearestCentroid], QUICK, { runner });
  t.ok(fooled.transferred && !retrained.transferred);
  t.ok((fooled.attacks[0]?.balanced_accuracy.value ?? 1) < 0.05);
  t.ok((retrained.attacks[0]?.balanced_accuracy.value ?? 0) > 0.95);
  t.equal(fooled.attacks[0]?.information_bits.fano.value, 0, "an attack below chance proves nothing by its accuracy");
});

void test("no model sees a group that it is asked", async (t) => {
  // Column 0 is the file's number: it tells everything about a file that was seen, and nothing about another.
  const files = Array.from({ length: 20 }, (_, i) => ({ label: (i * 7) % 2, windows: [[i], [i], [i]] }));
  const trials: Trial[] = [];
  const watching: Runner = {
    width: 4,
    run: (trial) => {
      trials.push(trial);
      return runner.run(trial);
    },
  };
  await protocol(
    alone(sampleSet(files, 2)),
    SMALL_ATTACKS,
    { ...QUICK, folds: 5, repetitions: 19 },
    { runner: watching },
  );
  t.equal(trials.length, 3 * 2 * 5 * 20);
  const filesIn = ({ values }: Matrix): Set<number> => new Set(values);
  for (const { from, tests } of trials) {
    const learnt = filesIn(from.samples);
    const asked = filesIn(tests[0] ?? from.samples);
    if ([...asked].some((file) => learnt.has(file))) t.fail("a file is on both sides");
    if (learnt.size + asked.size !== 20) t.fail("a file is missing");
    if (from.labels.reduce((sum, label) => sum + label, 0) * 2 !== from.labels.length) t.fail("training is not even");
  }
});

void test("windows of a trace vote", async (t) => {
  const given = { classes: 2, files: 10, windows: 15, columns: 1, apart: 1 };
  const set = sampleSet(normalFiles(given, new SeededRandom(4, "normal")), 2);
  const rows = await protocol(alone(set), [naiveBayes], QUICK, { runner });
  const votes = await protocol(alone(set), [naiveBayes], { ...QUICK, counted: "votes" }, { runner });
  t.ok((rows.attacks[0]?.balanced_accuracy.value ?? 1) < 0.8);
  t.ok((votes.attacks[0]?.balanced_accuracy.value ?? 0) > 0.9, "fifteen poor windows make a good trace");
  t.same(
    votes.attacks[0]?.confusion.map((answers) => answers.reduce((a, b) => a + b)),
    [10, 10],
    "each trace counts once",
  );
});

void test("an attack that favours the large class is given even classes, unless it is told", async (t) => {
  const random = new SeededRandom(5, "normal");
  const small = normalFiles({ classes: 2, files: 6, windows: 5, columns: 1, apart: 1 }, random);
  const large = small.flatMap((file) =>
    file.label === 0 ? [{ ...file, windows: Array.from({ length: 12 }, () => file.windows).flat() }] : [file],
  );
  const set = sampleSet(large, 2);
  const read = async (training: "even" | "as-is") => {
    const report = await protocol(alone(set), [naiveBayes], { ...QUICK, training }, { runner });
    return report.attacks[0];
  };
  const even = await read("even");
  const asIs = await read("as-is");
  t.ok((even?.balanced_accuracy.value ?? 0) > (asIs?.balanced_accuracy.value ?? 1) + 0.1);
  t.ok((asIs?.accuracy ?? 0) > (even?.accuracy ?? 1), "plain accuracy says the opposite");
});

void test("what does not fit is refused", async (t) => {
  const set = sampleSet(
    normalFiles({ classes: 2, files: 3, windows: 5, columns: 2, apart: 1 }, new SeededRandom(6)),
    2,
  );
  const refused = async (message: RegExp, changed: Partial<ProtocolOptions>, code = "usage", given = alone(set)) =>
    t.rejects(protocol(given, [nearestCentroid], { ...QUICK, ...changed }, { runner }), { code, message });
  await refused(/2 to 255/, { folds: 1 });
  await refused(/one or more/, { seeds: [] });
  await refused(/different/, { seeds: ["1", "1"] });
  await refused(/19 at least/, { repetitions: 5 });
  await refused(/block lost has a column/, { blocks: { table: [{ name: "lost", columns: [2] }] } });
  await refused(/"class-0" has 3 groups/, { folds: 4 }, "too-few-samples");
  await refused(/"class-1" has 15 windows or traces, and 16/, { rows: 16 }, "too-few-samples");
  const other = { ...set, classes: ["a", "b"] };
  await refused(/different classes/, {}, "samples-invalid", { train: set, test: other });
  const renamed = { ...set, groupNames: set.groupNames.map((name) => `${name}'`) };
  await refused(/different groups/, {}, "samples-invalid", { train: set, test: renamed });
  const table = set.samples.table ?? { rows: 0, columns: 0, values: new Float64Array() };
  const narrow = { ...set, samples: { table: { rows: 30, columns: 1, values: new Float64Array(30) } } };
  await refused(/2 columns and test samples 1/, {}, "samples-invalid", { train: set, test: narrow });
  await refused(
    /29 rows as table/,
    {},
    "samples-invalid",
    alone({ ...set, samples: { table: { ...table, rows: 29 } } }),
  );
  const holed = { ...table, values: table.values.with(7, Number.NaN) };
  await refused(/no finite number/, {}, "samples-invalid", alone({ ...set, samples: { table: holed } }));
  await refused(/a label without a class/, {}, "samples-invalid", alone({ ...set, labels: set.labels.with(3, 2) }));
  await refused(/needs them as table/, {}, "usage", alone({ ...set, samples: {} }));
  await t.rejects(protocol(alone(set), [], QUICK, { runner }), { message: /no attack/ });
  await t.rejects(protocol(alone(set), [nearestCentroid, nearestCentroid], QUICK, { runner }), { message: /twice/ });
  const unknown = { name: "oracle", form: "table" } as const;
  await t.rejects(protocol(alone(set), [unknown], QUICK, { runner }), { message: /training oracle: there is no such/ });
  const liar: Runner = {
    width: 1,
    run: ({ tests }) => Promise.resolve(tests.map(({ rows }) => new Float64Array(2 * rows).fill(NaN))),
  };
  await t.rejects(protocol(alone(set), [nearestCentroid], QUICK, { runner: liar }), { message: /no probabilities/ });
});
