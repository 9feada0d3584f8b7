/** How often rows of each class got each answer: classes × classes, a row a true class, a column an answer. */
export class Confusion {
  readonly classes: number;
  readonly counts: Float64Array;

  constructor(classes: number) {
    this.classes = classes;
    this.counts = new Float64Array(classes * classes);
  }

  /** From rows of counts, as `table` gives them. */
  static from(table: readonly (readonly number[])[]): Confusion {
    const confusion = new Confusion(table.length);
    for (const [truth, answers] of table.entries())
      for (const [answer, times] of answers.entries()) confusion.add(truth, answer, times);
    return confusion;
  }

  add(truth: number, answer: number, times = 1): void {
    const i = truth * this.classes + answer;
    this.counts[i] = (this.counts[i] ?? 0) + times;
  }

  at(truth: number, answer: number): number {
    return this.counts[truth * this.classes + answer] ?? 0;
  }

  /** How many rows are of class `truth`. */
  of(truth: number): number {
    let sum = 0;
    for (let answer = 0; answer < this.classes; answer++) sum += this.at(truth, answer);
    return sum;
  }

  /** The share of all rows that were answered rightly, NaN of nothing. Large classes weigh more: see balancedAccuracy. */
  get accuracy(): number {
    let right = 0;
    for (let c = 0; c < this.classes; c++) right += this.at(c, c);
    return right / this.counts.reduce((sum, n) => sum + n, 0);
  }

  /** For people and files: a list of rows. */
  table(): number[][] {
    return Array.from({ length: this.classes }, (_, truth) =>
      Array.from({ length: this.classes }, (_, answer) => this.at(truth, answer)),
    );
  }
}
