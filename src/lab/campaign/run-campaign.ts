import { join } from "node:path";
import { TrainingPool } from "../../attack/training-pool.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { Lanes } from "../../leakage/lanes.js";
import { PoolRunner } from "../../leakage/pool-runner.js";
import { enterPlan, type CampaignPlan } from "./campaign-plan.js";
import { readCell, writeCell } from "./cell-file.js";
import { cellWeight } from "./cell-weight.js";
import type { CampaignResult, Cell, CellPlan } from "./cell.js";
import { measureCell } from "./measure-cell.js";
import { passKey, passOf } from "./pass.js";
import { SampleStore } from "./sample-store.js";
import { manifestOf, type Scenario, type Source } from "./scenario.js";
import { cellsOfShard, type Shard } from "./shard.js";

/** What to run, and where. */
export interface RunOptions {
  readonly plan: CampaignPlan;
  /** In the order of the plan's scenarios. */
  readonly sources: readonly Source[];
  /** Where everything goes, and is found again. */
  readonly folder: string;
  readonly shard: Shard;
  readonly threads: number;
}

/** How far it is: what is being done, the share of all work that is done, and the share that was done already when it began. */
export interface CampaignProgress {
  readonly doing: string;
  readonly done: number;
  readonly before: number;
}

/** Cells that are measured at once: while one waits for its last training, another keeps the threads busy. */
const AT_ONCE = 2;
/** What a pass is worth beside trainings, in seconds on one core. */
const PASS = 20;

/**
 * Measures the cells of a shard that its folder does not have yet, each kept as soon as it is there; answers the whole result where the folder has
 * all cells of the plan then, null where others' are missing. Killed at any moment and run again, it ends with the same cells but for the
 * seconds that they took. One run a folder at a time. Throws HushboxError; `usage` where the folder has another campaign in it.
 */
export async function runCampaign(
  { plan, sources, folder, shard, threads }: RunOptions,
  progress: (now: CampaignProgress) => void = () => undefined,
): Promise<CampaignResult | null> {
  enterPlan(folder, plan);
  const own = cellsOfShard(plan.cells, plan.measuring, shard);
  const missing = own.filter((cell) => readCell(folder, cell) === null);
  const work = new Work(own, missing, plan, progress);
  const samples = join(folder, "samples");
  const store = new SampleStore({ folder: samples, hushbox: plan.hushbox, seed: plan.seed, threads });
  const pool = new TrainingPool({ workers: threads, queue: 4 * threads });
  try {
    for (const [i, scenario] of plan.scenarios.entries()) {
      const source = sources[i];
      const cells = missing.filter((cell) => cell.scenario === scenario.name);
      if (cells.length === 0 || source === undefined) continue;
      let manifest: string | null = null;
      for (const pass of passesOf(cells)) {
        if (!store.has(pass, scenario)) {
          manifest ??= await manifestOf(source, join(folder, "captures"), threads, (done, all) => {
            work.tell(`${scenario.name}: ${String(done)} of ${String(all)} captures emulated`);
          });
          await store.make(pass, scenario, manifest, (done, all) => {
            work.tell(`${nameOf(pass)}: ${String(done)} of ${String(all)} captures passed`);
          });
        }
        work.did(PASS);
        await measureAll(pass, scenario, store, { plan, folder, threads, pool, work });
      }
    }
  } finally {
    await pool.stop();
  }
  return collected(folder, plan);
}

interface Modules {
  readonly plan: CampaignPlan;
  readonly folder: string;
  readonly threads: number;
  readonly pool: TrainingPool;
  readonly work: Work;
}

/** Measures cells of one pass, some at once. */
async function measureAll(
  cells: readonly CellPlan[],
  scenario: Scenario,
  store: SampleStore,
  { plan, folder, threads, pool, work }: Modules,
): Promise<void> {
  const lanes = new Lanes(AT_ONCE, () => undefined);
  await Promise.all(
    cells.map((cell) =>
      lanes.run(async () => {
        const samples = store.get(cell, scenario);
        if (samples === null)
          throw new HushboxError("internal", `measuring ${cell.id}: what was seen is not there any more`);
        const weight = cellWeight(cell, plan.measuring);
        let told = 0;
        const measured = await measureCell(cell, samples, plan.measuring, {
          runner: new PoolRunner(pool, threads),
          seed: plan.seed,
          progress: (done) => {
            work.did(weight * (done - told));
            told = done;
            work.tell(cell.id);
          },
        });
        work.did(weight * (1 - told));
        const { dataset: name, real, task } = scenario;
        writeCell(folder, { ...cell, dataset: { name, real, task }, ...measured });
        work.tell(cell.id);
      }),
    ),
  );
}

/** The result of a folder that has all cells of its plan; null where some are missing. */
export function collected(folder: string, plan: CampaignPlan): CampaignResult | null {
  const cells: Cell[] = [];
  for (const cell of plan.cells) {
    const found = readCell(folder, cell);
    if (found === null) return null;
    cells.push(found);
  }
  return resultOf(plan, cells);
}

/** What a plan and its cells say together. */
export function resultOf(plan: CampaignPlan, cells: readonly Cell[]): CampaignResult {
  const { hushbox, seed, quick, leftOut, measuring } = plan;
  const scenarios = plan.scenarios.map(({ name, title, real, origin, classes }) => ({
    name,
    title,
    real,
    origin,
    classes,
  }));
  return { hushbox, seed, quick, leftOut, measuring, scenarios, cells };
}

/** What is to do and what is done, in seconds on one core, roughly. */
class Work {
  readonly #all: number;
  readonly #before: number;
  readonly #progress: (now: CampaignProgress) => void;
  #done: number;

  constructor(
    own: readonly CellPlan[],
    missing: readonly CellPlan[],
    { measuring }: CampaignPlan,
    progress: (now: CampaignProgress) => void,
  ) {
    const weigh = (cells: readonly CellPlan[]): number =>
      cells.reduce((sum, cell) => sum + cellWeight(cell, measuring), 0) + PASS * passesOf(cells).length;
    this.#all = weigh(own);
    this.#before = this.#all - weigh(missing);
    this.#done = this.#before;
    this.#progress = progress;
  }

  did(weight: number): void {
    this.#done += weight;
  }

  tell(doing: string): void {
    const share = (weight: number): number => (this.#all === 0 ? 1 : weight / this.#all);
    this.#progress({ doing, done: share(this.#done), before: share(this.#before) });
  }
}

function passesOf(cells: readonly CellPlan[]): CellPlan[][] {
  const found = new Map<string, CellPlan[]>();
  for (const cell of cells) {
    const key = passKey(passOf(cell));
    const own = found.get(key);
    if (own === undefined) found.set(key, [cell]);
    else own.push(cell);
  }
  return [...found.values()];
}

function nameOf([first]: readonly CellPlan[]): string {
  return first === undefined ? "" : passKey(passOf(first));
}
