import { HushboxError } from "../errors/hushbox-error.js";
import type { Random } from "../random/random.js";
import { KeySorter } from "./key-sorter.js";
import type { RankedColumns } from "./ranked-columns.js";
import type { TreeBuilder } from "./tree-builder.js";

const WORDS = 0x1_0000_0000;

/**
 * Grows classification trees to the end: each node splits where Gini's impurity falls most (Breiman et al., Classification and Regression
 * Trees, 1984), looking at every value of the columns that it draws, until its rows are of one class or alike in all columns.
 * Draws, ties and what counts as equal follow scikit-learn's best splitter: columns in random order, the first of equals wins, and drawing
 * goes on past `tried` until a column has been found that is not constant.
 *
 * A row's rank in a column, its weight and its class are packed into one integer, so that a node sorts plain integers and reads them in one go.
 * Nothing is allocated while a tree grows but the builder's arrays.
 */
export class TreeGrower {
  readonly #table: RankedColumns;
  readonly #labels: Uint8Array;
  readonly #classes: number;
  readonly #tried: number;
  readonly #labelBits: number;
  #weightBits = 1;

  readonly #rows: Int32Array;
  readonly #payloads: Int32Array;
  readonly #draw: Int32Array;
  readonly #sorter: KeySorter;
  readonly #tallies: Int32Array;
  /** Weight of each class in the node, and left of the place that is looked at. */
  readonly #counts: Float64Array;
  readonly #left: Float64Array;
  /** Nodes to come: from, to, node. */
  readonly #stack: Int32Array;

  /** In the node that is being looked at: the sum of weights and that of their squares by class. */
  #weight = 0;
  #squares = 0;
  #best = -Infinity;
  #bestColumn = -1;
  /** The last rank that goes left, and the next that there is. */
  #bestRank = 0;
  #bestNext = 0;

  /** `tried`: how many columns a node draws. */
  constructor(table: RankedColumns, labels: Uint8Array, classes: number, tried: number) {
    this.#table = table;
    this.#labels = labels;
    this.#classes = classes;
    this.#tried = tried;
    this.#labelBits = 32 - Math.clz32(classes - 1);
    this.#rows = new Int32Array(table.rows);
    this.#payloads = new Int32Array(table.rows);
    this.#draw = Int32Array.from({ length: table.columns }, (_, column) => column);
    this.#sorter = new KeySorter(table.rows);
    this.#tallies = new Int32Array(2 * table.rows + classes);
    this.#counts = new Float64Array(classes);
    this.#left = new Float64Array(classes);
    this.#stack = new Int32Array(3 * (table.rows + 1));
  }

  /** Grows one tree from the rows whose weight is not 0. */
  grow(weights: Int32Array, random: Random, into: TreeBuilder): void {
    const stack = this.#stack;
    stack[0] = 0;
    stack[1] = this.#begin(weights);
    stack[2] = into.root();
    for (let top = 3; top > 0;) {
      top -= 3;
      const from = stack[top] ?? 0;
      const to = stack[top + 1] ?? 0;
      const node = stack[top + 2] ?? 0;
      const only = this.#count(from, to);
      if (only >= 0) {
        into.pure(node, only);
        continue;
      }
      this.#search(from, to, random);
      if (this.#bestColumn < 0) {
        into.leaf(node, this.#counts, this.#weight);
        continue;
      }
      const middle = this.#partition(from, to);
      const threshold = this.#table.between(this.#bestColumn, this.#bestRank, this.#bestNext);
      const left = into.split(node, this.#bestColumn, threshold);
      stack[top] = middle;
      stack[top + 1] = to;
      stack[top + 2] = left + 1;
      stack[top + 3] = from;
      stack[top + 4] = middle;
      stack[top + 5] = left;
      top += 6;
    }
  }

  #begin(weights: Int32Array): number {
    let most = 1;
    let count = 0;
    for (let row = 0; row < weights.length; row++) {
      const weight = weights[row] ?? 0;
      if (weight > most) most = weight;
      if (weight === 0) continue;
      this.#rows[count++] = row;
      this.#payloads[row] = (weight << this.#labelBits) | (this.#labels[row] ?? 0);
    }
    this.#weightBits = 32 - Math.clz32(most);
    const bits = 32 - Math.clz32(this.#table.mostValues - 1) + this.#weightBits + this.#labelBits;
    if (bits > 31)
      throw new HushboxError(
        "samples-invalid",
        `growing a tree: ${String(this.#table.mostValues)} different values in a column are too many for ${String(this.#classes)} classes`,
      );
    return count;
  }

  /** Weighs the classes of a node; answers the class that is alone in it, or -1. */
  #count(from: number, to: number): number {
    const [counts, payloads, rows, bits] = [this.#counts, this.#payloads, this.#rows, this.#labelBits];
    const mask = (1 << bits) - 1;
    counts.fill(0);
    for (let i = from; i < to; i++) {
      const payload = payloads[rows[i] ?? 0] ?? 0;
      const label = payload & mask;
      counts[label] = (counts[label] ?? 0) + (payload >> bits);
    }
    let weight = 0;
    let squares = 0;
    let only = -1;
    let found = 0;
    for (let c = 0; c < counts.length; c++) {
      const count = counts[c] ?? 0;
      if (count === 0) continue;
      found++;
      only = c;
      weight += count;
      squares += count * count;
    }
    this.#weight = weight;
    this.#squares = squares;
    return found === 1 ? only : -1;
  }

  #search(from: number, to: number, random: Random): void {
    const draw = this.#draw;
    this.#best = -Infinity;
    this.#bestColumn = -1;
    for (let drawn = 0; drawn < draw.length && (drawn < this.#tried || this.#bestColumn < 0); drawn++) {
      const at = drawn + Math.floor((random.word() * (draw.length - drawn)) / WORDS);
      const column = draw[at] ?? 0;
      draw[at] = draw[drawn] ?? 0;
      draw[drawn] = column;
      this.#consider(column, from, to);
    }
  }

  #consider(column: number, from: number, to: number): void {
    const [rows, payloads, ranks, keys] = [this.#rows, this.#payloads, this.#table.ranks, this.#sorter.keys];
    const base = column * this.#table.rows;
    const shift = this.#labelBits + this.#weightBits;
    let low = 0x7fff_ffff;
    let high = -1;
    for (let i = from; i < to; i++) {
      const row = rows[i] ?? 0;
      const rank = ranks[base + row] ?? 0;
      if (rank < low) low = rank;
      if (rank > high) high = rank;
      keys[i - from] = (rank << shift) | (payloads[row] ?? 0);
    }
    if (low === high) return;
    const count = to - from;
    if ((high - low + 1) * this.#classes <= 2 * count) this.#scanTallies(column, count, shift, low, high);
    else this.#scanSorted(column, this.#sorter.sort(count, shift, low, high), count, shift);
  }

  /** Looks at each place between two different ranks of sorted keys. */
  #scanSorted(column: number, keys: Int32Array, count: number, shift: number): void {
    const [left, counts, labelBits, weight] = [this.#left, this.#counts, this.#labelBits, this.#weight];
    const labelMask = (1 << labelBits) - 1;
    const weightMask = (1 << this.#weightBits) - 1;
    left.fill(0);
    let best = this.#best;
    let leftWeight = 0;
    let leftSquares = 0;
    let rightSquares = this.#squares;
    let last = (keys[0] ?? 0) >> shift;
    for (let i = 0; i < count; i++) {
      const key = keys[i] ?? 0;
      const rank = key >> shift;
      if (rank !== last) {
        const rightWeight = weight - leftWeight;
        const score = (leftSquares * rightWeight + rightSquares * leftWeight) / (leftWeight * rightWeight);
        if (score > best) {
          best = score;
          this.#bestColumn = column;
          this.#bestRank = last;
          this.#bestNext = rank;
        }
        last = rank;
      }
      const label = key & labelMask;
      const more = (key >> labelBits) & weightMask;
      const had = left[label] ?? 0;
      leftWeight += more;
      leftSquares += more * (2 * had + more);
      rightSquares -= more * (2 * ((counts[label] ?? 0) - had) - more);
      left[label] = had + more;
    }
    this.#best = best;
  }

  /** The same for few different ranks: weighs rank by class instead of sorting. */
  #scanTallies(column: number, count: number, shift: number, low: number, high: number): void {
    const [tallies, left, counts, labelBits, classes] = [
      this.#tallies,
      this.#left,
      this.#counts,
      this.#labelBits,
      this.#classes,
    ];
    const keys = this.#sorter.keys;
    const labelMask = (1 << labelBits) - 1;
    const weightMask = (1 << this.#weightBits) - 1;
    tallies.fill(0, 0, (high - low + 1) * classes);
    for (let i = 0; i < count; i++) {
      const key = keys[i] ?? 0;
      const at = ((key >> shift) - low) * classes + (key & labelMask);
      tallies[at] = (tallies[at] ?? 0) + ((key >> labelBits) & weightMask);
    }
    left.fill(0);
    let best = this.#best;
    let leftWeight = 0;
    let leftSquares = 0;
    let rightSquares = this.#squares;
    let last = -1;
    for (let rank = low; rank <= high; rank++) {
      const at = (rank - low) * classes;
      let here = 0;
      for (let c = 0; c < classes; c++) here += tallies[at + c] ?? 0;
      if (here === 0) continue;
      if (last >= 0) {
        const rightWeight = this.#weight - leftWeight;
        const score = (leftSquares * rightWeight + rightSquares * leftWeight) / (leftWeight * rightWeight);
        if (score > best) {
          best = score;
          this.#bestColumn = column;
          this.#bestRank = last;
          this.#bestNext = rank;
        }
      }
      last = rank;
      leftWeight += here;
      for (let c = 0; c < classes; c++) {
        const more = tallies[at + c] ?? 0;
        const had = left[c] ?? 0;
        leftSquares += more * (2 * had + more);
        rightSquares -= more * (2 * ((counts[c] ?? 0) - had) - more);
        left[c] = had + more;
      }
    }
    this.#best = best;
  }

  /** Brings the rows that go left before the others; answers where these begin. */
  #partition(from: number, to: number): number {
    const [rows, ranks, best] = [this.#rows, this.#table.ranks, this.#bestRank];
    const base = this.#bestColumn * this.#table.rows;
    let low = from;
    let high = to - 1;
    while (low <= high) {
      const row = rows[low] ?? 0;
      if ((ranks[base + row] ?? 0) <= best) {
        low++;
      } else {
        rows[low] = rows[high] ?? 0;
        rows[high--] = row;
      }
    }
    return low;
  }
}
