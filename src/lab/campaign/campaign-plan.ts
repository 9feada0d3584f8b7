import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PRESET_NAMES, type PresetName } from "../../defense/presets.js";
import { SCENARIOS } from "../../emulator/sessions.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import { writeWhole } from "../write-whole.js";
import { makeCellFolder } from "./cell-file.js";
import type { CellPlan, Measuring } from "./cell.js";
import { PARTS, planCells, type Part } from "./plan-cells.js";
import type { Scenario } from "./scenario.js";
import { leftOutOf, type Scope } from "./scope.js";

const NAME = "plan.json";

/** All that decides what a campaign measures: equal plans are one campaign, wherever its shards run. */
export interface CampaignPlan {
  readonly hushbox: string;
  /** Of all draws: emulated captures, defenses, folds, models. */
  readonly seed: string;
  readonly quick: boolean;
  readonly leftOut: readonly string[];
  readonly measuring: Measuring;
  readonly scenarios: readonly Scenario[];
  readonly cells: readonly CellPlan[];
}

/** What a plan is made from. */
export interface PlanOptions {
  readonly hushbox: string;
  readonly seed: string;
  readonly quick: boolean;
  readonly scope: Scope;
  readonly parts: readonly Part[];
  readonly presets: readonly PresetName[];
  readonly measuring: Measuring;
  readonly scenarios: readonly Scenario[];
}

/** Days, folds, seeds and rows of a whole campaign, and of a quick one. `seed`: the campaign's. */
export function measuringOf(seed: string, quick: boolean): Measuring {
  const seeds = (count: number): string[] => Array.from({ length: count }, (_, i) => `${seed}.${String(i + 1)}`);
  return quick
    ? { days: 3, folds: 3, seeds: seeds(1), mostRows: 1500, resamples: 400, repeats: 2 }
    : { days: 3, folds: 5, seeds: seeds(3), mostRows: 6000, resamples: 1000, repeats: 5 };
}

/** The plan of these wishes. Throws `usage` where they leave nothing to measure. */
export function planCampaign({ scope, parts, presets, ...same }: PlanOptions): CampaignPlan {
  const { hushbox, seed, quick, measuring, scenarios } = same;
  const cells = planCells({ scope, parts, presets, scenarios });
  if (cells.length === 0)
    throw new HushboxError("usage", "these parts, presets and scenarios leave nothing to measure");
  const whole = measuringOf(seed, false);
  const leftOut = leftOutOf(scope);
  const none = (what: string, all: readonly string[], own: readonly string[]): void => {
    const left = all.filter((name) => !own.includes(name));
    if (left.length > 0) leftOut.push(`${what}: ${left.join(", ")}`);
  };
  none("parts", PARTS, parts);
  none("presets", PRESET_NAMES, presets);
  none(
    "scenarios",
    Object.keys(SCENARIOS),
    scenarios.map(({ name }) => name),
  );
  const less = (what: string, own: number, all: number): void => {
    if (own < all) leftOut.push(`${what}: ${String(own)} instead of ${String(all)}`);
  };
  less("days of each class", measuring.days, whole.days);
  less("folds", measuring.folds, whole.folds);
  less("repetitions with other folds and draws", measuring.seeds.length, whole.seeds.length);
  less("windows of a class to learn from at most", measuring.mostRows, whole.mostRows);
  return { hushbox, seed, quick, leftOut, measuring, scenarios, cells };
}

/** Notes a campaign's plan in its folder; throws `usage` where another campaign has its results there. */
export function enterPlan(folder: string, plan: CampaignPlan): void {
  makeCellFolder(folder);
  const before = readPlan(folder);
  const other = before === null ? null : differenceOf(before, plan);
  if (other !== null)
    throw new HushboxError("usage", `${folder} has another campaign in it (${other}); name another folder with --out`);
  if (before === null) writeWhole(join(folder, NAME), `${JSON.stringify(plan, null, 1)}\n`);
}

/** The plan of a folder, null where there is none. Throws `dataset-invalid` where it cannot be read. */
export function readPlan(folder: string): CampaignPlan | null {
  const path = join(folder, NAME);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as CampaignPlan;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    const why = messageOf(cause);
    throw new HushboxError("dataset-invalid", `reading ${path}: ${why}`, cause);
  }
}

/** In what two plans differ, in words; null where they are one campaign. */
export function differenceOf(one: CampaignPlan, other: CampaignPlan): string | null {
  const apart = (what: string, of: (plan: CampaignPlan) => unknown): string | null => {
    const [a, b] = [JSON.stringify(of(one)), JSON.stringify(of(other))];
    return a === b ? null : `${what}: ${short(a)} and ${short(b)}`;
  };
  return (
    apart("version", ({ hushbox }) => hushbox) ??
    apart("seed", ({ seed }) => seed) ??
    apart("quick", ({ quick }) => quick) ??
    apart("scenarios", ({ scenarios }) => scenarios.map(({ name }) => name)) ??
    apart("captures", ({ scenarios }) => scenarios) ??
    apart("measuring", ({ measuring }) => measuring) ??
    apart("cells", ({ cells }) => cells.length) ??
    apart("cells", ({ cells }) => cells.map(({ id }) => id))
  );
}

function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
