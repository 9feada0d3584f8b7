import type { Labelled } from "../../src/attack/attack.js";
import type { Matrix } from "../../src/features/matrix.js";
import { integer } from "../../src/random/random.js";
import { SeededRandom } from "../../src/random/seeded-random.js";

export function matrix(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, columns: rows[0]?.length ?? 0, values: Float64Array.from(rows.flat()) };
}

/** A table whose classes are 0 to the highest label. */
export function labelled(rows: readonly (readonly number[])[], labels: readonly number[]): Labelled {
  return { samples: matrix(rows), labels: Uint8Array.from(labels), classes: Math.max(0, ...labels) + 1 };
}

/** Some rows of a table. */
export function pick({ samples, labels, classes }: Labelled, rows: readonly number[]): Labelled {
  const { columns, values } = samples;
  return {
    samples: matrix(rows.map((row) => [...values.subarray(row * columns, (row + 1) * columns)])),
    labels: Uint8Array.from(rows, (row) => labels[row] ?? 0),
    classes,
  };
}

/** Rows of each of `count` folds, drawn by class. */
export function folds(labels: Uint8Array, count: number, seed: number): number[][] {
  const random = new SeededRandom(seed, "folds");
  const found: number[][] = Array.from({ length: count }, () => []);
  const order = Array.from(labels, (_, row) => row);
  for (let i = order.length - 1; i > 0; i--) {
    const j = integer(random, 0, i);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  order.sort((a, b) => (labels[a] ?? 0) - (labels[b] ?? 0));
  order.forEach((row, i) => found[i % count]?.push(row));
  return found;
}

/** Rows around one middle for each class, which lie `apart` in every column; columns have deviation 1. */
export function blobs(rows: number, columns: number, classes: number, apart: number, seed: string): Labelled {
  const random = new SeededRandom(seed, "blobs");
  const labels = Array.from({ length: rows }, (_, row) => row % classes);
  // Twelve uniform draws have a sum of variance 1.
  const noise = (): number =>
    Array.from({ length: 12 }, () => random.word() / 2 ** 32).reduce((sum, draw) => sum + draw, -6);
  return labelled(
    labels.map((label) => Array.from({ length: columns }, () => noise() + label * apart)),
    labels,
  );
}
