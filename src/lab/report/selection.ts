import { PRESET_NAMES } from "../../defense/presets.js";
import type { AttackReport } from "../../leakage/attack-report.js";
import type { MeasuredCell, PresetCell, ReportedCell } from "./reported-campaign.js";

/** The attack that the paper shows its defenses with. */
export const PAPERS_ATTACK = "neural-network";
/** The paper's five attacks. */
export const PAPERS_FIVE = [
  "ada-boost",
  "decision-tree",
  "k-nearest-neighbours",
  "random-forest",
  PAPERS_ATTACK,
] as const;
/** The windows that the paper speaks of most: packets. */
const PAPERS_SIZE = 1000;

/** What the best attack of a cell got. */
export function bestOf({ leakage }: MeasuredCell): AttackReport {
  const best = leakage.attacks.find(({ attack }) => attack === leakage.best) ?? leakage.attacks[0];
  if (best === undefined) throw new Error(`a measurement without an attack`);
  return best;
}

/** What one attack got, if it was among them. */
export function attackIn({ leakage }: MeasuredCell, name: string): AttackReport | undefined {
  return leakage.attacks.find(({ attack }) => attack === name);
}

/** Groups in the order of their first member. */
export function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const own = found.get(key);
    if (own === undefined) found.set(key, [item]);
    else own.push(item);
  }
  return [...found.values()];
}

/** Cells of one key were looked at alike, but for the size of the windows. */
export function viewKey({ observer, vantage, windows: { direction, field } }: ReportedCell): string {
  return [observer, vantage, direction, field].join(" ");
}

/** Cells of one key were cut alike. */
export function cutKey({ windows: { cut, size } }: ReportedCell): string {
  return cut === "trace" ? cut : `${cut} ${size}`;
}

/** Presets in the order of their strength, then the other defenses by their parameter. */
export function byDefense(a: ReportedCell, b: ReportedCell): number {
  const rank = ({ defense }: ReportedCell): number =>
    defense.kind === "preset" ? PRESET_NAMES.indexOf(defense.preset) : PRESET_NAMES.length + defense.parameter;
  return rank(a) - rank(b);
}

/**
 * The cells of one cut, that which a scenario's defenses are held against each other in: the one that most of them were measured in, then the
 * one with most nulls, then the one nearest to the paper's 1000 packets.
 */
export function referenceCut<T extends MeasuredCell>(cells: readonly T[]): T[] {
  const defenses = (own: readonly T[]): number => new Set(own.map(({ defense }) => JSON.stringify(defense))).size;
  const nulls = (own: readonly T[]): number => own.filter(({ leakage }) => leakage.null !== null).length;
  const off = ([cell]: readonly T[]): number =>
    cell?.windows.cut === "packets" ? Math.abs(Math.log(cell.windows.size / PAPERS_SIZE)) : Infinity;
  const cuts = grouped(cells, cutKey);
  const offOrEqual = (a: readonly T[], b: readonly T[]): number => (off(a) === off(b) ? 0 : off(a) - off(b));
  cuts.sort((a, b) => defenses(b) - defenses(a) || nulls(b) - nulls(a) || offOrEqual(a, b));
  return cuts[0] ?? [];
}

/** Of cells, the one whose best attack reads most. */
export function mostRead<T extends MeasuredCell>(cells: readonly T[]): T | undefined {
  return [...cells].sort((a, b) => bestOf(b).balanced_accuracy.value - bestOf(a).balanced_accuracy.value)[0];
}

/** For each preset of a scenario, in the reference cut, the view in which most is read; views that were held against a null before others. */
export function headlines(cells: readonly PresetCell[]): PresetCell[] {
  return grouped([...referenceCut(comparable(cells))].sort(byDefense), ({ defense }) => defense.preset).flatMap(
    (own) => {
      const held = own.filter(({ leakage }) => leakage.null !== null);
      return mostRead(held.length > 0 ? held : own) ?? [];
    },
  );
}

/** Cells in the views that several presets were measured in; all, where there is none. */
export function comparable(cells: readonly PresetCell[]): PresetCell[] {
  const shared = grouped(cells, viewKey).filter((view) => new Set(view.map(({ defense }) => defense.preset)).size > 1);
  return shared.length === 0 ? [...cells] : shared.flat();
}
