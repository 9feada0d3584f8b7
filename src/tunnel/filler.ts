import { DECOY, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import { copy } from "../wire/copy.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import { writeIpv4Header } from "../wire/ipv4-header.js";
import { NO_NEXT_HEADER } from "../wire/protocol.js";
import * as carrier from "./carrier.js";
import type { SlotQueue } from "./slot-queue.js";

/** What the last filled slot held. */
export interface Filled {
  /** Real packets, and their IP bytes. */
  packets: number;
  bytes: number;
}

/**
 * Fills slots. What comes out is a frame whose Ethernet header stands empty but for the type, for interfaces without one: the plaintext
 * begins at `network`, and `pad` says how many zeros complete it.
 */
export class Filler {
  readonly filled: Filled = { packets: 0, bytes: 0 };
  readonly #size: number;
  readonly #ends: carrier.Ends;
  readonly #pool: Pool;
  readonly #left: (packet: Packet) => void;

  /** `size`: bytes of every plaintext. `left`: hears of each real packet as it leaves in a carrier, before it is freed. */
  constructor(size: number, ends: carrier.Ends, pool: Pool, left: (packet: Packet) => void) {
    this.#size = size;
    this.#ends = ends;
    this.#pool = pool;
    this.#left = left;
  }

  /** A carrier with as many packets as fit, in order; null where the pool has no slot for it. */
  carrier(queue: SlotQueue, header: carrier.Header): Packet | null {
    const { filled } = this;
    filled.packets = filled.bytes = 0;
    const out = this.#pool.take();
    if (out === null) return null;
    const { bytes, view } = this.#pool;
    const start = out.at + ethernet.HEADER;
    const end = start + this.#size;
    let at = start + carrier.OVERHEAD;
    for (let next = queue.nextBytes(); next > 0 && at + next <= end; next = queue.nextBytes()) {
      const packet = queue.shift();
      if (packet === null) break;
      copy(bytes, packet.network, bytes, at, next);
      at += next;
      filled.packets++;
      filled.bytes += next;
      this.#left(packet);
      this.#pool.release(packet);
    }
    header.waiting = queue.bytes;
    // The whole size is the carrier's own: the zeros behind the last packet end the reading.
    carrier.write(view, start, this.#size, this.#ends, header);
    this.#finish(out, at - start, filled.packets === 0);
    return out;
  }

  /** The next packet as it is, or, where none waits, one that the peer drops in silence; null where the pool has no slot for it. */
  plain(queue: SlotQueue): Packet | null {
    const { filled } = this;
    const real = queue.nextBytes();
    const packet = queue.shift();
    filled.packets = packet === null ? 0 : 1;
    filled.bytes = real;
    if (packet === null) return this.#nothing();
    packet.pad = Math.max(0, this.#size - real);
    this.#left(packet);
    return packet;
  }

  /** An IP packet without anything, from an address that the peer does not let us have: it is dropped after decryption, with no answer. */
  #nothing(): Packet | null {
    const out = this.#pool.take();
    if (out === null) return null;
    const { view } = this.#pool;
    const at = out.at + ethernet.HEADER;
    const { source, destination } = this.#ends;
    writeIpv4Header(view, at, this.#size, NO_NEXT_HEADER, 1, source, destination);
    this.#finish(out, ipv4.HEADER, true);
    return out;
  }

  #finish(out: Packet, length: number, decoy: boolean): void {
    const { view } = this.#pool;
    ethernet.setDestination(view, out.at, 0);
    ethernet.setSource(view, out.at, 0);
    ethernet.setType(view, out.at, ethernet.IPV4);
    out.network = out.at + ethernet.HEADER;
    out.length = out.wireLength = ethernet.HEADER + length;
    out.end = out.network + length;
    out.etherType = ethernet.IPV4;
    out.version = 4;
    out.pad = this.#size - length;
    if (decoy) out.kind = DECOY;
  }
}
