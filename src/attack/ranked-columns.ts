import type { Matrix } from "../features/matrix.js";

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
const DIGIT_MASK = DIGITS - 1;

/**
 * The columns of a table, each value replaced by its rank among the different values of its column: trees only ask which of two values is
 * larger, and small integers sort faster than doubles. Values count as equal where they are in single precision, as in
 * scikit-learn, so that no tree learns from the rounding of a sum.
 */
export class RankedColumns {
  readonly rows: number;
  readonly columns: number;
  /** `ranks[column * rows + row]`, from 0. */
  readonly ranks: Int32Array;
  /** `order[column * rows + i]`: the row of the i-th smallest value; of equals the lower row first. */
  readonly order: Int32Array;
  /** How many different values the column with most of them has. */
  readonly mostValues: number;
  /** `#values[column * rows + rank]`. */
  readonly #values: Float32Array;

  constructor(samples: Matrix) {
    const { rows, columns } = samples;
    this.rows = rows;
    this.columns = columns;
    this.ranks = new Int32Array(rows * columns);
    this.order = new Int32Array(rows * columns);
    this.#values = new Float32Array(rows * columns);
    const sorter = new FloatSorter(rows);
    let most = 0;
    for (let column = 0; column < columns; column++) {
      for (let row = 0; row < rows; row++) sorter.values[row] = samples.values[row * columns + column] ?? 0;
      most = Math.max(most, this.#rank(column, sorter));
    }
    this.mostValues = most;
  }

  #rank(column: number, sorter: FloatSorter): number {
    const base = column * this.rows;
    const order = sorter.sort();
    let rank = -1;
    let last = NaN;
    for (let i = 0; i < order.length; i++) {
      const row = order[i] ?? 0;
      const value = sorter.values[row] ?? 0;
      if (value !== last) {
        this.#values[base + ++rank] = value;
        last = value;
      }
      this.ranks[base + row] = rank;
      this.order[base + i] = row;
    }
    return rank + 1;
  }

  /** The middle between the values of two ranks: no smaller than the lower and below the higher, which are of single precision. */
  between(column: number, low: number, high: number): number {
    const base = column * this.rows;
    return (this.#values[base + low] ?? 0) / 2 + (this.#values[base + high] ?? 0) / 2;
  }
}

/** Sorts rows by a single-precision value each: radix sort, three digits, stable. */
class FloatSorter {
  readonly values: Float32Array;
  readonly #bits: Int32Array;
  readonly #keys: Int32Array;
  readonly #counts = new Int32Array(DIGITS);
  #rows: Int32Array;
  #spare: Int32Array;

  constructor(rows: number) {
    this.values = new Float32Array(rows);
    this.#bits = new Int32Array(this.values.buffer);
    this.#keys = new Int32Array(rows);
    this.#rows = new Int32Array(rows);
    this.#spare = new Int32Array(rows);
  }

  sort(): Int32Array {
    const keys = this.#keys;
    for (let row = 0; row < keys.length; row++) {
      const bits = this.#bits[row] ?? 0;
      // Negative floats order backwards by their bits.
      keys[row] = bits < 0 ? ~bits : bits | 0x8000_0000;
      this.#rows[row] = row;
    }
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) this.#pass(shift);
    return this.#rows;
  }

  #pass(shift: number): void {
    const [keys, counts, from, to] = [this.#keys, this.#counts, this.#rows, this.#spare];
    counts.fill(0);
    for (let i = 0; i < keys.length; i++) {
      const digit = ((keys[i] ?? 0) >>> shift) & DIGIT_MASK;
      counts[digit] = (counts[digit] ?? 0) + 1;
    }
    let sum = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const count = counts[digit] ?? 0;
      counts[digit] = sum;
      sum += count;
    }
    for (let i = 0; i < from.length; i++) {
      const row = from[i] ?? 0;
      const digit = ((keys[row] ?? 0) >>> shift) & DIGIT_MASK;
      const at = counts[digit] ?? 0;
      to[at] = row;
      counts[digit] = at + 1;
    }
    this.#rows = to;
    this.#spare = from;
  }
}
