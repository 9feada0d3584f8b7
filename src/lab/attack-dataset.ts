import { availableParallelism } from "node:os";
import type { Attack, SampleForm } from "../attack/attack.js";
import { TrainingPool } from "../attack/training-pool.js";
import type { PresetName } from "../defense/presets.js";
import { HushboxError } from "../errors/hushbox-error.js";
import type { WindowOptions } from "../features/windows.js";
import type { DefenseCost } from "../leakage/defense-cost.js";
import type { LeakageReport } from "../leakage/leakage-report.js";
import type { ColumnBlock } from "../leakage/permutation-importance.js";
import { PoolRunner } from "../leakage/pool-runner.js";
import { protocol, type ProtocolOptions } from "../leakage/protocol.js";
import type { ObserverKind } from "../trace/make-observer.js";
import { Dataset, type Task } from "./dataset/dataset.js";
import { collectSamples, type Collected } from "./samples/collect-samples.js";

/** What to attack, and how. */
export interface AttackDatasetOptions {
  /** A manifest. */
  readonly dataset: string;
  /** One of its tasks; null: the first. */
  readonly task: string | null;
  readonly preset: PresetName;
  /** Of the defense's draws. */
  readonly seed: string;
  readonly observer: ObserverKind;
  readonly vantage: "lan" | "beyond";
  readonly windows: WindowOptions;
  readonly attacks: readonly Attack[];
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
  readonly cost: DefenseCost;
  readonly leakage: LeakageReport;
}

/** Hears what is being done: captures passed through the defense, then trainings. */
export type AttackProgress = (what: "captures" | "trainings", done: number, all: number) => void;

/** Defends a set, looks at it, and lets attacks learn from what is seen. */
export async function attackDataset(
  options: AttackDatasetOptions,
  progress: AttackProgress = () => undefined,
): Promise<AttackDatasetReport> {
  const dataset = Dataset.open(options.dataset);
  const task = dataset.task(options.task ?? dataset.tasks[0] ?? "");
  const collect = (preset: PresetName): Promise<Collected> =>
    collected(dataset, task, { ...options, preset }, progress);
  const defended = await collect(options.preset);
  const [test] = defended.sets;
  const [train] = options.stale ? (await collect("off")).sets : defended.sets;
  if (test === undefined || train === undefined)
    throw new HushboxError("internal", "attacking a set: nothing was collected");
  const threads = availableParallelism();
  const pool = new TrainingPool({ workers: threads });
  try {
    const leakage = await protocol(
      { train, test },
      options.attacks,
      { ...options.protocol, blocks: blocksOf(defended.columns) },
      {
        runner: new PoolRunner(pool, threads),
        progress: (done, all) => {
          progress("trainings", done, all);
        },
      },
    );
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
      cost: defended.cost,
      leakage,
    };
  } finally {
    await pool.stop();
  }
}

function collected(
  dataset: Dataset,
  task: Task,
  { preset, seed, vantage, observer, windows, attacks }: AttackDatasetOptions,
  progress: AttackProgress,
): Promise<Collected> {
  const forms: readonly SampleForm[] = [...new Set(attacks.map(({ form }) => form))];
  return collectSamples(dataset, task, { preset, seed, vantage }, [{ observer, windows, forms }], (done, all) => {
    progress("captures", done, all);
  });
}

/** The twelve features one by one: what else the attacks see has too many columns to be asked each. */
function blocksOf({ table }: Collected["columns"]): Readonly<Partial<Record<SampleForm, readonly ColumnBlock[]>>> {
  return table === undefined ? {} : { table: table.map((name, column) => ({ name, columns: [column] })) };
}
