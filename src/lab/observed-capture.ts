import type { Tap } from "../datapath/tap.js";
import { writePacket } from "../nic/pcap-file.js";
import type { PcapWriter } from "../nic/pcap-writer.js";
import { ipBytes } from "../packet/ip-bytes.js";
import { REAL, SLOT_BYTES, UP, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Micros } from "../time/micros.js";
import { LINK_HEADER, Observer } from "../trace/observer.js";
import { FOREIGN, type Subject } from "../trace/subject.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import type { Prefixes } from "../wire/prefix.js";
import { Quantiles } from "./quantiles.js";

/** Packets and bytes of each direction, as an observer counts them. */
export class Volume {
  readonly up = { packets: 0, bytes: 0 };
  readonly down = { packets: 0, bytes: 0 };

  add(direction: number, length: number): void {
    const side = direction === UP ? this.up : this.down;
    side.packets++;
    side.bytes += length;
  }
}

/** Writes what an observer outside the box would have recorded, and counts what the same observer would have seen without the box. */
export class ObservedCapture implements Tap {
  readonly before = new Volume();
  readonly after = new Volume();
  /** Frames from or to the device itself. */
  own = 0;
  /** Frames between other hosts. */
  foreign = 0;
  /** What real packets on their way up spent in the box, in µs. */
  readonly delays = new Quantiles();
  readonly #vantage: "lan" | "beyond";
  readonly #subject: Subject;
  readonly #pool: Pool;
  readonly #writer: PcapWriter;
  readonly #without: Observer;
  readonly #with: Observer;
  readonly #bytes = new Uint8Array(SLOT_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  constructor(
    vantage: "lan" | "beyond",
    local: Prefixes,
    modules: { readonly subject: Subject; readonly pool: Pool; readonly writer: PcapWriter },
  ) {
    this.#vantage = vantage;
    this.#subject = modules.subject;
    this.#pool = modules.pool;
    this.#writer = modules.writer;
    this.#without = new Observer(vantage, local);
    this.#with = new Observer(vantage, local);
  }

  arrived(packet: Packet, now: Micros): void {
    const { view } = this.#pool;
    if (packet.direction !== UP && this.#subject.direction(packet, view) === FOREIGN) {
      this.foreign++;
      return;
    }
    if (packet.device !== -1) this.own++;
    if (this.#without.observe(packet, view, packet.direction, now)) {
      this.before.add(packet.direction, this.#without.observation.length);
    }
    if (packet.direction !== UP) this.#record(packet, now);
  }

  sent(packet: Packet, now: Micros): void {
    if (packet.direction !== UP) return;
    if (packet.kind === REAL) this.delays.add(now - packet.arrivedAt);
    this.#record(packet, now);
  }

  #record(packet: Packet, now: Micros): void {
    if (!this.#with.observe(packet, this.#pool.view, packet.direction, now)) return;
    this.after.add(packet.direction, this.#with.observation.length);
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
