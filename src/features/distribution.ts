/** What is said of a distribution, in this order. */
export const STATISTICS = ["mean", "std", "min", "max", "q1", "median", "q3"] as const;

/** Below it each number has a bucket of its own; above, each doubling has half as many buckets. */
const EXACT = 64;
const EXACT_BITS = 6;
const STEPS = EXACT / 2;
const BUCKETS = EXACT + (32 - EXACT_BITS) * STEPS;
const LARGEST = 0xffff_ffff;

/**
 * Mean, population deviation, extremes and quartiles of whole numbers from 0 to 2^32 - 1, in fixed memory and one pass. Quartiles come from a
 * histogram: exact below 64, above it off by less than 1/64 of themselves. What an empty one has none of is 0.
 */
export class Distribution {
  count = 0;
  mean = 0;
  min = 0;
  max = 0;
  #squares = 0;
  readonly #buckets = new Uint32Array(BUCKETS);

  /** Adds a number, rounded to a whole one and cut to the range, `times` times. */
  add(number: number, times = 1): void {
    const value = number > LARGEST ? LARGEST : number > 0 ? Math.round(number) : 0;
    const before = this.count;
    this.count += times;
    if (before === 0 || value < this.min) this.min = value;
    if (before === 0 || value > this.max) this.max = value;
    // Welford 1962, for `times` equal values at once.
    const delta = value - this.mean;
    this.mean += (delta * times) / this.count;
    this.#squares += delta * (value - this.mean) * times;
    const i = bucketOf(value);
    this.#buckets[i] = (this.#buckets[i] ?? 0) + times;
  }

  /** The population deviation. */
  get deviation(): number {
    return this.count === 0 ? 0 : Math.sqrt(this.#squares / this.count);
  }

  /** The number at position `q` (count - 1) of the sorted ones, counted from 0; between two of them on a line (NumPy's default). */
  quantile(q: number): number {
    if (this.count === 0) return 0;
    const position = q * (this.count - 1);
    const below = Math.floor(position);
    const part = position - below;
    let rank = -1;
    let low = NaN;
    for (let i = bucketOf(this.min); i < BUCKETS; i++) {
      const n = this.#buckets[i] ?? 0;
      if (n === 0) continue;
      rank += n;
      if (Number.isNaN(low) && rank >= below) {
        low = this.#middle(i);
        if (part === 0 || rank > below) return low;
      } else if (!Number.isNaN(low)) return low + part * (this.#middle(i) - low);
    }
    return low;
  }

  /** STATISTICS, each multiplied by `unit`, into `into` from `at`. Answers the place behind them. */
  write(into: Float64Array, at: number, unit = 1): number {
    into[at] = this.mean * unit;
    into[at + 1] = this.deviation * unit;
    into[at + 2] = this.min * unit;
    into[at + 3] = this.max * unit;
    into[at + 4] = this.quantile(0.25) * unit;
    into[at + 5] = this.quantile(0.5) * unit;
    into[at + 6] = this.quantile(0.75) * unit;
    return at + STATISTICS.length;
  }

  /** Becomes equal to another. */
  copy(other: Distribution): void {
    this.count = other.count;
    this.mean = other.mean;
    this.min = other.min;
    this.max = other.max;
    this.#squares = other.#squares;
    this.#buckets.set(other.#buckets);
  }

  clear(): void {
    if (this.count > 0) this.#buckets.fill(0);
    this.count = this.mean = this.min = this.max = this.#squares = 0;
  }

  /** What stands for a bucket's numbers: its middle, but never beyond what was seen. */
  #middle(bucket: number): number {
    if (bucket < EXACT) return bucket;
    const doubling = ((bucket - EXACT) / STEPS) | 0;
    const width = 2 ** (doubling + 1);
    const middle = (STEPS + ((bucket - EXACT) % STEPS)) * width + width / 2 - 0.5;
    return Math.min(Math.max(middle, this.min), this.max);
  }
}

/** Above EXACT the five bits behind the highest choose the bucket. */
function bucketOf(value: number): number {
  if (value < EXACT) return value;
  const top = 31 - Math.clz32(value);
  return EXACT + (top - EXACT_BITS) * STEPS + ((value >>> (top - EXACT_BITS + 1)) & (STEPS - 1));
}
