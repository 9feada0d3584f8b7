import type { Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import { NEVER, type Micros } from "../time/micros.js";

/**
 * Packets that wait for their departure, earliest first; those of one moment in the order they came. A binary heap in typed
 * arrays with a fixed number of places; it owns the packets in it.
 */
export class DepartureQueue {
  readonly capacity: number;
  readonly #pool: Pool;
  readonly #at: Float64Array;
  readonly #order: Float64Array;
  readonly #slot: Int32Array;
  #size = 0;
  #count = 0;

  constructor(capacity: number, pool: Pool) {
    this.capacity = capacity;
    this.#pool = pool;
    this.#at = new Float64Array(capacity);
    this.#order = new Float64Array(capacity);
    this.#slot = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The earliest departure, or NEVER. */
  nextAt(): Micros {
    return this.#size === 0 ? NEVER : ((this.#at[0] ?? 0) as Micros);
  }

  /** Takes the packet over, to leave at its `departAt`. False when full: the caller still owns it. */
  push(packet: Packet): boolean {
    if (this.#size === this.capacity) return false;
    const at = packet.departAt;
    const order = this.#count++;
    let i = this.#size++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      // An equal moment stays behind: its order number is higher than every one in the heap.
      if ((this.#at[parent] ?? 0) <= at) break;
      this.#move(parent, i);
      i = parent;
    }
    this.#at[i] = at;
    this.#order[i] = order;
    this.#slot[i] = packet.slot;
    return true;
  }

  /** The earliest packet if it is due at `now`, handed over to the caller; else null. */
  popDue(now: Micros): Packet | null {
    if (this.#size === 0 || (this.#at[0] ?? 0) > now) return null;
    const packet = this.#pool.packet(this.#slot[0] ?? 0);
    const last = --this.#size;
    const at = this.#at[last] ?? 0;
    const order = this.#order[last] ?? 0;
    const slot = this.#slot[last] ?? 0;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#before(child + 1, child)) child++;
      const childAt = this.#at[child] ?? 0;
      if (at < childAt || (at === childAt && order < (this.#order[child] ?? 0))) break;
      this.#move(child, i);
      i = child;
    }
    this.#at[i] = at;
    this.#order[i] = order;
    this.#slot[i] = slot;
    return packet;
  }

  #before(a: number, b: number): boolean {
    const atA = this.#at[a] ?? 0;
    const atB = this.#at[b] ?? 0;
    return atA < atB || (atA === atB && (this.#order[a] ?? 0) < (this.#order[b] ?? 0));
  }

  #move(from: number, to: number): void {
    this.#at[to] = this.#at[from] ?? 0;
    this.#order[to] = this.#order[from] ?? 0;
    this.#slot[to] = this.#slot[from] ?? 0;
  }
}
