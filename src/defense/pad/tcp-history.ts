import { UseOrder } from "../../flow/use-order.js";
import type { Random } from "../../random/random.js";
import { copy } from "../../wire/copy.js";
import { add, before, distance } from "../../wire/sequence.js";

/** Bytes kept of a flow: the padding before a segment and the segment together are never longer than a frame. */
const KEPT = 2048;
const MASK = KEPT - 1;
const NONE = -1;

/**
 * What devices sent last in their TCP flows, byte by byte: padding repeats it. Bounded: the flow not used for longest makes room, and is
 * then known from its next packet on, like one that is older than the daemon. A flow's ring costs 2 KiB.
 */
export class TcpHistory {
  /** Flows that have a place at once. */
  readonly capacity: number;
  readonly #order: UseOrder;
  /** By flow: its place. By place: the flow, and its generation in the flow table. */
  readonly #placeOf: Int32Array;
  readonly #flowAt: Int32Array;
  readonly #generation: Uint32Array;
  /** What is known of a flow are the bytes from `base` to `end`; of these the last KEPT are here. */
  readonly #base: Uint32Array;
  readonly #end: Uint32Array;
  readonly #rings: (Uint8Array | undefined)[];
  readonly #filled: Uint8Array;
  readonly #random: Random;

  /** `flows`: the flow table's capacity. */
  constructor(flows: number, capacity: number, random: Random) {
    this.capacity = capacity;
    this.#random = random;
    this.#order = new UseOrder(capacity);
    this.#placeOf = new Int32Array(flows).fill(NONE);
    this.#flowAt = new Int32Array(capacity).fill(NONE);
    this.#generation = new Uint32Array(capacity);
    this.#base = new Uint32Array(capacity);
    this.#end = new Uint32Array(capacity);
    this.#rings = Array.from({ length: capacity });
    this.#filled = new Uint8Array(capacity);
  }

  /** The place of a flow, or -1. `generation`: the flow table's. */
  find(flow: number, generation: number): number {
    const place = this.#placeOf[flow] ?? NONE;
    return place !== NONE && this.#flowAt[place] === flow && this.#generation[place] === generation ? place : NONE;
  }

  /** A place for a flow that has none; the one not used for longest makes room. */
  take(flow: number, generation: number): number {
    const had = this.#placeOf[flow] ?? NONE;
    // One of another generation may be there.
    let place = had !== NONE && this.#flowAt[had] === flow ? had : this.#order.take();
    if (place === NONE) place = this.#order.oldest;
    this.#flowAt[place] = flow;
    this.#generation[place] = generation;
    this.#placeOf[flow] = place;
    this.#filled[place] = 0;
    this.#order.use(place);
    return place;
  }

  /** Nothing before this sequence number is known. */
  begin(place: number, sequence: number): void {
    this.#base[place] = this.#end[place] = sequence;
  }

  use(place: number): void {
    this.#order.use(place);
  }

  /** The first sequence number that is known. */
  base(place: number): number {
    return this.#base[place] ?? 0;
  }

  /** The sequence number behind the last byte that is known. */
  end(place: number): number {
    return this.#end[place] ?? 0;
  }

  /** How many bytes right before `sequence` are here. */
  bytesBefore(place: number, sequence: number): number {
    const [base, end] = [this.base(place), this.end(place)];
    if (before(end, sequence)) return 0;
    const oldest = distance(base, end) > KEPT ? add(end, -KEPT) : base;
    return Math.max(distance(oldest, sequence), 0);
  }

  /** Adds payload that starts at `sequence`: what of it is new. Behind a gap it is all that is known. `held` of its bytes are in `bytes`. */
  append(place: number, sequence: number, length: number, bytes: Uint8Array, at: number, held: number): void {
    if (before(this.end(place), sequence)) this.begin(place, sequence);
    const old = distance(sequence, this.end(place));
    if (old >= length) return;
    const end = add(sequence, length);
    const ring = this.#ring(place);
    for (let i = Math.max(old, length - KEPT); i < length;) {
      const to = (sequence + i) & MASK;
      const count = Math.min(length - i, KEPT - to);
      const real = Math.max(Math.min(count, held - i), 0);
      copy(bytes, at + i, ring, to, real);
      // What a capture cut off.
      ring.fill(0, to + real, to + count);
      i += count;
    }
    this.#end[place] = end;
    // The distance stays readable however long the flow lives.
    if (distance(this.base(place), end) > 2 ** 30) this.#base[place] = add(end, -KEPT);
  }

  /** Writes the `length` bytes before `sequence`, at most KEPT; where nothing is known, random ones, the same each time. */
  copyBefore(place: number, sequence: number, length: number, bytes: Uint8Array, at: number): void {
    const ring = this.#ring(place);
    for (let i = 0; i < length;) {
      const from = (sequence - length + i) & MASK;
      const count = Math.min(length - i, KEPT - from);
      copy(ring, from, bytes, at + i, count);
      i += count;
    }
  }

  /** The ring of a place, filled with random bytes for a new flow: nothing of another one is ever repeated. */
  #ring(place: number): Uint8Array {
    const ring = (this.#rings[place] ??= new Uint8Array(KEPT));
    if (this.#filled[place] === 1) return ring;
    this.#filled[place] = 1;
    for (let i = 0; i < KEPT; i += 4) {
      const word = this.#random.word();
      ring[i] = word;
      ring[i + 1] = word >>> 8;
      ring[i + 2] = word >>> 16;
      ring[i + 3] = word >>> 24;
    }
    return ring;
  }
}
