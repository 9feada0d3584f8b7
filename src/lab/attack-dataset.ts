import { availableParallelism } from "node:os";
import type { Attack } from "../attack/attack.js";
import { TrainingPool } from "../attack/training-pool.js";
import type { PresetName } from "../defense/presets.js";
import type { DefensesFile } from "../defense/schema.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { FEATURES } from "../features/features.js";
import type { WindowOptions } from "../features/windows.js";
import type { DefenseCost } from "../leakage/defense-cost.js";
import type { LeakageReport } from "../leakage/leakage-report.js";
import { againstNull, type NullReport } from "../leakage/null.js";
import { PoolRunner } from "../leakage/pool-runner.js";
import { protocol, type ProtocolOptions } from "../leakage/protocol.js";
import type { Runner } from "../leakage/runner.js";
import type { SampleSet } from "../leakage/sample-set.js";
import { SeededRandom } from "../random/seeded-random.js";
import type { ObserverKind } from "../trace/make-observer.js";
import { Dataset } from "./dataset/dataset.js";
import { passCaptures } from "./samples/pass-captures.js";
import type { Samples } from "./samples/samples.js";
import type { TableFeatures } from "./samples/table-features.js";
import { exchanged } from "./tunnel/equal-plans.js";
import { scheduleBound, type Schedule } from "./tunnel/schedule-bound.js";

/** What to attack, and how. */
export interface AttackDatasetOptions {
  /** A manifest. */
  readonly dataset: string;
  /** One of its tasks; null: the first. */
  readonly task: string | null;
  readonly preset: PresetName;
  /** Single values instead of the preset's. */
  readonly defenses?: DefensesFile;
  /** Only the first stretch of a tunnel's episodes is observed. */
  readonly stretch?: boolean;
  /** Of the defense's draws. */
  readonly seed: string;
  readonly observer: ObserverKind;
  readonly vantage: "lan" | "beyond";
  readonly windows: WindowOptions;
  readonly attacks: readonly Attack[];
  /** What attacks on tables learn from; the twelve if not given. Others bring features of their own. */
  readonly features?: TableFeatures;
  /** The attacker has learnt from undefended traffic, and not again from defended. */
  readonly stale: boolean;
  readonly protocol: Omit<ProtocolOptions, "blocks">;
}

/** What is left to read of a set, in the words of `hushbox attack --json`. */
export interface AttackDatasetReport {
  readonly dataset: {
    readonly name: string;
    readonly real: boolean;
    readonly origin: string;
    readonly task: string;
    readonly traces: number;
  };
  readonly defense: { readonly preset: PresetName; readonly seed: string };
  readonly observer: ObserverKind;
  readonly vantage: "lan" | "wan";
  readonly windows: WindowOptions;
  /** What attacks on tables learnt from; k-fingerprinting and deep-fingerprinting bring features of their own. */
  readonly features: TableFeatures;
  readonly cost: DefenseCost;
  /** Of a tunnel: the balanced accuracy of who knows of each trace how many plans ran, and of that all there is to know; null elsewhere. */
  readonly bound: number | null;
  /**
   * Of whole traces behind a tunnel, where a null was asked for: what the best attack reads where traces of equal plans have changed places, so that
   * plans tell what they told and nothing else does.
   */
  readonly given_plans: NullReport | null;
  readonly leakage: LeakageReport;
}

/** The features one by one: what else the attacks see has too many columns to be asked each. */
const TWELVE = FEATURES.map((name, column) => ({ name, columns: [column] }));

/** Hears what is being done: captures passed through the defense, then trainings. */
export type AttackProgress = (what: "captures" | "trainings", done: number, all: number) => void;

/** Defends a set, looks at it, and lets attacks learn from what is seen. */
export async function attackDataset(
  options: AttackDatasetOptions,
  progress: AttackProgress = () => undefined,
): Promise<AttackDatasetReport> {
  const { features = "twelve", attacks } = options;
  checkFeatures(features, attacks);
  const dataset = Dataset.open(options.dataset);
  const task = dataset.task(options.task ?? dataset.tasks[0] ?? "");
  const threads = availableParallelism();
  const passed = (preset: PresetName): Promise<Samples> =>
    passedThrough({ ...options, task: task.name, preset }, threads, progress);
  const { set: test, cost, schedules = [] } = await passed(options.preset);
  const train = options.stale
    ? (await passedThrough({ ...options, defenses: {}, task: task.name, preset: "off" }, threads, progress)).set
    : test;
  const pool = new TrainingPool({ workers: threads });
  try {
    const leakage = await protocol(
      { train, test },
      attacks,
      { ...options.protocol, blocks: asksTheTwelve(features, attacks) ? { table: TWELVE } : {} },
      {
        runner: new PoolRunner(pool, threads),
        progress: (done, all) => {
          progress("trainings", done, all);
        },
      },
    );
    const given = { test, schedules, best: leakage.attacks[0]?.balanced_accuracy.value ?? 0 };
    return {
      dataset: {
        name: dataset.name,
        real: dataset.real,
        origin: dataset.origin,
        task: task.name,
        traces: task.members.length,
      },
      defense: { preset: options.preset, seed: options.seed },
      observer: options.observer,
      vantage: options.vantage === "lan" ? "lan" : "wan",
      windows: options.windows,
      features,
      cost,
      bound: scheduleBound(test.classes.length, schedules),
      given_plans: await givenPlans(given, options, new PoolRunner(pool, threads)),
      leakage,
    };
  } finally {
    await pool.stop();
  }
}

/** Where a family is asked for, attacks that would not look at it are none that it says anything of. */
function checkFeatures(features: TableFeatures, attacks: readonly Attack[]): void {
  const own = attacks.filter(({ form }) => form !== "table").map(({ name }) => name);
  if (features === "twelve" || own.length === 0) return;
  throw new HushboxError(
    "usage",
    `attacking with the features ${features}: ${own.join(" and ")} would learn from features of its own; attack without`,
  );
}

const asksTheTwelve = (features: TableFeatures, attacks: readonly Attack[]): boolean =>
  features === "twelve" && attacks.some(({ form }) => form === "table");

/** Holds the best attack against what it reads of plans alone, in as many repetitions as the null has. */
async function givenPlans(
  given: { readonly test: SampleSet; readonly schedules: readonly Schedule[]; readonly best: number },
  { attacks, windows, stale, protocol: how }: AttackDatasetOptions,
  runner: Runner,
): Promise<NullReport | null> {
  const { test, schedules, best } = given;
  if (schedules.length === 0 || windows.cut !== "trace" || stale || how.repetitions === 0) return null;
  const readings: number[] = [];
  for (let i = 0; i < how.repetitions; i++) {
    const set = exchanged(test, schedules, new SeededRandom(how.seeds.join(" "), `plans ${String(i)}`));
    const { attacks: found } = await protocol(
      { train: set, test: set },
      attacks,
      { ...how, repetitions: 0, blocks: {} },
      { runner },
    );
    readings.push(found[0]?.balanced_accuracy.value ?? 0);
  }
  return againstNull(best, readings);
}

async function passedThrough(
  {
    dataset,
    task,
    preset,
    defenses = {},
    stretch = false,
    seed,
    vantage,
    observer,
    windows,
    attacks,
    features = "twelve",
  }: AttackDatasetOptions & { readonly task: string },
  threads: number,
  progress: AttackProgress,
): Promise<Samples> {
  const looks = [{ observer, windows, forms: [...new Set(attacks.map(({ form }) => form))], features }];
  const defended = { preset, defenses, stretch, seed, vantage };
  const [samples] = await passCaptures({ manifest: dataset, task, defended, looks, threads }, (done, all) => {
    progress("captures", done, all);
  });
  if (samples === undefined) throw new HushboxError("internal", "attacking a set: nobody looked on");
  return samples;
}
