import type { Labelled } from "../attack/attack.js";
import type { Matrix } from "../features/matrix.js";
import type { Random } from "../random/random.js";
import { shuffle } from "./shuffle.js";

/**
 * How an attack is given its classes. `even`, the default: rows of the smaller classes are repeated until all have as many as the
 * largest, so that an attack which is measured by balanced accuracy also learns for it; else, of 8 : 1 : 1 rows that tell a little, it says
 * the large class always and reads at chance. `as-is`: as they were captured, as the paper trained.
 */
export type Training = "even" | "as-is";

/** The rows of `samples` to learn from, with their labels. Each row of a class is repeated as often as any other, or once more. */
export function trainingSet(
  samples: Matrix,
  labels: Uint8Array,
  rows: Uint32Array,
  classes: number,
  training: Training,
  random: Random,
): Labelled {
  const taken = training === "even" ? evened(labels, rows, classes, random) : rows;
  return {
    samples: pickRows(samples, taken),
    labels: Uint8Array.from(taken, (row) => labels[row] ?? 0),
    classes,
  };
}

/** Some rows of a matrix, in the order named. */
export function pickRows(samples: Matrix, rows: Uint32Array): Matrix {
  const { columns } = samples;
  const values = new Float64Array(rows.length * columns);
  for (const [i, row] of rows.entries())
    values.set(samples.values.subarray(row * columns, (row + 1) * columns), i * columns);
  return { rows: rows.length, columns, values };
}

function evened(labels: Uint8Array, rows: Uint32Array, classes: number, random: Random): Uint32Array {
  const byClass = Array.from({ length: classes }, (_, c) => rows.filter((row) => labels[row] === c));
  const most = Math.max(...byClass.map((own) => own.length));
  const all = byClass.flatMap((own) => {
    if (own.length === 0) return [];
    const times = Math.floor(most / own.length);
    const more = shuffle(own.slice(), random).subarray(0, most - times * own.length);
    return [...Array.from({ length: times }, () => own), more];
  });
  const taken = new Uint32Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    taken.set(part, at);
    at += part.length;
  }
  return taken.sort();
}
