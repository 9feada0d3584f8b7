const WORDS = 5;

/** A set of 16-byte addresses: open addressing over words, grown at half load. A place is taken when its stamp is this round's. */
export class AddressSet {
  size = 0;
  #capacity: number;
  /** Four words of address and the stamp, for each place. */
  #places: Uint32Array;
  #round = 1;

  constructor(capacity = 64) {
    this.#capacity = capacity;
    this.#places = new Uint32Array(capacity * WORDS);
  }

  /** Adds the 16 bytes at `at`. */
  add(view: DataView, at: number): void {
    this.#insert(view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12));
  }

  clear(): void {
    this.size = 0;
    this.#round++;
    if (this.#round > 0xffff_ffff) {
      this.#places.fill(0);
      this.#round = 1;
    }
  }

  #insert(a: number, b: number, c: number, d: number): void {
    const places = this.#places;
    const mask = this.#capacity - 1;
    let hash = Math.imul(
      a ^ Math.imul(b ^ Math.imul(c ^ Math.imul(d, 0x9e3779b1), 0x85ebca6b), 0xc2b2ae35),
      0x27d4eb2f,
    );
    hash ^= hash >>> 15;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const i = place * WORDS;
      if (places[i + 4] !== this.#round) {
        places[i] = a;
        places[i + 1] = b;
        places[i + 2] = c;
        places[i + 3] = d;
        places[i + 4] = this.#round;
        this.size++;
        if (this.size * 2 > this.#capacity) this.#grow();
        return;
      }
      if (places[i + 3] === d && places[i + 2] === c && places[i + 1] === b && places[i] === a) return;
    }
  }

  #grow(): void {
    const old = this.#places;
    const round = this.#round;
    this.#capacity *= 2;
    this.#places = new Uint32Array(this.#capacity * WORDS);
    this.#round = 1;
    this.size = 0;
    for (let i = 0; i < old.length; i += WORDS) {
      if (old[i + 4] === round) this.#insert(old[i] ?? 0, old[i + 1] ?? 0, old[i + 2] ?? 0, old[i + 3] ?? 0);
    }
  }
}
