import type { Matrix } from "../features/matrix.js";
import { Nearest } from "./nearest.js";

/** Rows of a leaf, at most twice as many (test/bench/attacks.ts). */
const LEAF = 12;
/** Sums of squares differ in their last bits by the order of adding; a box is left out only where it is farther than that. */
const ROUNDING = 1 + 1e-12;

/**
 * Finds the nearest rows by Euclid's distance, exactly: a balanced tree that halves the rows at the median of their widest column
 * (Friedman, Bentley, Finkel, 1977). Node i has the children 2i + 1 and 2i + 2 and the box of its rows; a leaf's rows lie side by side.
 */
export class NeighbourTree {
  readonly #columns: number;
  readonly #firstLeaf: number;
  readonly #points: Float64Array;
  readonly #rows: Int32Array;
  /** By node: where its rows begin; those of node i end where those of the next of its level begin. */
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  /** By node and column: the lowest value, then the highest. */
  readonly #boxes: Float64Array;

  constructor({ rows, columns, values }: Matrix) {
    const levels = Math.max(0, Math.floor(Math.log2(rows / LEAF)));
    const nodes = 2 ** (levels + 1) - 1;
    this.#columns = columns;
    this.#firstLeaf = 2 ** levels - 1;
    this.#rows = Int32Array.from({ length: rows }, (_, row) => row);
    this.#from = new Int32Array(nodes);
    this.#to = new Int32Array(nodes);
    this.#boxes = new Float64Array(2 * nodes * columns);
    this.#build(0, 0, rows, values);
    this.#points = new Float64Array(rows * columns);
    this.#rows.forEach((row, i) => {
      this.#points.set(values.subarray(row * columns, (row + 1) * columns), i * columns);
    });
  }

  /** Puts the nearest rows to a point into `nearest`, which is cleared before; distances are squared. */
  search(point: Float64Array, nearest: Nearest): void {
    nearest.clear();
    this.#visit(0, point, nearest);
  }

  #build(node: number, from: number, to: number, values: Float64Array): void {
    this.#from[node] = from;
    this.#to[node] = to;
    const widest = this.#box(node, from, to, values);
    if (node >= this.#firstLeaf) return;
    const middle = (from + to) >> 1;
    this.#select(from, to - 1, middle, widest, values);
    this.#build(2 * node + 1, from, middle, values);
    this.#build(2 * node + 2, middle, to, values);
  }

  /** Measures the box of a node; answers its widest column. */
  #box(node: number, from: number, to: number, values: Float64Array): number {
    const columns = this.#columns;
    let widest = 0;
    let width = -1;
    for (let column = 0; column < columns; column++) {
      let low = Infinity;
      let high = -Infinity;
      for (let i = from; i < to; i++) {
        const value = values[(this.#rows[i] ?? 0) * columns + column] ?? 0;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      this.#boxes[2 * node * columns + column] = low;
      this.#boxes[(2 * node + 1) * columns + column] = high;
      if (high - low > width) [width, widest] = [high - low, column];
    }
    return widest;
  }

  /** Hoare's quickselect: no row before `middle` has a larger value in the column than one from it on. */
  #select(from: number, to: number, middle: number, column: number, values: Float64Array): void {
    const [rows, columns] = [this.#rows, this.#columns];
    const at = (i: number): number => values[(rows[i] ?? 0) * columns + column] ?? 0;
    let [low, high] = [from, to];
    while (low < high) {
      const pivot = at((low + high) >> 1);
      let [i, j] = [low, high];
      while (i <= j) {
        while (at(i) < pivot) i++;
        while (at(j) > pivot) j--;
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

  #visit(node: number, point: Float64Array, nearest: Nearest): void {
    if (node >= this.#firstLeaf) {
      this.#scan(node, point, nearest);
      return;
    }
    const left = this.#distance(2 * node + 1, point);
    const right = this.#distance(2 * node + 2, point);
    const near = left <= right ? 1 : 2;
    if (Math.min(left, right) <= nearest.worst * ROUNDING) this.#visit(2 * node + near, point, nearest);
    if (Math.max(left, right) <= nearest.worst * ROUNDING) this.#visit(2 * node + 3 - near, point, nearest);
  }

  /** From a point to the nearest corner, edge or side of a node's box, squared; 0 inside. */
  #distance(node: number, point: Float64Array): number {
    const [boxes, columns] = [this.#boxes, this.#columns];
    const low = 2 * node * columns;
    const high = low + columns;
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const value = point[column] ?? 0;
      const off = Math.max((boxes[low + column] ?? 0) - value, value - (boxes[high + column] ?? 0), 0);
      sum += off * off;
    }
    return sum;
  }

  /** Offers the rows of a leaf. A row is given up in the middle where it is too far already. */
  #scan(node: number, point: Float64Array, nearest: Nearest): void {
    const [points, columns] = [this.#points, this.#columns];
    const to = this.#to[node] ?? 0;
    for (let i = this.#from[node] ?? 0; i < to; i++) {
      const base = i * columns;
      const { worst } = nearest;
      let sum = 0;
      let column = 0;
      while (column < columns) {
        const stop = Math.min(column + 8, columns);
        for (; column < stop; column++) {
          const off = (point[column] ?? 0) - (points[base + column] ?? 0);
          sum += off * off;
        }
        if (sum > worst) break;
      }
      if (sum <= worst) nearest.offer(sum, this.#rows[i] ?? 0);
    }
  }
}
