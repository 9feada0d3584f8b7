import type { Matrix } from "../features/matrix.js";
import { Distances, LANES } from "./distances.js";
import type { Nearest } from "./nearest.js";

/** Rows of a leaf, at most twice as many: 1250 searches in 5000 × 12 take 20 ms, with 16 27 ms (test/bench/attacks.ts). */
const LEAF = 128;
/** In place of the rows that fill up the last eight of a leaf. */
const NO_ROW = 0x7fff_ffff;
/** Sums of squares differ in their last bits by the order of adding; a box is left out only where it is farther than that. */
const ROUNDING = 1 + 1e-12;

/**
 * Finds the nearest rows by Euclid's distance, exactly: a balanced tree that halves the rows at the median of their widest column
 * (Friedman, Bentley, Finkel, 1977). Node i has the children 2i + 1 and 2i + 2, and the box of its rows.
 */
export class NeighbourTree {
  readonly #columns: number;
  readonly #firstLeaf: number;
  /** By node and column: the middle of its values, then how far they reach from it. */
  readonly #boxes: Float64Array;
  /** By leaf, and one behind the last: the place of its first row, a multiple of eight. */
  readonly #from: Int32Array;
  /** By place: which row of the matrix it was. */
  readonly #rows: Int32Array;
  readonly #distances: Distances;

  constructor(matrix: Matrix) {
    const levels = Math.max(0, Math.floor(Math.log2(matrix.rows / LEAF)));
    const leaves = 2 ** levels;
    this.#columns = matrix.columns;
    this.#firstLeaf = leaves - 1;
    this.#boxes = new Float64Array(2 * (2 * leaves - 1) * matrix.columns);
    const order = Int32Array.from({ length: matrix.rows }, (_, row) => row);
    const ends = new Int32Array(leaves);
    this.#build(0, 0, order, matrix, ends);

    this.#from = new Int32Array(leaves + 1);
    for (let leaf = 0; leaf < leaves; leaf++) {
      const rows = (ends[leaf] ?? 0) - (ends[leaf - 1] ?? 0);
      this.#from[leaf + 1] = (this.#from[leaf] ?? 0) + LANES * Math.ceil(rows / LANES);
    }
    const places = this.#from[leaves] ?? 0;
    this.#rows = new Int32Array(places).fill(NO_ROW);
    this.#distances = new Distances(matrix.columns, places, LANES * Math.ceil((2 * LEAF) / LANES));
    for (let leaf = 0; leaf < leaves; leaf++)
      this.#lay(this.#from[leaf] ?? 0, order.subarray(ends[leaf - 1] ?? 0, ends[leaf]), matrix.values);
  }

  /** Puts the nearest rows to a point into `nearest`, which is cleared before; distances are squared. */
  search(point: Float64Array, nearest: Nearest): void {
    nearest.clear();
    this.#distances.point.set(point);
    this.#visit(0, point, nearest);
  }

  /** Orders the rows of a node, which begin at `from` in `order` and end where `rows` does, by leaf; writes down where leaves end. */
  #build(node: number, from: number, rows: Int32Array, matrix: Matrix, ends: Int32Array): void {
    const widest = this.#box(node, rows, matrix.values);
    if (node >= this.#firstLeaf) {
      ends[node - this.#firstLeaf] = from + rows.length;
      return;
    }
    const middle = rows.length >> 1;
    select(rows, middle, matrix, widest);
    this.#build(2 * node + 1, from, rows.subarray(0, middle), matrix, ends);
    this.#build(2 * node + 2, from + middle, rows.subarray(middle), matrix, ends);
  }

  /** Measures the box of a node; answers its widest column. */
  #box(node: number, rows: Int32Array, values: Float64Array): number {
    const columns = this.#columns;
    const low = new Float64Array(columns).fill(Infinity);
    const high = new Float64Array(columns).fill(-Infinity);
    for (let i = 0; i < rows.length; i++) {
      const base = (rows[i] ?? 0) * columns;
      for (let column = 0; column < columns; column++) {
        const value = values[base + column] ?? 0;
        if (value < (low[column] ?? 0)) low[column] = value;
        if (value > (high[column] ?? 0)) high[column] = value;
      }
    }
    let widest = 0;
    let width = -1;
    for (let column = 0; column < columns; column++) {
      const from = low[column] ?? 0;
      const to = high[column] ?? 0;
      const middle = from / 2 + to / 2;
      const at = 2 * (node * columns + column);
      this.#boxes[at] = middle;
      this.#boxes[at + 1] = Math.max(to - middle, middle - from) * ROUNDING;
      if (to - from > width) [width, widest] = [to - from, column];
    }
    return widest;
  }

  #lay(from: number, rows: Int32Array, values: Float64Array): void {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] ?? 0;
      this.#rows[from + i] = row;
      this.#distances.put(from + i, values, row);
    }
  }

  #visit(node: number, point: Float64Array, nearest: Nearest): void {
    if (node >= this.#firstLeaf) {
      this.#scan(node - this.#firstLeaf, nearest);
      return;
    }
    const left = this.#distance(2 * node + 1, point);
    const right = this.#distance(2 * node + 2, point);
    const near = left <= right ? 1 : 2;
    if (Math.min(left, right) <= nearest.worst * ROUNDING) this.#visit(2 * node + near, point, nearest);
    if (Math.max(left, right) <= nearest.worst * ROUNDING) this.#visit(2 * node + 3 - near, point, nearest);
  }

  /**
   * From a point to the nearest corner, edge or side of a node's box, squared; 0 inside. What is inside in a column counts 0 without a
   * branch: x + |x| is 0 for all x below 0, and 2x above.
   */
  #distance(node: number, point: Float64Array): number {
    const [boxes, columns] = [this.#boxes, this.#columns];
    let at = 2 * node * columns;
    let sum = 0;
    for (let column = 0; column < columns; column++, at += 2) {
      const outside = Math.abs((point[column] ?? 0) - (boxes[at] ?? 0)) - (boxes[at + 1] ?? 0);
      const twice = outside + Math.abs(outside);
      sum += twice * twice;
    }
    return sum / 4;
  }

  /** Offers the rows of a leaf. */
  #scan(leaf: number, nearest: Nearest): void {
    const from = this.#from[leaf] ?? 0;
    const to = this.#from[leaf + 1] ?? 0;
    this.#distances.measure(from, to);
    const { found } = this.#distances;
    for (let place = from; place < to; place++) {
      const distance = found[place - from] ?? 0;
      if (distance <= nearest.worst) nearest.offer(distance, this.#rows[place] ?? 0);
    }
  }
}

/** Hoare's quickselect: afterwards no row before `middle` has a larger value in the column than one from it on. */
function select(rows: Int32Array, middle: number, { columns, values }: Matrix, column: number): void {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const pivot = values[(rows[(low + high) >> 1] ?? 0) * columns + column] ?? 0;
    let i = low;
    let j = high;
    while (i <= j) {
      while ((values[(rows[i] ?? 0) * columns + column] ?? 0) < pivot) i++;
      while ((values[(rows[j] ?? 0) * columns + column] ?? 0) > pivot) j--;
      if (i > j) break;
      const row = rows[i] ?? 0;
      rows[i++] = rows[j] ?? 0;
      rows[j--] = row;
    }
    if (middle <= j) high = j;
    else if (middle >= i) low = i;
    else return;
  }
}
