import { HushboxError } from "../errors/hushbox-error.js";
import { groupingOf, type SampleSet } from "./sample-set.js";

/** The least that a class must have to be attacked. */
export interface Needs {
  /** A group of each class in every fold. */
  readonly folds: number;
  /** Rows of each class: ten by default, since with fewer a single row moves the class's share by more than 0.1. */
  readonly rows: number;
}

/** Refuses samples of which a class has too few groups or rows: throws too-few-samples, which names each such class, what it has and what it needs. */
export function requireEnough(set: SampleSet, needs: Needs): void {
  const grouping = groupingOf(set);
  const scarce: string[] = [];
  for (const [c, name] of set.classes.entries()) {
    const has = grouping.ofClass(c);
    if (has.groups < needs.folds)
      scarce.push(
        `class "${name}" has ${has.groups} groups (captures or queries), and ${needs.folds} folds need ${needs.folds}`,
      );
    if (has.rows < needs.rows)
      scarce.push(`class "${name}" has ${has.rows} windows or traces, and ${needs.rows} are needed`);
  }
  if (scarce.length > 0) throw new HushboxError("too-few-samples", `attacking samples: ${scarce.join("; ")}`);
}
