import type { SampleForm } from "../../attack/attack.js";
import type { Matrix } from "../../features/matrix.js";
import type { SampleSet } from "../../leakage/sample-set.js";
import { shuffle } from "../../leakage/shuffle.js";
import { pickRows } from "../../leakage/training-set.js";
import type { Random } from "../../random/random.js";

/** At most so many rows of each class, drawn from all of its rows alike, in their order: what is too much to learn from in the time there is. */
export function drawnRows(set: SampleSet, most: number, random: Random): SampleSet {
  const kept = set.classes.flatMap((_, c) => {
    const own: number[] = [];
    for (const [row, label] of set.labels.entries()) if (label === c) own.push(row);
    return own.length <= most ? own : shuffle(own, random).slice(0, most);
  });
  if (kept.length === set.labels.length) return set;
  const rows = Uint32Array.from(kept).sort();
  const forms = Object.entries(set.samples) as [SampleForm, Matrix][];
  return {
    ...set,
    labels: Uint8Array.from(rows, (row) => set.labels[row] ?? 0),
    groups: Uint32Array.from(rows, (row) => set.groups[row] ?? 0),
    ...(set.traces === undefined ? {} : { traces: Uint32Array.from(rows, (row) => set.traces?.[row] ?? 0) }),
    samples: Object.fromEntries(forms.map(([form, matrix]) => [form, pickRows(matrix, rows)])),
  };
}
