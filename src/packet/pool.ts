import { HushboxError } from "../errors/hushbox-error.js";
import { Packet, SLOT_BYTES } from "./packet.js";

/**
 * A fixed number of packet slots in one buffer. The stack of free slots lies in a typed array too, so that the native
 * card can take slots from it for what it receives, without a call for each.
 */
export class Pool {
  readonly capacity: number;
  /** The slots' bytes, `capacity * SLOT_BYTES`. */
  readonly buffer: ArrayBuffer;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** `free[0]` is the number of free slots, `free[1..]` the slots themselves, top last. */
  readonly free: Int32Array;
  readonly #packets: readonly Packet[];

  constructor(capacity: number) {
    this.capacity = capacity;
    this.buffer = new ArrayBuffer(capacity * SLOT_BYTES);
    this.view = new DataView(this.buffer);
    this.bytes = new Uint8Array(this.buffer);
    this.free = new Int32Array(capacity + 1);
    this.free[0] = capacity;
    for (let i = 0; i < capacity; i++) this.free[i + 1] = capacity - 1 - i;
    this.#packets = Array.from({ length: capacity }, (_, slot) => new Packet(slot));
  }

  /** Free slots left. */
  get available(): number {
    return this.free[0] ?? 0;
  }

  /** Takes a cleared packet out, or null when all are in use: the caller counts that. */
  take(): Packet | null {
    const n = this.free[0] ?? 0;
    if (n === 0) return null;
    this.free[0] = n - 1;
    const packet = this.packet(this.free[n] ?? 0);
    packet.clear();
    return packet;
  }

  /** Gives a packet back. Giving one back twice is a bug in the caller and is found as soon as the stack would overflow. */
  release(packet: Packet): void {
    const n = (this.free[0] ?? 0) + 1;
    if (n > this.capacity) throw new HushboxError("internal", `packet ${String(packet.slot)} was freed twice`);
    this.free[n] = packet.slot;
    this.free[0] = n;
  }

  /** The packet of a slot number. */
  packet(slot: number): Packet {
    const packet = this.#packets[slot];
    if (packet === undefined) throw new HushboxError("internal", `there is no packet slot ${String(slot)}`);
    return packet;
  }
}
