import type { SampleForm } from "../../attack/attack.js";
import { attackNamed } from "../../attack/attacks.js";
import { PRESETS, type PresetName } from "../../defense/presets.js";
import type { Look } from "../samples/look.js";
import type { CellPlan } from "./cell.js";

/** One way of a scenario's captures through the datapath, which many cells look at. Survives structuredClone. */
export interface Pass {
  readonly scenario: string;
  readonly vantage: "lan" | "beyond";
  readonly preset: PresetName;
  /** Where it is not the preset's own. */
  readonly nu?: number;
}

/** The pass that a cell looks at. Defenses of tables begin with undefended packets. */
export function passOf({ scenario, defense, vantage }: CellPlan): Pass {
  if (defense.kind !== "preset") return { scenario, vantage, preset: "off" };
  const { preset, nu } = defense;
  const { decoy, jitter } = PRESETS[preset].defenses;
  const own = nu === undefined || (nu === decoy.variance && nu === jitter.variance);
  return { scenario, vantage, preset, ...(own ? {} : { nu }) };
}

/** Equal for equal passes, and fit for a folder's name. */
export function passKey({ scenario, vantage, preset, nu }: Pass): string {
  return [scenario, vantage, preset, ...(nu === undefined ? [] : [String(nu)])].join("-");
}

/** What cells want to see of their pass: each way of looking once, in every form that some attack needs. */
export function looksOf(cells: readonly CellPlan[]): Look[] {
  const found = new Map<string, { look: Omit<Look, "forms">; forms: Set<SampleForm> }>();
  for (const cell of cells) {
    const look = { observer: cell.observer, windows: cell.windows };
    const entry = found.get(lookKey(look)) ?? { look, forms: new Set() };
    for (const name of cell.attacks) entry.forms.add(attackNamed(name).form);
    found.set(lookKey(look), entry);
  }
  return [...found.values()].map(({ look, forms }) => ({ ...look, forms: [...forms].sort() }));
}

/** Equal for looks that cut the same rows, and fit for a file's name. */
export function lookKey({ observer, windows }: Pick<Look, "observer" | "windows">): string {
  const { cut, size, direction, field } = windows;
  return [observer, direction, cut, String(size), field].join("-");
}
