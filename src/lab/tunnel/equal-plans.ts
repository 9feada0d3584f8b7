import type { SampleForm } from "../../attack/attack.js";
import type { Matrix } from "../../features/matrix.js";
import type { SampleSet } from "../../leakage/sample-set.js";
import { shuffle } from "../../leakage/shuffle.js";
import { pickRows } from "../../leakage/training-set.js";
import type { Random } from "../../random/random.js";
import type { Schedule } from "./schedule-bound.js";

/**
 * A set of whole traces, one row each, in which those whose plans are equal have changed places at random; labels and groups stay. What plans
 * tell of a class is as it was, and nothing else tells anything: not when stretches began, nor what went through them.
 */
export function exchanged(set: SampleSet, schedules: readonly Schedule[], random: Random): SampleSet {
  const equal = new Map<string, number[]>();
  for (const [row, trace] of (set.traces ?? set.groups).entries()) {
    const key = schedules[trace]?.plans.join(" ") ?? "";
    equal.set(key, [...(equal.get(key) ?? []), row]);
  }
  const from = new Uint32Array(set.labels.length);
  for (const rows of equal.values()) {
    const other = shuffle([...rows], random);
    for (const [i, row] of rows.entries()) from[row] = other[i] ?? row;
  }
  const forms = Object.entries(set.samples) as [SampleForm, Matrix][];
  return { ...set, samples: Object.fromEntries(forms.map(([form, matrix]) => [form, pickRows(matrix, from)])) };
}
