import type { SampleSet } from "../../src/leakage/sample-set.js";
import { gaussian, integer, type Random } from "../../src/random/random.js";

/** One file of windows for a set. */
export interface SampleFile {
  readonly label: number;
  readonly windows: readonly (readonly number[])[];
}

/** A set whose groups are files, one a trace; `classes` of them. */
export function sampleSet(files: readonly SampleFile[], classes: number): SampleSet {
  const rows = files.flatMap((file, group) => file.windows.map((window) => ({ group, label: file.label, window })));
  const columns = rows[0]?.window.length ?? 0;
  const groups = Uint32Array.from(rows, (row) => row.group);
  return {
    classes: Array.from({ length: classes }, (_, c) => `class-${c}`),
    labels: Uint8Array.from(rows, (row) => row.label),
    groupNames: files.map((_, g) => `file-${g}`),
    groups,
    traces: groups,
    samples: { table: { rows: rows.length, columns, values: Float64Array.from(rows.flatMap((row) => row.window)) } },
  };
}

/** Files of normal windows: `apart` standard deviations between the means of neighbouring classes in the first column, none in the others. */
export function normalFiles(
  given: { classes: number; files: number; windows: number; columns: number; apart: number },
  random: Random,
): SampleFile[] {
  return Array.from({ length: given.classes * given.files }, (_, i) => {
    const label = i % given.classes;
    const windows = Array.from({ length: given.windows }, () =>
      Array.from({ length: given.columns }, (_, c) => gaussian(random) + (c === 0 ? label * given.apart : 0)),
    );
    return { label, windows };
  });
}

/** Copies of one file, with labels that were thrown by a die. Every class has `least` at least. */
export function copies(
  given: { classes: number; files: number; windows: number; least: number },
  random: Random,
): SampleFile[] {
  const windows = Array.from({ length: given.windows }, () => [
    gaussian(random),
    gaussian(random),
    integer(random, 0, 3),
  ]);
  return Array.from({ length: given.files }, (_, i) => ({
    label: i < given.least * given.classes ? i % given.classes : integer(random, 0, given.classes - 1),
    windows,
  }));
}
