import type { Attack, SampleForm } from "../../attack/attack.js";
import { attackNamed } from "../../attack/attacks.js";
import type { CellPlan, Measuring } from "./cell.js";

/** Seconds that one training takes, roughly: what shares and estimates are made of, and nothing else. */
const SECONDS: Readonly<Record<SampleForm, number>> = { table: 0.2, fingerprint: 1, sequence: 40 };
/** A network shows its samples again and again, where a tree sorts them once. */
const NETWORK = 1.3;
/** Rows of a class from which on more rows take longer. */
const ROWS = 2000;

/** About how long a cell takes on one core, in seconds. */
export function cellWeight({ attacks, repetitions, windows }: CellPlan, measuring: Measuring): number {
  const { folds, seeds, mostRows } = measuring;
  const trainings = folds * seeds.length * (1 + repetitions);
  // A trace each is few rows, which are shown as often as there are.
  const rows = windows.cut === "trace" ? 0.1 : Math.max(1, Math.min(mostRows, 3e6 / windows.size) / ROWS);
  return trainings * rows * attacks.reduce((sum, name) => sum + secondsOf(attackNamed(name)), 0) + 0.2;
}

function secondsOf({ name, form }: Attack): number {
  return name === "neural-network" ? NETWORK : SECONDS[form];
}
