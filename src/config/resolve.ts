import type { BudgetOptions, DefenseOptions } from "../defense/options.js";
import { PRESETS, type PresetName } from "../defense/presets.js";
import {
  DEFENSE_NAMES,
  overlayBudget,
  overlayDefenses,
  type BudgetFile,
  type DefenseName,
  type DefensesFile,
} from "../defense/schema.js";
import type { Config, DeviceFile } from "./schema.js";

/** Where a value comes from: the preset in force, the top level's overrides, or the device's own. */
export type Origin = "preset" | "override" | "device";

/** The values in force, and whence. */
export interface Resolved {
  readonly preset: PresetName;
  readonly defenses: DefenseOptions;
  readonly budget: BudgetOptions;
  readonly origins: Readonly<Record<DefenseName | "budget", Readonly<Record<string, Origin>>>>;
}

/** The top-level preset of a configuration. */
export function topPreset(config: Config): PresetName {
  return config.preset ?? "paper";
}

/**
 * The values for one device, or for none in particular: preset, then top-level overrides, then the device's. A device that names
 * a preset starts from that and takes no top-level overrides of defenses; the top-level budget bounds it all the same.
 */
export function resolve(config: Config, device?: DeviceFile): Resolved {
  const preset = device?.preset ?? topPreset(config);
  const top: DefensesFile = device?.preset === undefined ? (config.defenses ?? {}) : {};
  const own: DefensesFile = device?.defenses ?? {};
  const topBudget: BudgetFile = config.budget ?? {};
  const ownBudget: BudgetFile = device?.budget ?? {};
  const base = PRESETS[preset];
  const defenses = overlayDefenses(overlayDefenses(base.defenses, top), own);
  const budget = overlayBudget(overlayBudget(base.budget, topBudget), ownBudget);
  const named = DEFENSE_NAMES.map((name) => [name, origins(defenses[name], top[name] ?? {}, own[name] ?? {})] as const);
  return {
    preset,
    defenses,
    budget,
    origins: Object.fromEntries([...named, ["budget", origins(budget, topBudget, ownBudget)]]) as Resolved["origins"],
  };
}

function origins(values: object, top: object, own: object): Record<string, Origin> {
  const whence = (key: string): Origin => (key in own ? "device" : key in top ? "override" : "preset");
  return Object.fromEntries(Object.keys(values).map((key) => [key, whence(key)]));
}
