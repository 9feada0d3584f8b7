import type { Matrix } from "../features/matrix.js";
import { CoarseGrid } from "./coarse-grid.js";
import { Distances, LANES, STRIDE } from "./distances.js";
import type { Nearest } from "./nearest.js";

/** Rows of a leaf, at most twice as many. To learn and answer takes 11.9 ms in 5000 × 12, with 128 14.3; 6.6 and 7.6 in 1437 × 64 (as test/bench/attacks.ts does). */
const LEAF = 512;
/** Places that a leaf has. */
const PLACES = 2 * LEAF;
/** So many rows at a time are measured while no nearest are known, so often: what they are like keeps most others out. */
const [FEW, TIMES] = [LANES, 4];
/** No sum is larger. */
const MOST = 0x7fff_ffff;
/** Sums of squares differ in their last bits by the order of adding; a box is left out only where it is farther than that. */
const ROUNDING = 1 + 1e-12;

/**
 * Finds the nearest rows by Euclid's distance, exactly: a balanced tree that halves the rows at the median of their widest column
 * (Friedman, Bentley, Finkel, 1977). Node i has the children 2i + 1 and 2i + 2, and the box of its rows. In a leaf, rows are measured on a
 * coarse grid first, eight numbers an instruction instead of two; of the few that may be near by that, columns are added up in doubles, one after the other.
 */
export class NeighbourTree {
  readonly #columns: number;
  readonly #firstLeaf: number;
  /** By node and column: the middle of its values, then how far they reach from it. */
  readonly #boxes: Float64Array;
  /** By leaf, and one behind the last: where its rows begin in `#rows`. */
  readonly #from: Int32Array;
  /** Rows of the matrix, leaf by leaf. */
  readonly #rows: Int32Array;
  readonly #values: Float64Array;
  readonly #grid: CoarseGrid;
  /** Leaves begin at multiples of LANES. */
  readonly #distances: Distances;
  /** How far rows are off their places in the grid, at most. */
  readonly #rowsOff: number;
  /** The same and how far the point is. */
  #off = 0;

  constructor(matrix: Matrix) {
    const levels = Math.max(0, Math.floor(Math.log2(matrix.rows / LEAF)));
    const leaves = 2 ** levels;
    this.#columns = matrix.columns;
    this.#firstLeaf = leaves - 1;
    this.#boxes = new Float64Array(2 * (2 * leaves - 1) * matrix.columns);
    this.#values = matrix.values;
    this.#rows = Int32Array.from({ length: matrix.rows }, (_, row) => row);
    this.#from = new Int32Array(leaves + 1);
    this.#build(0, 0, this.#rows, matrix);

    const root = this.#boxes.subarray(0, 2 * matrix.columns);
    this.#grid = new CoarseGrid(
      root.filter((_, i) => i % 2 === 0),
      Math.max(...root.filter((_, i) => i % 2 === 1)),
    );
    this.#distances = new Distances(matrix.columns, leaves * PLACES, PLACES);
    this.#rowsOff = this.#lay();
  }

  /** Puts the nearest rows to a point into `nearest`, which is cleared before; distances are squared. */
  search(point: Float64Array, nearest: Nearest): void {
    nearest.clear();
    this.#off = this.#rowsOff + this.#grid.place(point, 0, this.#distances.point);
    this.#visit(0, point, nearest);
  }

  /** Orders the rows of a node, which begin at `from` and end where `rows` does, by leaf; writes down where leaves end. */
  #build(node: number, from: number, rows: Int32Array, matrix: Matrix): void {
    const widest = this.#box(node, rows, matrix.values);
    if (node >= this.#firstLeaf) {
      this.#from[node - this.#firstLeaf + 1] = from + rows.length;
      return;
    }
    const middle = rows.length >> 1;
    select(rows, middle, matrix, widest);
    this.#build(2 * node + 1, from, rows.subarray(0, middle), matrix);
    this.#build(2 * node + 2, from + middle, rows.subarray(middle), matrix);
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

  /** Gives every row its place in the grid; answers how far the farthest is off. */
  #lay(): number {
    const place = new Int16Array(this.#columns);
    let far = 0;
    for (let leaf = 0; leaf <= this.#firstLeaf; leaf++) {
      const from = this.#from[leaf] ?? 0;
      const to = this.#from[leaf + 1] ?? 0;
      for (let i = from; i < to; i++) {
        far = Math.max(far, this.#grid.place(this.#values, (this.#rows[i] ?? 0) * this.#columns, place));
        this.#distances.put(leaf * PLACES + i - from, place);
      }
    }
    return far;
  }

  #visit(node: number, point: Float64Array, nearest: Nearest): void {
    if (node >= this.#firstLeaf) {
      this.#scan(node - this.#firstLeaf, point, nearest);
      return;
    }
    const left = this.#distance(2 * node + 1, point);
    const right = this.#distance(2 * node + 2, point);
    const near = left <= right ? 1 : 2;
    // A box without an end is nowhere: it is not left out.
    if (!(Math.min(left, right) > nearest.worst * ROUNDING)) this.#visit(2 * node + near, point, nearest);
    if (!(Math.max(left, right) > nearest.worst * ROUNDING)) this.#visit(2 * node + 3 - near, point, nearest);
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

  #scan(leaf: number, point: Float64Array, nearest: Nearest): void {
    const rows = (this.#from[leaf + 1] ?? 0) - (this.#from[leaf] ?? 0);
    const few = nearest.worst === Infinity ? Math.min(FEW * TIMES, rows) : 0;
    for (let from = 0; from < few; from += FEW) this.#offer(leaf, from, Math.min(from + FEW, rows), point, nearest);
    if (few < rows) this.#offer(leaf, few, rows, point, nearest);
  }

  /** Offers a leaf's rows [from, to), `from` being a multiple of LANES, but for those that the grid says are too far. */
  #offer(leaf: number, from: number, to: number, point: Float64Array, nearest: Nearest): void {
    const base = this.#from[leaf] ?? 0;
    const place = leaf * PLACES;
    let limit = this.#limit(nearest);
    // Not a number neither, where infinities are about: nothing is too far then.
    const found = this.#distances.measure(place + from, place + to, limit < MOST ? limit : MOST);
    for (let i = from, at = 0; i < to; i += LANES, at += STRIDE) {
      for (let left = found[at + LANES] ?? 0; left !== 0; left &= left - 1) {
        const lane = 31 - Math.clz32(left & -left);
        // The limit may have come down since.
        if ((found[at + lane] ?? 0) > limit || i + lane >= to) continue;
        const row = this.#rows[base + i + lane] ?? 0;
        const distance = this.#exact(row, point);
        if (distance <= nearest.worst) {
          nearest.offer(distance, row);
          limit = this.#limit(nearest);
        }
      }
    }
  }

  /** In squared steps of the grid: rows whose places are farther than that are farther than the worst of the nearest. */
  #limit({ worst }: Nearest): number {
    const steps = (Math.sqrt(worst) + this.#off) / this.#grid.step;
    return steps * steps * this.#grid.rounding;
  }

  #exact(row: number, point: Float64Array): number {
    const [values, columns] = [this.#values, this.#columns];
    const from = row * columns;
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const off = (point[column] ?? 0) - (values[from + column] ?? 0);
      sum += off * off;
    }
    return sum;
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
