import { HushboxError } from "../errors/hushbox-error.js";
import { SLOT_BYTES, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import { NEVER, type Micros } from "../time/micros.js";
import { CaptureReader } from "./capture-reader.js";
import { DeviceMatch } from "./device-match.js";
import { jump, largestFrame } from "./memory.js";
import { nicCounters, type Cards, type Nic } from "./nic.js";
import type { PcapWriter } from "./pcap-writer.js";

export interface PcapFileOptions {
  readonly path: string;
  /** MAC or IP address of the device: what it sent arrives inside, everything else outside. */
  readonly device: string;
  readonly mtu?: number;
  /** What to do where the file ends within a record: `failure` says so after all whole ones, or not. */
  readonly truncated?: "error" | "end";
}

/** Where the frames go that a card of a capture sends; one writer may serve both, or none. */
export interface PcapFileOutputs {
  readonly inside?: PcapWriter;
  readonly outside?: PcapWriter;
}

/** Both cards of the box fed from one capture file, on the capture's time. */
export class PcapFileCards implements Cards {
  readonly inside: PcapFileNic;
  readonly outside: PcapFileNic;
  /** Why the capture could not be read further; known when `exhausted`. */
  failure: HushboxError | null = null;
  readonly #reader: CaptureReader;
  readonly #device: DeviceMatch;
  #now = 0 as Micros;
  /** The card at which the record under the reader arrives; null at the end. */
  #head: PcapFileNic | null = null;

  constructor(opts: PcapFileOptions, modules: { pool: Pool; outputs?: PcapFileOutputs }) {
    const { pool, outputs = {} } = modules;
    this.#device = new DeviceMatch(opts.device);
    this.#reader = CaptureReader.open(opts.path, { truncated: opts.truncated ?? "error" });
    this.inside = new PcapFileNic(`${opts.path} (inside)`, opts.mtu ?? 1500, this, pool, outputs.inside ?? null);
    this.outside = new PcapFileNic(`${opts.path} (outside)`, opts.mtu ?? 1500, this, pool, outputs.outside ?? null);
    this.#advance();
    if (this.#head !== null) this.#now = this.#reader.time as Micros;
  }

  get now(): Micros {
    return this.#now;
  }

  /** True when the last frame has been received. */
  get exhausted(): boolean {
    return this.#head === null;
  }

  /** Records of the capture that have been looked at. */
  get packets(): number {
    return this.#reader.packets;
  }

  turn(until: Micros): Micros {
    this.inside.flush();
    this.outside.flush();
    this.#now = jump(this.#now, until, this.#head === null ? NEVER : (this.#reader.time as Micros));
    return this.#now;
  }

  /** The record under the reader, if it has arrived by now at this card, in a packet. Used by the cards. */
  take(nic: PcapFileNic, pool: Pool): Packet | null {
    const reader = this.#reader;
    while (this.#head === nic && reader.time <= this.#now) {
      const packet = pool.take();
      if (packet === null) {
        nic.counters.noSlot++;
      } else {
        packet.length = reader.copy(pool.bytes, packet.at, SLOT_BYTES);
        packet.wireLength = reader.originalLength;
        // A capture may step back in time; the datapath's clock may not.
        packet.arrivedAt = this.#now;
        nic.counters.received++;
        if (packet.wireLength > largestFrame(pool.view, packet, nic.mtu)) nic.counters.oversize++;
      }
      this.#advance();
      if (packet !== null) return packet;
    }
    return null;
  }

  /** Flushes the outputs but leaves their closing to who made them. */
  close(): void {
    this.inside.close();
    this.outside.close();
    this.#reader.close();
    this.#head = null;
  }

  /** The packets that are still to come must not be lost to an error about the file: it is kept for the end. */
  #advance(): void {
    const reader = this.#reader;
    this.#head = null;
    try {
      if (reader.next()) {
        this.#head = this.#device.sent(reader.view, reader.at, reader.length) ? this.inside : this.outside;
      }
    } catch (error) {
      if (!(error instanceof HushboxError)) throw error;
      this.failure = error;
    }
  }
}

/** One side of PcapFileCards. */
export class PcapFileNic implements Nic {
  readonly name: string;
  readonly mtu: number;
  /** A capture takes frames of any length: those that offloads made long stay so, cut to a slot like by a snap length. */
  readonly longest = Number.POSITIVE_INFINITY;
  readonly up = true;
  readonly room = Number.POSITIVE_INFINITY;
  readonly counters = nicCounters();
  readonly #cards: PcapFileCards;
  readonly #pool: Pool;
  readonly #output: PcapWriter | null;
  readonly #leaving: Packet[] = [];

  constructor(name: string, mtu: number, cards: PcapFileCards, pool: Pool, output: PcapWriter | null) {
    this.name = name;
    this.mtu = mtu;
    this.#cards = cards;
    this.#pool = pool;
    this.#output = output;
  }

  receive(): Packet | null {
    return this.#cards.take(this, this.#pool);
  }

  send(packet: Packet): void {
    this.#leaving.push(packet);
  }

  /** Lets what was handed to `send` leave now. */
  flush(): void {
    const leaving = this.#leaving;
    if (leaving.length === 0) return;
    for (const packet of leaving) {
      this.counters.sent++;
      if (this.#output !== null) writePacket(this.#output, this.#cards.now, packet, this.#pool);
      this.#pool.release(packet);
    }
    leaving.length = 0;
  }

  close(): void {
    this.flush();
    this.#output?.flush();
  }
}

/** Writes a packet as it is on the wire. Where it was cut, what is missing stands before the padding, so only the length tells of both. */
export function writePacket(writer: PcapWriter, at: Micros, packet: Packet, pool: Pool): void {
  const cut = packet.wireLength > packet.length;
  const original = (cut ? packet.wireLength : packet.length) + packet.pad;
  writer.write(at, pool.bytes, packet.at, packet.length, cut ? 0 : packet.pad, original);
}
