import type { SampleForm } from "../attack/attack.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { SeededRandom } from "../random/seeded-random.js";
import { attackReport, type AttackReport } from "./attack-report.js";
import { balancedAccuracy } from "./balanced-accuracy.js";
import type { Crossing } from "./bootstrap.js";
import type { AttackName, Validated } from "./cross-validate.js";
import { Lanes } from "./lanes.js";
import type { LeakageReport } from "./leakage-report.js";
import { Measurement, type MeasurementOptions } from "./measurement.js";
import { againstNull, checkRepetitions, verdictOf } from "./null.js";
import { importances, permutedTests, type ColumnBlock } from "./permutation-importance.js";
import { Relabelling, relabelled } from "./relabelling.js";
import { requireEnough } from "./require-enough.js";
import type { Runner } from "./runner.js";
import { checkContest, groupingOf, groupingOfBoth, type Contest } from "./sample-set.js";

/** How it is measured. Survives structuredClone. */
export interface ProtocolOptions extends MeasurementOptions {
  /** The fewest rows that a class may have. */
  readonly rows: number;
  /** Of the intervals. */
  readonly confidence: number;
  readonly resamples: number;
  /** Repetitions of the whole measurement under labels dealt anew, each as dear as the measurement; 0 for no null. */
  readonly repetitions: number;
  /** Blocks of columns, by form, to take from the best attack that looks at such; each `repeats` times. */
  readonly blocks: Readonly<Partial<Record<SampleForm, readonly ColumnBlock[]>>>;
  readonly repeats: number;
}

export const DEFAULTS: ProtocolOptions = {
  folds: 5,
  seeds: ["1", "2", "3", "4", "5"],
  training: "even",
  counted: "rows",
  rows: 10,
  confidence: 0.95,
  resamples: 1000,
  repetitions: 99,
  blocks: {},
  repeats: 5,
};

/** Where the work is done, and who hears of it: `progress` with trainings done and trainings in all. */
export interface ProtocolModules {
  readonly runner: Runner;
  readonly progress?: (done: number, all: number) => void;
}

/**
 * Measures what attacks get of samples. Every seed deals groups to folds, every attack is trained without each fold and asked it; the
 * balanced accuracy is over all answers of a seed, each row or vote counting once, and the figure is its mean over the seeds. The same is
 * done again under labels dealt anew to the groups, all attacks and all seeds each time: the best attack is held against the best of each
 * repetition (Westfall and Young 1993), since the best of several reads above chance where there is nothing to learn.
 *
 * Give defended samples as both sides of the contest, and the attacker has retrained on the defense; give undefended ones to learn from,
 * and it has not. Throws too-few-samples where a class is scarce, samples-invalid where the samples do not fit, usage where the options do not.
 */
export async function protocol(
  contest: Contest,
  attacks: readonly AttackName[],
  options: ProtocolOptions,
  { runner, progress }: ProtocolModules,
): Promise<LeakageReport> {
  check(contest, attacks, options);
  const all = trainings(attacks, options);
  let done = 0;
  const lanes = new Lanes(runner.width, () => progress?.(++done, all));
  const measurement = new Measurement(options, { runner, lanes });
  const observed = await measurement.of(contest, attacks, "");

  const grouping = groupingOfBoth(contest);
  const relabelling = new Relabelling(grouping);
  const readings = await Promise.all(
    Array.from({ length: options.repetitions }, async (_, i) => {
      const changed = relabelling.draw(new SeededRandom(options.seeds.join(" "), `null ${i}`));
      const validated = await measurement.of(relabelled(contest, changed), attacks, ` null ${i}`);
      return validated.map(accuracyOf);
    }),
  );

  const tested = options.repetitions > 0;
  const crossing = { seeds: options.seeds.length, groups: grouping.groups, strata: grouping.strata() };
  const reports = attacks.map((attack, i) => {
    const bySeed = observed[i] ?? [];
    const own = readings.map((reading) => reading[i] ?? 0);
    return attackReport(attack, bySeed, crossing, options, tested ? againstNull(accuracyOf(bySeed), own) : null);
  });
  reports.sort((a, b) => b.balanced_accuracy.value - a.balanced_accuracy.value);
  const sizes = groupingOf(contest.test);
  return {
    classes: sizes.names.map((name, c) => ({ name, ...sizes.ofClass(c) })),
    chance: 1 / sizes.classes,
    folds: options.folds,
    seeds: options.seeds,
    training: options.training,
    counted: options.counted,
    transferred: contest.train !== contest.test,
    confidence: options.confidence,
    interval: "percentiles of resampled seeds and groups",
    attacks: reports,
    best: reports[0]?.attack ?? "",
    null: tested ? jointNull(reports, readings, relabelling.arrangements) : null,
    importance: await importanceOf(contest, reports, crossing, options, measurement),
  };
}

/** The best attack against the best of each repetition. */
function jointNull(
  reports: readonly AttackReport[],
  readings: readonly (readonly number[])[],
  arrangements: number,
): LeakageReport["null"] {
  const best = reports[0]?.balanced_accuracy.value ?? 0;
  const against = againstNull(
    best,
    readings.map((reading) => Math.max(...reading)),
  );
  return { ...against, arrangements, verdict: verdictOf(against, arrangements) };
}

async function importanceOf(
  contest: Contest,
  reports: readonly AttackReport[],
  crossing: Crossing,
  options: ProtocolOptions,
  measurement: Measurement,
): Promise<LeakageReport["importance"]> {
  const { repeats, resamples, confidence } = options;
  const best = reports.find((report) => options.blocks[report.form] !== undefined);
  const blocks = best === undefined ? undefined : options.blocks[best.form];
  if (best === undefined || blocks === undefined) return null;
  // The stream of the measurement itself: the same folds and the same models.
  const [bySeed] = await measurement.of(contest, [{ name: best.attack, form: best.form }], "", (test, random) =>
    permutedTests(test, blocks, repeats, random),
  );
  const random = new SeededRandom("bootstrap", "importance");
  const how = { resamples, confidence, random };
  return { attack: best.attack, blocks: importances(bySeed ?? [], blocks, repeats, crossing, how) };
}

/** The figure: the mean over the seeds. */
function accuracyOf(bySeed: readonly Validated[]): number {
  return bySeed.reduce((sum, { tally }) => sum + balancedAccuracy(tally.confusion()), 0) / bySeed.length;
}

function trainings(attacks: readonly AttackName[], { seeds, folds, repetitions, blocks }: ProtocolOptions): number {
  const again = attacks.some(({ form }) => blocks[form] !== undefined) ? 1 : 0;
  return ((1 + repetitions) * attacks.length + again) * seeds.length * folds;
}

function check(contest: Contest, attacks: readonly AttackName[], options: ProtocolOptions): void {
  const { folds, seeds, rows, repetitions, repeats } = options;
  checkContest(contest);
  checkRepetitions(repetitions);
  if (attacks.length === 0) throw bad("there is no attack");
  if (new Set(attacks.map(({ name }) => name)).size < attacks.length) throw bad("an attack is named twice");
  if (seeds.length === 0 || new Set(seeds).size < seeds.length) throw bad("seeds must be one or more, and different");
  if (!Number.isInteger(folds) || folds < 2 || folds > 255) throw bad(`${folds} folds; 2 to 255 are possible`);
  if (!Number.isInteger(repeats) || repeats < 1) throw bad(`blocks taken away ${repeats} times; once is the least`);
  for (const [form, blocks] of Object.entries(options.blocks)) {
    const columns = contest.test.samples[form as SampleForm]?.columns ?? 0;
    const lost = blocks.find((block) => block.columns.some((column) => column < 0 || column >= columns));
    if (lost !== undefined) throw bad(`block ${lost.name} has a column that the ${form} of ${columns} columns has not`);
  }
  requireEnough(contest.train, { folds, rows });
  if (contest.test !== contest.train) requireEnough(contest.test, { folds, rows });
}

function bad(what: string): HushboxError {
  return new HushboxError("usage", `attacking samples: ${what}`);
}
