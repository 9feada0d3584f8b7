// What a random forest reads of whole traces by each family of features: asked of groups (questions) that it has not learnt, and, to show how
// that misleads, with folds that part the traces of a group at random. node build/test/bench/random-folds.js MANIFEST TASK
import { availableParallelism } from "node:os";
import { attackNamed } from "../../src/attack/attacks.js";
import { TrainingPool } from "../../src/attack/training-pool.js";
import { messageOf } from "../../src/errors/message-of.js";
import { passCaptures } from "../../src/lab/samples/pass-captures.js";
import { familyOf, TABLE_FEATURES } from "../../src/lab/samples/table-features.js";
import { PoolRunner } from "../../src/leakage/pool-runner.js";
import { DEFAULTS, protocol } from "../../src/leakage/protocol.js";
import type { SampleSet } from "../../src/leakage/sample-set.js";
import { say } from "./say.js";

const SEEDS = ["1", "2", "3", "4", "5"];
const FOREST = attackNamed("random-forest");
const FINGERPRINTING = attackNamed("k-fingerprinting");

/** Columns of k-fingerprint that say together what their name says. */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ["counts, bytes, duration", /^(packets|share|bytes|seconds)/],
  ["lengths by direction", /^length_/],
  ["counts, bytes, duration, lengths", /^(packets|share|bytes|seconds|length_)/],
  ["counts, bytes, duration, lengths, gaps", /^(packets|share|bytes|seconds|length_|gap)/],
];

/** The same rows with those columns of k-fingerprint alone. */
function partOf(set: SampleSet, wanted: RegExp): SampleSet {
  const all = set.samples.table;
  if (all === undefined) return set;
  const columns = familyOf("k-fingerprint").columns.flatMap((name, column) => (wanted.test(name) ? [column] : []));
  const values = Float64Array.from(
    { length: all.rows * columns.length },
    (_, i) => all.values[Math.floor(i / columns.length) * all.columns + (columns[i % columns.length] ?? 0)] ?? NaN,
  );
  return { ...set, samples: { table: { rows: all.rows, columns: columns.length, values } } };
}

/** The same rows, each a group of its own. */
function parted(set: SampleSet): SampleSet {
  const rows = Array.from(set.labels, (_, row) => row);
  return { ...set, groups: Uint32Array.from(rows), groupNames: rows.map((row) => `trace ${String(row)}`) };
}

async function main(manifest: string, task: string): Promise<void> {
  const looks = TABLE_FEATURES.map((features) => ({
    observer: "stats" as const,
    windows: { cut: "trace", size: 0, direction: "both", field: "raw" } as const,
    forms: [FOREST.form, ...(features === "twelve" ? [FINGERPRINTING.form] : [])],
    features,
  }));
  const threads = availableParallelism();
  const defended = { preset: "off", seed: "1", vantage: "beyond" } as const;
  const seen = await passCaptures({ manifest, task, defended, looks, threads }, (done, all) => {
    if (done === all) say(`${String(all)} captures`);
  });
  const pool = new TrainingPool({ workers: threads });
  const options = { ...DEFAULTS, seeds: SEEDS, repetitions: 0 };
  const read = async (set: SampleSet, attack = FOREST): Promise<string> => {
    const runner = new PoolRunner(pool, threads);
    const { attacks } = await protocol({ train: set, test: set }, [attack], options, { runner });
    return (attacks[0]?.balanced_accuracy.value ?? NaN).toFixed(3);
  };
  try {
    console.log(`| attack | features | columns | unseen | random folds |\n| --- | --- | ---: | ---: | ---: |`);
    for (const [i, features] of TABLE_FEATURES.entries()) {
      const set = seen[i]?.set;
      if (set === undefined) continue;
      const line = async (what: string, part: SampleSet): Promise<void> => {
        const columns = String(part.samples.table?.columns ?? 0);
        console.log(`| ${FOREST.name} | ${what} | ${columns} | ${await read(part)} | ${await read(parted(part))} |`);
      };
      await line(features, set);
      if (features === "k-fingerprint")
        for (const [what, wanted] of PARTS) await line(`of it ${what}`, partOf(set, wanted));
      if (set.samples.fingerprint === undefined) continue;
      const [unseen, random] = [await read(set, FINGERPRINTING), await read(parted(set), FINGERPRINTING)];
      console.log(
        `| ${FINGERPRINTING.name} | its own | ${String(set.samples.fingerprint.columns)} | ${unseen} | ${random} |`,
      );
    }
  } finally {
    await pool.stop();
  }
}

try {
  const [manifest = "", task = ""] = process.argv.slice(2);
  await main(manifest, task);
} catch (error) {
  say(`random-folds: ${messageOf(error)}`);
  process.exitCode = 1;
}
