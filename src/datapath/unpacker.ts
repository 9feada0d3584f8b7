import type { Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import * as carrier from "../tunnel/carrier.js";
import { copy } from "../wire/copy.js";
import * as ethernet from "../wire/ethernet.js";

/** Takes the packets out of a carrier, one after another, each in a slot of its own with the carrier's link header. */
export class Unpacker {
  readonly #pool: Pool;
  #carrier: Packet | null = null;
  #at = 0;
  /** Packets for which the pool had no slot. */
  lost = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The first packet of a carrier, which begins at `at`; null where there is none. The caller owns it. */
  first(packet: Packet, at: number): Packet | null {
    this.#carrier = packet;
    this.#at = at;
    return this.next();
  }

  /** The next one of the same carrier. */
  next(): Packet | null {
    const { bytes, view } = this.#pool;
    const from = this.#carrier;
    if (from === null) return null;
    const length = carrier.innerBytes(view, this.#at, from.end);
    const packet = length === 0 ? null : this.#pool.take();
    if (packet === null) {
      this.#lose(from.end);
      return null;
    }
    const network = packet.at + ethernet.HEADER;
    copy(bytes, from.at, bytes, packet.at, ethernet.HEADER);
    copy(bytes, this.#at, bytes, network, length);
    ethernet.setType(view, packet.at, view.getUint8(network) >> 4 === 6 ? ethernet.IPV6 : ethernet.IPV4);
    packet.length = packet.wireLength = ethernet.HEADER + length;
    this.#at += length;
    return packet;
  }

  /** What is left of the carrier finds no slot either. */
  #lose(end: number): void {
    const { view } = this.#pool;
    for (let n = carrier.innerBytes(view, this.#at, end); n > 0; n = carrier.innerBytes(view, this.#at, end)) {
      this.lost++;
      this.#at += n;
    }
  }
}
