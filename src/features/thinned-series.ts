/**
 * A series of unknown length in fixed memory. While it fits, every value is kept; each time the memory is full, every other one goes, and from
 * then on only as many come in. So at least half of the memory is in use, evenly over the series, and the last value is always there.
 */
export class ThinnedSeries {
  count = 0;
  /** Of each `stride` values the first is kept. A power of two. */
  stride = 1;
  last = 0;
  readonly #values: Float64Array;

  /** `capacity`: values kept at most, an even number. */
  constructor(capacity: number) {
    this.#values = new Float64Array(capacity);
  }

  add(value: number): void {
    // A stride is a power of two.
    if ((this.count & (this.stride - 1)) === 0) this.#keep(value);
    this.count++;
    this.last = value;
  }

  /** How many values were kept. */
  get kept(): number {
    return Math.ceil(this.count / this.stride);
  }

  /** The value with the number `i` among those kept, which has the number `i * stride` in the series. */
  keptAt(i: number): number {
    return this.#values[i] ?? 0;
  }

  /** The value at a position from 0 to `count - 1`, between two that were kept on a line between them; 0 for an empty series. */
  at(position: number): number {
    const end = this.count - 1;
    if (end < 0) return 0;
    if (position >= end) return this.last;
    const i = Math.floor(position / this.stride);
    const from = i * this.stride;
    const to = Math.min(from + this.stride, end);
    const [a, b] = [this.keptAt(i), to === end ? this.last : this.keptAt(i + 1)];
    return a + ((b - a) * (position - from)) / (to - from);
  }

  clear(): void {
    this.count = 0;
    this.stride = 1;
    this.last = 0;
  }

  #keep(value: number): void {
    const values = this.#values;
    let place = this.count / this.stride;
    if (place === values.length) {
      place /= 2;
      for (let i = 0; i < place; i++) values[i] = values[2 * i] ?? 0;
      this.stride *= 2;
      // This value has a number that both strides divide: the capacity is even.
    }
    values[place] = value;
  }
}
