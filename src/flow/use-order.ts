const NONE = -1;

/** Places of a table in the order of their last use, and the free ones; a doubly linked list in typed arrays. */
export class UseOrder {
  /** Places in use. */
  size = 0;
  newest = NONE;
  oldest = NONE;
  /** Toward the newest, toward the oldest; free places are linked by `#older`. */
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  #free: number;

  constructor(capacity: number) {
    this.#newer = new Int32Array(capacity);
    this.#older = Int32Array.from({ length: capacity }, (_, i) => (i + 1 < capacity ? i + 1 : NONE));
    this.#free = capacity > 0 ? 0 : NONE;
  }

  /** The place used before this one, or -1. */
  before(place: number): number {
    return this.#older[place] ?? NONE;
  }

  /** A free place, now the newest, or -1. */
  take(): number {
    const place = this.#free;
    if (place === NONE) return NONE;
    this.#free = this.#older[place] ?? NONE;
    this.#lead(place);
    this.size++;
    return place;
  }

  /** Makes a place in use the newest. */
  use(place: number): void {
    if (place === this.newest) return;
    this.#detach(place);
    this.#lead(place);
  }

  /** Makes a place in use a free one. */
  release(place: number): void {
    this.#detach(place);
    this.#older[place] = this.#free;
    this.#free = place;
    this.size--;
  }

  #detach(place: number): void {
    const newer = this.#newer[place] ?? NONE;
    const older = this.#older[place] ?? NONE;
    if (newer === NONE) this.newest = older;
    else this.#older[newer] = older;
    if (older === NONE) this.oldest = newer;
    else this.#newer[older] = newer;
  }

  #lead(place: number): void {
    const second = this.newest;
    this.#newer[place] = NONE;
    this.#older[place] = second;
    if (second === NONE) this.oldest = place;
    else this.#newer[second] = place;
    this.newest = place;
  }
}
