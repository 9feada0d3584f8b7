/** Buckets in each doubling: a quantile is off by less than 0.14 % of itself. */
const STEPS = 512;
const DOUBLINGS = 40;

/** Quantiles of many positive numbers in constant memory: a histogram whose buckets grow with the value. */
export class Quantiles {
  count = 0;
  readonly #buckets = new Float64Array(2 + DOUBLINGS * STEPS);

  /** Numbers below 1 count as 0. */
  add(value: number): void {
    this.count++;
    const i = value < 1 ? 0 : 1 + Math.min(Math.floor(Math.log2(value) * STEPS), DOUBLINGS * STEPS);
    this.#buckets[i] = (this.#buckets[i] ?? 0) + 1;
  }

  /** The value that a share `q` of the numbers does not exceed, as the middle of its bucket; 0 where there are none. */
  at(q: number): number {
    const rank = Math.max(1, Math.ceil(q * this.count));
    let below = 0;
    for (const [i, n] of this.#buckets.entries()) {
      below += n;
      if (n > 0 && below >= rank) return i === 0 ? 0 : 2 ** ((i - 0.5) / STEPS);
    }
    return 0;
  }
}
