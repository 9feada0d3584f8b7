import type { Random } from "../random/random.js";
import type { RankedColumns } from "./ranked-columns.js";

const WORDS = 0x1_0000_0000;
/** In `#tags`, over a class of 8 bits: the next value in order is another one. */
const LAST = 0x100;

/** One question: a tree of depth one. */
export interface Stump {
  readonly column: number;
  /** Rows whose value is not above it go left; Infinity where no column tells rows apart. */
  readonly threshold: number;
  /** The weight of each class on the left, then on the right. */
  readonly weights: Float64Array;
}

/** Finds the best stump of weighted rows again and again. Each column is sorted once; a search reads it from the smallest value to the largest. */
export class StumpSearch {
  readonly #table: RankedColumns;
  readonly #classes: number;
  /** By column and place in its order: the row's class, and whether a split can stand behind it. */
  readonly #tags: Uint16Array;
  readonly #draw: Int32Array;
  readonly #totals: Float64Array;
  readonly #left: Float64Array;
  readonly #bestLeft: Float64Array;
  #best = -Infinity;
  /** The place in the column's order behind which the best split stands. */
  #bestPlace = -1;

  constructor(table: RankedColumns, labels: Uint8Array, classes: number) {
    const { rows, columns, order, ranks } = table;
    this.#table = table;
    this.#classes = classes;
    this.#draw = Int32Array.from({ length: columns }, (_, column) => column);
    this.#totals = new Float64Array(classes);
    this.#left = new Float64Array(classes);
    this.#bestLeft = new Float64Array(classes);
    this.#tags = new Uint16Array(rows * columns);
    for (let column = 0; column < columns; column++) {
      const base = column * rows;
      for (let i = 0; i < rows; i++) {
        const row = order[base + i] ?? 0;
        const ends = i + 1 < rows && ranks[base + row] !== ranks[base + (order[base + i + 1] ?? 0)];
        this.#tags[base + i] = (labels[row] ?? 0) | (ends ? LAST : 0);
      }
    }
  }

  /** The stump after which Gini's impurity is least; `totals`: the weight of each class. Of equals the first column drawn. */
  best(weights: Float64Array, random: Random): Stump {
    const { rows, order, ranks } = this.#table;
    const draw = this.#draw;
    this.#weigh(weights);
    this.#best = -Infinity;
    let column = -1;
    let place = -1;
    for (let drawn = 0; drawn < draw.length; drawn++) {
      const at = drawn + Math.floor((random.word() * (draw.length - drawn)) / WORDS);
      const next = draw[at] ?? 0;
      draw[at] = draw[drawn] ?? 0;
      draw[drawn] = next;
      this.#bestPlace = -1;
      this.#consider(next, weights);
      if (this.#bestPlace >= 0) [column, place] = [next, this.#bestPlace];
    }
    const sides = new Float64Array(2 * this.#classes);
    if (column < 0) {
      sides.set(this.#totals);
      return { column: 0, threshold: Infinity, weights: sides };
    }
    sides.set(this.#bestLeft);
    for (let c = 0; c < this.#classes; c++)
      sides[this.#classes + c] = Math.max(0, (this.#totals[c] ?? 0) - (this.#bestLeft[c] ?? 0));
    const base = column * rows;
    const low = ranks[base + (order[base + place] ?? 0)] ?? 0;
    return { column, threshold: this.#table.between(column, low, low + 1), weights: sides };
  }

  #weigh(weights: Float64Array): void {
    const totals = this.#totals.fill(0);
    const tags = this.#tags;
    const { order } = this.#table;
    for (let i = 0; i < weights.length; i++) {
      const label = (tags[i] ?? 0) & 0xff;
      totals[label] = (totals[label] ?? 0) + (weights[order[i] ?? 0] ?? 0);
    }
  }

  #consider(column: number, weights: Float64Array): void {
    const [tags, totals, left, classes] = [this.#tags, this.#totals, this.#left, this.#classes];
    const { rows, order } = this.#table;
    const from = column * rows;
    const to = from + rows;
    left.fill(0);
    for (let i = from; i < to; i++) {
      const tag = tags[i] ?? 0;
      const label = tag & 0xff;
      left[label] = (left[label] ?? 0) + (weights[order[i] ?? 0] ?? 0);
      if (tag < LAST) continue;
      let leftWeight = 0;
      let rightWeight = 0;
      let leftSquares = 0;
      let rightSquares = 0;
      for (let c = 0; c < classes; c++) {
        const here = left[c] ?? 0;
        const there = (totals[c] ?? 0) - here;
        leftWeight += here;
        leftSquares += here * here;
        rightWeight += there;
        rightSquares += there * there;
      }
      const score = (leftSquares * rightWeight + rightSquares * leftWeight) / (leftWeight * rightWeight);
      if (score > this.#best) {
        this.#best = score;
        this.#bestPlace = i - from;
        for (let c = 0; c < classes; c++) this.#bestLeft[c] = left[c] ?? 0;
      }
    }
  }
}
