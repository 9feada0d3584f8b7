// Attacks beside scikit-learn's: seconds to train and to answer, turn about in each round, so that what else the machine does hits both.
import { parseArgs } from "node:util";
import { predict, type Labelled } from "../../src/attack/attack.js";
import { attackNamed } from "../../src/attack/attacks.js";
import { sharedMatrix } from "../../src/attack/shared-matrix.js";
import { TrainingPool, type TrainingTask } from "../../src/attack/training-pool.js";
import { messageOf } from "../../src/errors/message-of.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { emulatedTable } from "../support/emulated-table.js";
import { folds, pick } from "../support/labelled.js";
import { noScikit, Scikit } from "../support/scikit.js";
import { median } from "./report.js";
import { say } from "./say.js";

const ATTACKS = ["decision-tree", "random-forest", "ada-boost", "k-nearest-neighbours"];
/** Tasks that the pool has to do, and scikit-learn one after the other with all its threads. */
const TASKS = 4;
const HELP = `usage: npm run bench:attacks -- [--rounds N] [--attacks LIST]

Times each attack beside scikit-learn's on the same rows: one thread of each, then a pool of two threads against n_jobs=2.
Needs the Debian package python3-sklearn.

  --rounds N       rounds to take medians of (9)
  --attacks LIST   some of ${ATTACKS.join(",")} (all)`;

interface Wanted {
  readonly rounds: number;
  readonly attacks: readonly string[];
}

interface Took {
  /** Milliseconds. */
  readonly wall: number;
  readonly cpu: number;
  readonly right: number;
}

/** A fifth of a set is asked. */
function cut(set: Labelled): { learned: number[]; asked: number[] } {
  const [asked = [], ...rest] = folds(set.labels, 5, 0);
  return { learned: rest.flat(), asked };
}

function here(name: string, train: Labelled, test: Labelled, seed: number): Took {
  const cpu = process.cpuUsage();
  const began = performance.now();
  const found = predict(attackNamed(name).train(train, new SeededRandom(seed)), test.samples);
  const wall = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return {
    wall,
    cpu: (user + system) / 1e3,
    right: found.filter((label, row) => label === test.labels[row]).length,
  };
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const ms = (values: readonly number[]): string => median(values).toFixed(1);

async function alone(name: string, set: Labelled, scikit: Scikit, { rounds, attacks }: Wanted): Promise<void> {
  const { learned, asked } = cut(set);
  const [train, test] = [pick(set, learned), pick(set, asked)];
  await scikit.load(set);
  for (const attack of attacks) {
    const first = here(attack, train, test, 0).wall;
    const ours: Took[] = [];
    const theirs: Took[] = [];
    for (let seed = 0; seed <= rounds; seed++) {
      const own = here(attack, train, test, seed);
      const { wall, cpu, right } = await scikit.train({ attack, seed, train: learned, test: asked, jobs: 1 });
      // The first round warms both up.
      if (seed === 0) continue;
      ours.push(own);
      theirs.push({ wall: wall * 1e3, cpu: cpu * 1e3, right });
    }
    const ratio = median(ours.map(({ cpu }, i) => cpu / (theirs[i]?.cpu ?? NaN)));
    const share = (took: readonly Took[]): string => (median(took.map(({ right }) => right)) / asked.length).toFixed(3);
    console.log(
      row([
        `${name}, ${String(learned.length)} × ${String(set.samples.columns)}`,
        attack,
        first.toFixed(0),
        ms(ours.map(({ wall }) => wall)),
        ms(theirs.map(({ wall }) => wall)),
        ms(ours.map(({ cpu }) => cpu)),
        ms(theirs.map(({ cpu }) => cpu)),
        ratio.toFixed(2),
        share(ours),
        share(theirs),
      ]),
    );
  }
}

async function together(name: string, set: Labelled, scikit: Scikit, { rounds, attacks }: Wanted): Promise<void> {
  const { learned, asked } = cut(set);
  const train = pick(set, learned);
  const shared = { ...train, samples: sharedMatrix(train.samples) };
  const test = sharedMatrix(pick(set, asked).samples);
  await scikit.load(set);
  const pool = new TrainingPool({ workers: 2 });
  for (const attack of attacks) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const seeds = Array.from({ length: TASKS }, (_, i) => round * TASKS + i);
      const began = performance.now();
      await pool.all(seeds.map((seed): TrainingTask => ({ attack, train: shared, test, seed })));
      const own = performance.now() - began;
      let other = 0;
      for (const seed of seeds)
        other += (await scikit.train({ attack, seed, train: learned, test: asked, jobs: 2 })).wall * 1e3;
      if (round === 0) continue;
      ours.push(own);
      theirs.push(other);
    }
    const ratio = median(ours.map((own, i) => own / (theirs[i] ?? NaN)));
    console.log(row([name, attack, ms(ours), ms(theirs), ratio.toFixed(2)]));
  }
  await pool.stop();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "9" },
      attacks: { type: "string", default: ATTACKS.join(",") },
      help: { type: "boolean" },
    },
  });
  const attacks = values.attacks.split(",");
  const rounds = Number(values.rounds);
  if (
    values.help === true ||
    !Number.isInteger(rounds) ||
    rounds < 1 ||
    rounds > 99 ||
    attacks.some((name) => !ATTACKS.includes(name))
  ) {
    console.log(HELP);
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  const lacks = noScikit();
  if (lacks !== false) throw new Error(lacks);
  const scikit = new Scikit();
  try {
    const { large, digits } = await scikit.sets();
    if (large === undefined || digits === undefined) throw new Error("scikit-learn lacks a data set");
    say("emulating windows of 50 packets");
    const emulated = emulatedTable(50, 500);
    console.log(
      `One thread each, median of ${String(rounds)} rounds, milliseconds to train and answer; first: before the compiler knows it\n`,
    );
    console.log(
      row([
        "samples",
        "attack",
        "first",
        "wall",
        "scikit-learn",
        "CPU",
        "scikit-learn",
        "CPU ratio",
        "right",
        "scikit-learn",
      ]),
    );
    console.log(row(["---", "---", ...Array.from({ length: 8 }, () => "---:")]));
    for (const [name, set] of Object.entries({ made: large, emulated, digits }))
      await alone(name, set, scikit, { rounds, attacks });
    console.log(`\n${String(TASKS)} tasks, a pool of two threads against n_jobs=2, wall\n`);
    console.log(row(["samples", "attack", "pool", "scikit-learn", "ratio"]));
    console.log(row(["---", "---", "---:", "---:", "---:"]));
    await together("made", large, scikit, { rounds: Math.min(rounds, 5), attacks });
  } finally {
    scikit.stop();
  }
}

try {
  await main();
} catch (error) {
  say(`bench: ${messageOf(error)}`);
  process.exitCode = 1;
}
