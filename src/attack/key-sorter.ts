/** Below it insertion sort is faster (test/bench/attacks.ts). */
const FEW = 40;
const MOST_DIGIT_BITS = 8;

/** Sorts small integers in place, in an order of their upper bits only: insertion sort for few, radix sort for many. */
export class KeySorter {
  readonly keys: Int32Array;
  readonly #spare: Int32Array;
  readonly #counts = new Int32Array(1 << MOST_DIGIT_BITS);

  constructor(most: number) {
    this.keys = new Int32Array(most);
    this.#spare = new Int32Array(most);
  }

  /** Sorts the first `count` keys by `key >>> shift`, which lies in [low, high] for all of them. Answers where they stand then. */
  sort(count: number, shift: number, low: number, high: number): Int32Array {
    if (count <= FEW) {
      this.#insert(count);
      return this.keys;
    }
    const bits = 32 - Math.clz32(high - low);
    const passes = Math.ceil(bits / MOST_DIGIT_BITS);
    const width = Math.ceil(bits / passes);
    let [from, to] = [this.keys, this.#spare];
    for (let pass = 0; pass < passes; pass++) {
      this.#pass(from, to, count, low << shift, shift + pass * width, width);
      [from, to] = [to, from];
    }
    return from;
  }

  #insert(count: number): void {
    const { keys } = this;
    for (let i = 1; i < count; i++) {
      const key = keys[i] ?? 0;
      let at = i - 1;
      for (; at >= 0; at--) {
        const other = keys[at] ?? 0;
        if (other <= key) break;
        keys[at + 1] = other;
      }
      keys[at + 1] = key;
    }
  }

  #pass(from: Int32Array, to: Int32Array, count: number, offset: number, shift: number, width: number): void {
    const counts = this.#counts;
    const digits = 1 << width;
    const mask = digits - 1;
    for (let digit = 0; digit < digits; digit++) counts[digit] = 0;
    for (let i = 0; i < count; i++) {
      const digit = (((from[i] ?? 0) - offset) >>> shift) & mask;
      counts[digit] = (counts[digit] ?? 0) + 1;
    }
    let sum = 0;
    for (let digit = 0; digit < digits; digit++) {
      const found = counts[digit] ?? 0;
      counts[digit] = sum;
      sum += found;
    }
    for (let i = 0; i < count; i++) {
      const key = from[i] ?? 0;
      const digit = ((key - offset) >>> shift) & mask;
      const at = counts[digit] ?? 0;
      to[at] = key;
      counts[digit] = at + 1;
    }
  }
}
