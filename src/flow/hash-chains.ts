const NONE = -1;

/** The places of a table, chained by the bucket of their key's hash; typed arrays only. */
export class HashChains {
  readonly #mask: number;
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #bucketOf: Int32Array;

  constructor(capacity: number) {
    this.#mask = 2 ** Math.ceil(Math.log2(Math.max(capacity, 2))) - 1;
    this.#first = new Int32Array(this.#mask + 1).fill(NONE);
    this.#next = new Int32Array(capacity);
    this.#bucketOf = new Int32Array(capacity);
  }

  /** The first place in the bucket of a hash, or -1. */
  first(hash: number): number {
    return this.#first[hash & this.#mask] ?? NONE;
  }

  /** The place behind this one in its bucket, or -1. */
  next(place: number): number {
    return this.#next[place] ?? NONE;
  }

  add(place: number, hash: number): void {
    const bucket = hash & this.#mask;
    this.#next[place] = this.#first[bucket] ?? NONE;
    this.#first[bucket] = place;
    this.#bucketOf[place] = bucket;
  }

  remove(place: number): void {
    const bucket = this.#bucketOf[place] ?? 0;
    const next = this.#next[place] ?? NONE;
    let before = this.#first[bucket] ?? NONE;
    if (before === place) {
      this.#first[bucket] = next;
      return;
    }
    while (before !== NONE && this.#next[before] !== place) before = this.#next[before] ?? NONE;
    if (before !== NONE) this.#next[before] = next;
  }
}
