import { tupleHash } from "./tuple-hash.js";

const WAYS = 4;

/**
 * The address-and-port tuples in use: a fixed table of sets of four places, of which the one that was not used for longest makes room. A flood of
 * new tuples does not push out those that are in use.
 */
export class RecentTuples {
  /** Places there are, from 0 on. */
  readonly places: number;
  readonly #mask: number;
  readonly #keys: Int32Array;
  /** When a place was last used, in calls; 0: never. */
  readonly #used: Float64Array;
  #clock = 0;

  /** `sets`: a power of two. */
  constructor(sets: number) {
    this.places = sets * WAYS;
    this.#mask = sets - 1;
    this.#keys = new Int32Array(this.places * 2);
    this.#used = new Float64Array(this.places);
  }

  /** The place of a tuple, used now; -1 where it has none. The addresses, 16 bytes each, are at `from` and `to`; `ports` are both in one word. */
  find(addresses: DataView, from: number, to: number, ports: number): number {
    const hash = tupleHash(addresses, from, to, ports);
    const place = this.#search(hash, ports);
    if (place >= 0) this.#used[place] = ++this.#clock;
    return place;
  }

  /** The same; where it has none it is given one, and the answer is that place's complement (`~place`): what was kept there is another's. */
  place(addresses: DataView, from: number, to: number, ports: number): number {
    const hash = tupleHash(addresses, from, to, ports);
    const known = this.#search(hash, ports);
    const place = known < 0 ? this.#oldest(hash) : known;
    this.#used[place] = ++this.#clock;
    if (known >= 0) return known;
    this.#keys[place * 2] = hash;
    this.#keys[place * 2 + 1] = ports;
    return ~place;
  }

  #search(hash: number, ports: number): number {
    const first = (hash & this.#mask) * WAYS;
    for (let place = first; place < first + WAYS; place++) {
      if (this.#keys[place * 2] === hash && this.#keys[place * 2 + 1] === ports && this.#used[place] !== 0)
        return place;
    }
    return -1;
  }

  #oldest(hash: number): number {
    const first = (hash & this.#mask) * WAYS;
    let oldest = first;
    for (let place = first + 1; place < first + WAYS; place++) {
      if ((this.#used[place] ?? 0) < (this.#used[oldest] ?? 0)) oldest = place;
    }
    return oldest;
  }
}
