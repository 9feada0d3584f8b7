import type { Random } from "../random/random.js";
import type { Grouping } from "./grouping.js";
import type { Contest, SampleSet } from "./sample-set.js";
import { shuffle } from "./shuffle.js";

/**
 * Gives labels away anew where they might as well have fallen otherwise if traffic said nothing: among the groups, all rows of one
 * together; in groups of several classes, among the classes inside each. Rows of a group alike are no chance at all, so
 * labels dealt to rows would make a null that any capture's own ways get out of.
 */
export class Relabelling {
  /**
   * In how many ways the groups can be parted, counted to 10^15; ways that differ in the classes' names only are one: no p-value is
   * below 1 / arrangements, however many are drawn.
   */
  readonly arrangements: number;
  readonly #grouping: Grouping;
  readonly #single: readonly number[];
  readonly #several: readonly number[];

  constructor(grouping: Grouping) {
    this.#grouping = grouping;
    const groups = grouping.strata().flat();
    this.#single = groups.filter((g) => grouping.classesOf(g).length === 1);
    this.#several = groups.filter((g) => grouping.classesOf(g).length > 1);
    this.arrangements = this.#count();
  }

  /** A new class for each group's rows of each class, groups × classes. */
  draw(random: Random): Uint8Array {
    const { classes } = this.#grouping;
    const changed = new Uint8Array(this.#grouping.groups * classes);
    const place = (group: number, from: number, to: number): void => {
      changed[group * classes + from] = to;
    };
    const labels = this.#single.map((group) => this.#grouping.classesOf(group)[0] ?? 0);
    const dealt = shuffle([...labels], random);
    for (const [i, group] of this.#single.entries()) place(group, labels[i] ?? 0, dealt[i] ?? 0);
    for (const group of this.#several) {
      const own = this.#grouping.classesOf(group);
      const other = shuffle([...own], random);
      for (const [i, from] of own.entries()) place(group, from, other[i] ?? 0);
    }
    return changed;
  }

  #count(): number {
    let ways = 1;
    const sizes = Array.from({ length: this.#grouping.classes }, () => 0);
    for (const [i, group] of this.#single.entries()) {
      const c = this.#grouping.classesOf(group)[0] ?? 0;
      const size = (sizes[c] ?? 0) + 1;
      sizes[c] = size;
      // (n)! / (n1! n2! …), one factor a group.
      ways *= (i + 1) / size;
    }
    for (const group of this.#several) ways *= factorial(this.#grouping.classesOf(group).length);
    // Only classes of equally many groups can change names.
    for (const size of new Set(sizes)) ways /= factorial(sizes.filter((other) => other === size).length);
    return Math.min(Math.max(1, Math.round(ways)), 1e15);
  }
}

/** A contest under other labels; rows of a group in both its sets get the same. */
export function relabelled({ train, test }: Contest, changed: Uint8Array): Contest {
  const under = (set: SampleSet): SampleSet => {
    const classes = set.classes.length;
    const labels = set.labels.map((label, row) => changed[(set.groups[row] ?? 0) * classes + label] ?? 0);
    return { ...set, labels };
  };
  const learnt = under(train);
  return { train: learnt, test: test === train ? learnt : under(test) };
}

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}
