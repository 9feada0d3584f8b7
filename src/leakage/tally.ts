import { Confusion } from "./confusion.js";

/** The answers of one attack to all test rows of one seed, group by group: groups × classes × classes, the last the answer. */
export class Tally {
  readonly groups: number;
  readonly classes: number;
  readonly counts: Float64Array;

  constructor(groups: number, classes: number) {
    this.groups = groups;
    this.classes = classes;
    this.counts = new Float64Array(groups * classes * classes);
  }

  add(group: number, truth: number, answer: number): void {
    const i = (group * this.classes + truth) * this.classes + answer;
    this.counts[i] = (this.counts[i] ?? 0) + 1;
  }

  addAll(other: Tally): void {
    for (const [i, n] of other.counts.entries()) this.counts[i] = (this.counts[i] ?? 0) + n;
  }

  at(group: number, truth: number, answer: number): number {
    return this.counts[(group * this.classes + truth) * this.classes + answer] ?? 0;
  }

  /** All groups together, each taken `weights[group]` times; without weights once. */
  confusion(weights?: Float64Array): Confusion {
    const { classes } = this;
    const confusion = new Confusion(classes);
    const cells = classes * classes;
    for (let g = 0; g < this.groups; g++) {
      const weight = weights === undefined ? 1 : (weights[g] ?? 0);
      if (weight === 0) continue;
      for (let i = 0; i < cells; i++)
        confusion.counts[i] = (confusion.counts[i] ?? 0) + weight * (this.counts[g * cells + i] ?? 0);
    }
    return confusion;
  }
}
