import type { SampleForm } from "../attack/attack.js";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Matrix } from "../features/matrix.js";
import type { Random } from "../random/random.js";
import { SeededRandom } from "../random/seeded-random.js";
import type { Lanes } from "./lanes.js";
import type { Runner } from "./runner.js";
import type { Contest, SampleSet } from "./sample-set.js";
import { Tally } from "./tally.js";
import { pickRows, trainingSet, type Training } from "./training-set.js";

/** What is measured alone: a window or trace, or a trace whose windows vote with their probabilities added up. */
export type Counted = "rows" | "votes";

/** An attack by its name, and what it looks at. */
export interface AttackName {
  readonly name: string;
  readonly form: SampleForm;
}

/** One attack and one seed. */
export interface Validation {
  readonly attack: AttackName;
  readonly seed: string;
  /** Each group's fold, and how many there are. */
  readonly fold: Uint8Array;
  readonly folds: number;
  readonly training: Training;
  readonly counted: Counted;
  /** Further versions of a fold's test, all asked of the same model. */
  readonly variants?: (test: Matrix, random: Random) => readonly Matrix[];
}

/** What came of it. */
export interface Validated {
  /** The answers to the test as it is. */
  readonly tally: Tally;
  /** The answers to each variant. */
  readonly variants: readonly Tally[];
  /** How many rows each fold's model learnt from, repeated ones once. */
  readonly trainedOn: readonly number[];
}

/** Trains an attack without each fold in turn and asks it that fold: every row is answered once, by a model that saw nothing of its group. */
export async function crossValidate(
  contest: Contest,
  how: Validation,
  modules: { readonly runner: Runner; readonly lanes: Lanes },
): Promise<Validated> {
  const { attack, fold, folds, seed } = how;
  const learnt = samplesFor(contest.train, attack);
  const asked = samplesFor(contest.test, attack);
  const classes = contest.train.classes.length;
  const trainedOn = new Array<number>(folds).fill(0);
  const parts = await Promise.all(
    trainedOn.map((_, f) =>
      modules.lanes.run(async () => {
        const random = new SeededRandom(seed, `fold ${f}`);
        const from = rowsWhere(contest.train, (group) => fold[group] !== f);
        const rows = rowsWhere(contest.test, (group) => fold[group] === f);
        trainedOn[f] = from.length;
        const test = pickRows(asked, rows);
        const answered = await modules.runner.run({
          attack: attack.name,
          from: trainingSet(learnt, contest.train.labels, from, classes, how.training, random),
          seed: `${seed} ${attack.name} ${f}`,
          tests: [test, ...(how.variants?.(test, random) ?? [])],
        });
        if (!answered.every((shares) => shares.length === rows.length * classes && shares.every(Number.isFinite)))
          throw new HushboxError("internal", `attacking samples: ${attack.name} answered what are no probabilities`);
        return answered.map((shares) => tallyOf(contest.test, rows, shares, how.counted));
      }),
    ),
  );
  const tally = new Tally(contest.test.groupNames.length, classes);
  const variants = (parts[0]?.slice(1) ?? []).map(() => new Tally(tally.groups, classes));
  for (const part of parts)
    for (const [i, answers] of part.entries()) (i === 0 ? tally : variants[i - 1])?.addAll(answers);
  return { tally, variants, trainedOn };
}

function samplesFor(set: SampleSet, attack: AttackName): Matrix {
  const samples = set.samples[attack.form];
  if (samples !== undefined) return samples;
  throw new HushboxError(
    "usage",
    `attacking samples: ${attack.name} needs them as ${attack.form}, and they are not given so`,
  );
}

function rowsWhere(set: SampleSet, wanted: (group: number) => boolean): Uint32Array {
  const rows: number[] = [];
  for (const [row, group] of set.groups.entries()) if (wanted(group)) rows.push(row);
  return Uint32Array.from(rows);
}

/** Counts the likeliest class of each row, or of each trace; of equals the first. */
function tallyOf(set: SampleSet, rows: Uint32Array, shares: Float64Array, counted: Counted): Tally {
  const classes = set.classes.length;
  const tally = new Tally(set.groupNames.length, classes);
  const ballots = new Map<string, { group: number; label: number; votes: Float64Array }>();
  for (const [i, row] of rows.entries()) {
    const group = set.groups[row] ?? 0;
    const label = set.labels[row] ?? 0;
    const own = shares.subarray(i * classes, (i + 1) * classes);
    if (counted === "rows") {
      tally.add(group, label, likeliest(own));
      continue;
    }
    const key = `${group} ${label} ${set.traces?.[row] ?? row}`;
    const ballot = ballots.get(key);
    if (ballot === undefined) ballots.set(key, { group, label, votes: own.slice() });
    else for (const [c, share] of own.entries()) ballot.votes[c] = (ballot.votes[c] ?? 0) + share;
  }
  for (const { group, label, votes } of ballots.values()) tally.add(group, label, likeliest(votes));
  return tally;
}

function likeliest(shares: Float64Array): number {
  let best = 0;
  for (const [c, share] of shares.entries()) if (share > (shares[best] ?? 0)) best = c;
  return best;
}
