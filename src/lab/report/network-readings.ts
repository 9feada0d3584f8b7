import { PRESETS } from "../../defense/presets.js";
import type { MeasuredCell } from "./reported-campaign.js";
import { attackIn, PAPERS_ATTACK, referenceCut, viewKey } from "./selection.js";
import { parameterWords, percent } from "./wording.js";

/** What the paper's attack reads behind all settings of a simulated defense. */
export interface Settings {
  readonly cell: MeasuredCell;
  readonly size: number;
  readonly chance: number;
  /** Of the neural network, over all settings. */
  readonly least: number;
  readonly most: number;
  /** Behind the largest parameter, and the least of the others. */
  readonly last: number;
  readonly beforeLast: number;
  readonly range: string;
  readonly each: string;
  readonly undefended: string;
  readonly off: number | undefined;
}

/** The neural network behind all settings of a simulated defense, in their reference cut; in the order of time where it was measured. */
export function settings(cells: readonly MeasuredCell[], kind: "smoothing" | "noise" | "simulated"): Settings | null {
  const all = cells.filter(({ defense }) => defense.kind === kind);
  const orderOf = ({ defense }: MeasuredCell): string => (defense.kind === "preset" ? "" : defense.order);
  const order = all.some((cell) => orderOf(cell) === "time") ? "time" : all[0] === undefined ? "" : orderOf(all[0]);
  const own = referenceCut(all.filter((cell) => orderOf(cell) === order));
  const readings = [...own].sort(byParameter).flatMap((cell) => {
    const value = networkIn(cell);
    return value === undefined ? [] : [{ cell, value }];
  });
  const [first] = readings;
  const last = readings.at(-1);
  if (first === undefined || last === undefined) return null;
  const values = readings.map(({ value }) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const off = networkAmong(alike(cells, first.cell).filter(isPreset("off")));
  return {
    cell: first.cell,
    size: first.cell.windows.size,
    chance: first.cell.leakage.chance,
    least,
    most,
    last: last.value,
    beforeLast: Math.min(Infinity, ...values.slice(0, -1)),
    range: `${percent(least)} to ${percent(most)} over ${readings.length} settings`,
    each: readings.map(({ cell, value }) => `${parameterWords(cell.defense)}: ${percent(value)}`).join(", "),
    undefended: off === undefined ? "" : ` (undefended ${percent(off)})`,
    off,
  };
}

/** Cells of the same view and cut, whatever the defense. */
export function alike(cells: readonly MeasuredCell[], as: MeasuredCell): MeasuredCell[] {
  return cells.filter(
    (cell) =>
      viewKey(cell) === viewKey(as) && cell.windows.cut === as.windows.cut && cell.windows.size === as.windows.size,
  );
}

export function networkIn(cell: MeasuredCell | undefined): number | undefined {
  return cell === undefined ? undefined : attackIn(cell, PAPERS_ATTACK)?.balanced_accuracy.value;
}

/** In the first of some cells that has it: a point may be measured in several, each with attacks of its own. */
export function networkAmong(cells: readonly MeasuredCell[]): number | undefined {
  return cells.map(networkIn).find((value) => value !== undefined);
}

export function mostNetwork(
  cells: readonly MeasuredCell[],
): { readonly cell: MeasuredCell; readonly value: number } | null {
  const found = cells.flatMap((cell) => {
    const value = networkIn(cell);
    return value === undefined ? [] : [{ cell, value }];
  });
  return found.sort((a, b) => b.value - a.value)[0] ?? null;
}

/** Of a preset as it is. */
export function isPreset(preset: string): (cell: MeasuredCell) => boolean {
  return ({ defense }) => defense.kind === "preset" && defense.preset === preset && defense.nu === undefined;
}

/** Of a simulated defense, or of the decoys and the jitter of a preset. */
export function parameterOf({ defense }: MeasuredCell): number {
  return defense.kind === "preset"
    ? (defense.nu ?? PRESETS[defense.preset].defenses.jitter.variance)
    : defense.parameter;
}

export function byParameter(a: MeasuredCell, b: MeasuredCell): number {
  return parameterOf(a) - parameterOf(b);
}
