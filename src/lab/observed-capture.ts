import { writePacket } from "../nic/pcap-file.js";
import type { PcapWriter } from "../nic/pcap-writer.js";
import { ipBytes } from "../packet/ip-bytes.js";
import { SLOT_BYTES, UP, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Micros } from "../time/micros.js";
import { LINK_HEADER } from "../trace/observer.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import type { SightSink } from "./observed-traffic.js";

/** Writes what an observer outside the box sees as that observer would have recorded it. */
export class ObservedCapture implements SightSink {
  readonly #vantage: "lan" | "beyond";
  readonly #pool: Pool;
  readonly #writer: PcapWriter;
  readonly #bytes = new Uint8Array(SLOT_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  constructor(vantage: "lan" | "beyond", modules: { readonly pool: Pool; readonly writer: PcapWriter }) {
    this.#vantage = vantage;
    this.#pool = modules.pool;
    this.#writer = modules.writer;
  }

  saw(packet: Packet, now: Micros): void {
    if (this.#vantage === "lan") writePacket(this.#writer, now, packet, this.#pool);
    else this.#writeBehindRouter(packet, now);
  }

  /** Tag and trailer are gone, and the router has taken one hop from what goes up, or not yet from what comes down. */
  #writeBehindRouter(packet: Packet, now: Micros): void {
    const { bytes, view } = this.#pool;
    const held = packet.end - packet.network;
    this.#bytes.set(bytes.subarray(packet.at, packet.at + LINK_HEADER));
    this.#bytes.set(bytes.subarray(packet.network, packet.end), LINK_HEADER);
    ethernet.setType(this.#view, 0, packet.etherType);
    if (packet.version === 4) {
      ipv4.setTtl(this.#view, LINK_HEADER, beyond(packet, ipv4.ttl(this.#view, LINK_HEADER)));
      ipv4.updateChecksum(this.#view, LINK_HEADER);
    } else {
      ipv6.setHopLimit(this.#view, LINK_HEADER, beyond(packet, ipv6.hopLimit(this.#view, LINK_HEADER)));
    }
    const original = LINK_HEADER + ipBytes(packet, view);
    this.#writer.write(now, this.#bytes, 0, LINK_HEADER + held, 0, original);
  }
}

function beyond(packet: Packet, hops: number): number {
  return packet.direction === UP ? hops - 1 : Math.min(hops + 1, 255);
}
