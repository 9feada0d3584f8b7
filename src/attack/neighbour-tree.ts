import type { Matrix } from "../features/matrix.js";
import type { Nearest } from "./nearest.js";

/** Rows of a leaf, at most twice as many (test/bench/attacks.ts). */
const LEAF = 16;
/** Rows that are measured side by side. */
const LANES = 4;
/** In place of the rows that fill up the last four of a leaf. */
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
  /** By leaf, and one behind the last: the place of its first row, a multiple of four. */
  readonly #from: Int32Array;
  /** By place: which row of the matrix it was. */
  readonly #rows: Int32Array;
  /** By four places, column and place: the rows' values, Infinity where a leaf has no row for a place. */
  readonly #points: Float64Array;

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
    this.#points = new Float64Array(places * matrix.columns).fill(Infinity);
    for (let leaf = 0; leaf < leaves; leaf++)
      this.#lay(this.#from[leaf] ?? 0, order.subarray(ends[leaf - 1] ?? 0, ends[leaf]), matrix.values);
  }

  /** Puts the nearest rows to a point into `nearest`, which is cleared before; distances are squared. */
  search(point: Float64Array, nearest: Nearest): void {
    nearest.clear();
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
    let widest = 0;
    let width = -1;
    for (let column = 0; column < columns; column++) {
      let low = Infinity;
      let high = -Infinity;
      for (let i = 0; i < rows.length; i++) {
        const value = values[(rows[i] ?? 0) * columns + column] ?? 0;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      const at = 2 * (node * columns + column);
      const middle = low / 2 + high / 2;
      this.#boxes[at] = middle;
      this.#boxes[at + 1] = Math.max(high - middle, middle - low) * ROUNDING;
      if (high - low > width) [width, widest] = [high - low, column];
    }
    return widest;
  }

  #lay(from: number, rows: Int32Array, values: Float64Array): void {
    const columns = this.#columns;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] ?? 0;
      const lane = i % LANES;
      const base = (from + i - lane) * columns + lane;
      this.#rows[from + i] = row;
      for (let column = 0; column < columns; column++)
        this.#points[base + column * LANES] = values[row * columns + column] ?? 0;
    }
  }

  #visit(node: number, point: Float64Array, nearest: Nearest): void {
    if (node >= this.#firstLeaf) {
      this.#scan(node - this.#firstLeaf, point, nearest);
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

  /**
   * Offers the rows of a leaf, four side by side, because a single sum would wait for its last addition (360 searches in 1437 × 64: 34 ms
   * against 45; test/bench/attacks.ts). They are given up in the middle where all four are too far already.
   */
  #scan(leaf: number, point: Float64Array, nearest: Nearest): void {
    const [points, columns] = [this.#points, this.#columns];
    const to = this.#from[leaf + 1] ?? 0;
    for (let place = this.#from[leaf] ?? 0; place < to; place += LANES) {
      const { worst } = nearest;
      let at = place * columns;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let column = 0; column < columns; at += LANES) {
        const value = point[column] ?? 0;
        const offA = value - (points[at] ?? 0);
        const offB = value - (points[at + 1] ?? 0);
        const offC = value - (points[at + 2] ?? 0);
        const offD = value - (points[at + 3] ?? 0);
        a += offA * offA;
        b += offB * offB;
        c += offC * offC;
        d += offD * offD;
        column++;
        if ((column & 3) === 0 && a > worst && b > worst && c > worst && d > worst) break;
      }
      if (a <= worst) nearest.offer(a, this.#rows[place] ?? 0);
      if (b <= worst) nearest.offer(b, this.#rows[place + 1] ?? 0);
      if (c <= worst) nearest.offer(c, this.#rows[place + 2] ?? 0);
      if (d <= worst) nearest.offer(d, this.#rows[place + 3] ?? 0);
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
