import type { MeasuredCell } from "./reported-campaign.js";
import { attackIn, PAPERS_ATTACK, referenceCut, viewKey } from "./selection.js";
import { parameterWords, percent } from "./wording.js";

/** What the paper's attack reads behind all settings of a simulated defense. */
export interface Settings {
  readonly cell: MeasuredCell;
  readonly size: number;
  readonly chance: number;
  /** Of the neural network, over all settings; `first` and `last` by parameter. */
  readonly least: number;
  readonly most: number;
  readonly first: number;
  readonly last: number;
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
  const off = networkIn(alike(cells, first.cell).find(isPreset("off")));
  return {
    cell: first.cell,
    size: first.cell.windows.size,
    chance: first.cell.leakage.chance,
    least,
    most,
    first: first.value,
    last: last.value,
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

export function mostNetwork(
  cells: readonly MeasuredCell[],
): { readonly cell: MeasuredCell; readonly value: number } | null {
  const found = cells.flatMap((cell) => {
    const value = networkIn(cell);
    return value === undefined ? [] : [{ cell, value }];
  });
  return found.sort((a, b) => b.value - a.value)[0] ?? null;
}

export function isPreset(preset: string): (cell: MeasuredCell) => boolean {
  return ({ defense }) => defense.kind === "preset" && defense.preset === preset;
}

export function parameterOf({ defense }: MeasuredCell): number {
  return defense.kind === "preset" ? 0 : defense.parameter;
}

export function byParameter(a: MeasuredCell, b: MeasuredCell): number {
  return parameterOf(a) - parameterOf(b);
}
