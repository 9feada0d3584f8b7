import type { SampleForm } from "../attack/attack.js";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Matrix } from "../features/matrix.js";
import { Grouping } from "./grouping.js";

/** What is attacked: rows that are windows or traces, and what is known of them. Survives structuredClone. */
export interface SampleSet {
  /** Names of the classes that `labels` counts through. */
  readonly classes: readonly string[];
  readonly labels: Uint8Array;
  /** Names of the groups, captures or queries, that `groups` counts through. */
  readonly groupNames: readonly string[];
  /** Each row's group: folds never part its rows, and the null relabels them as one. */
  readonly groups: Uint32Array;
  /** Each row's trace, where rows are windows and may vote: any numbers, equal for the windows of one trace. */
  readonly traces?: Uint32Array;
  /** The same rows in each form that some attack needs. */
  readonly samples: Readonly<Partial<Record<SampleForm, Matrix>>>;
}

/** An attacker's samples to learn from, and those to answer: the same set, or the same groups under another defense. */
export interface Contest {
  readonly train: SampleSet;
  readonly test: SampleSet;
}

/** How many rows the groups of a set have of each class. */
export function groupingOf(set: SampleSet): Grouping {
  return new Grouping(set.groupNames.length, set.classes).count(set.labels, set.groups);
}

/** The rows of both sides of a contest, each once. */
export function groupingOfBoth({ train, test }: Contest): Grouping {
  const grouping = groupingOf(train);
  return test === train ? grouping : grouping.count(test.labels, test.groups);
}

/** Throws samples-invalid where the parts of a contest do not fit each other, and says which. */
export function checkContest({ train, test }: Contest): void {
  checkSet(train, "the training samples");
  if (test === train) return;
  checkSet(test, "the test samples");
  const same = (a: readonly string[], b: readonly string[]): boolean =>
    a.length === b.length && a.every((name, i) => name === b[i]);
  if (!same(train.classes, test.classes)) throw bad("training and test samples have different classes");
  if (!same(train.groupNames, test.groupNames)) throw bad("training and test samples have different groups");
  for (const form of ["table", "sequence"] as const) {
    const learnt = train.samples[form];
    const asked = test.samples[form];
    if (learnt?.columns !== asked?.columns)
      throw bad(
        `as ${form}, training samples have ${learnt?.columns ?? 0} columns and test samples ${asked?.columns ?? 0}`,
      );
  }
}

function checkSet(set: SampleSet, what: string): void {
  const rows = set.labels.length;
  if (set.classes.length < 2) throw bad(`${what} have ${set.classes.length} classes, and two are the least`);
  if (set.classes.length > 256) throw bad(`${what} have ${set.classes.length} classes, and 256 are the most`);
  if (set.groups.length !== rows) throw bad(`${what} have ${rows} labels and ${set.groups.length} groups`);
  if (set.traces !== undefined && set.traces.length !== rows)
    throw bad(`${what} have ${rows} labels and ${set.traces.length} traces`);
  if (set.labels.some((label) => label >= set.classes.length)) throw bad(`${what} have a label without a class`);
  if (set.groups.some((group) => group >= set.groupNames.length)) throw bad(`${what} have a group without a name`);
  for (const [form, matrix] of Object.entries(set.samples)) {
    if (matrix.rows !== rows) throw bad(`${what} have ${rows} labels and ${matrix.rows} rows as ${form}`);
    if (matrix.values.length !== matrix.rows * matrix.columns)
      throw bad(`${what} have ${matrix.values.length} numbers as ${form} for ${matrix.rows} × ${matrix.columns}`);
    if (!matrix.values.every(Number.isFinite)) throw bad(`${what} have a value as ${form} that is no finite number`);
  }
}

function bad(what: string): HushboxError {
  return new HushboxError("samples-invalid", `attacking samples: ${what}`);
}
