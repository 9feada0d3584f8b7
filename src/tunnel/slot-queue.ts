import type { Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";

/**
 * Packets that wait for slots, in the order they came, in a ring of fixed size; it owns them. It takes no more than the pool has left: however many
 * queues share a pool, and however full they are, another finds room (dynamic thresholds, Choudhury and Hahne 1998).
 */
export class SlotQueue {
  readonly capacity: number;
  /** IP bytes of a packet at most. */
  readonly largest: number;
  /** Packets that were not taken: it was full, or had its share of the pool; or they are larger than any slot. */
  full = 0;
  oversize = 0;
  /** IP bytes that wait, and the most that ever did. */
  bytes = 0;
  mostBytes = 0;
  readonly #pool: Pool;
  readonly #slots: Int32Array;
  readonly #lengths: Uint16Array;
  #head = 0;
  #size = 0;

  constructor(capacity: number, largest: number, pool: Pool) {
    this.capacity = capacity;
    this.largest = largest;
    this.#pool = pool;
    this.#slots = new Int32Array(capacity);
    this.#lengths = new Uint16Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** Takes a packet of so many IP bytes over. False where it is not taken, which is counted: the caller still owns it. */
  push(packet: Packet, ipBytes: number): boolean {
    if (ipBytes > this.largest) {
      this.oversize++;
      return false;
    }
    if (this.#size === this.capacity || this.#size > this.#pool.available) {
      this.full++;
      return false;
    }
    const place = (this.#head + this.#size++) % this.capacity;
    this.#slots[place] = packet.slot;
    this.#lengths[place] = ipBytes;
    this.bytes += ipBytes;
    if (this.bytes > this.mostBytes) this.mostBytes = this.bytes;
    return true;
  }

  /** IP bytes of the packet that is next, or 0. */
  nextBytes(): number {
    return this.#size === 0 ? 0 : (this.#lengths[this.#head] ?? 0);
  }

  /** The next packet, handed over; null where none waits. */
  shift(): Packet | null {
    if (this.#size === 0) return null;
    const packet = this.#pool.packet(this.#slots[this.#head] ?? 0);
    this.bytes -= this.#lengths[this.#head] ?? 0;
    this.#head = (this.#head + 1) % this.capacity;
    this.#size--;
    return packet;
  }
}
