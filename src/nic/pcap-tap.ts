import { HushboxError } from "../errors/hushbox-error.js";
import type { Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Micros } from "../time/micros.js";
import type { Cards, Nic } from "./nic.js";
import { WrappedNic } from "./wrapped-nic.js";
import { writePacket } from "./pcap-file.js";
import type { PcapWriter } from "./pcap-writer.js";

export interface PcapTapOptions {
  /** Added to the card's time to make it epoch time, which is what a capture holds; 0 where it is epoch time already. */
  readonly epoch: Micros;
}

/** A card that writes every frame it receives or sends to a capture, and is otherwise the card beneath it. */
export class PcapTap extends WrappedNic {
  /** Why the writing ended, if it did: the packets go on. */
  failure: HushboxError | null = null;
  readonly #writer: PcapWriter;
  readonly #pool: Pool;
  readonly #epoch: Micros;
  #now = 0 as Micros;

  constructor(opts: PcapTapOptions, modules: { nic: Nic; writer: PcapWriter; pool: Pool }) {
    super(modules.nic);
    this.#epoch = opts.epoch;
    this.#writer = modules.writer;
    this.#pool = modules.pool;
  }

  override receive(): Packet | null {
    const packet = this.nic.receive();
    if (packet !== null) this.#write(packet, packet.arrivedAt);
    return packet;
  }

  override send(packet: Packet): void {
    this.#write(packet, this.#now);
    this.nic.send(packet);
  }

  /** Says what time it is; frames sent from now on carry it. */
  at(now: Micros): void {
    this.#now = now;
  }

  override close(): void {
    this.nic.close();
    this.finish();
  }

  /** Closes the capture, not the card. */
  finish(): void {
    try {
      this.#writer.close();
    } catch (error) {
      this.#failed(error);
    }
  }

  #write(packet: Packet, at: Micros): void {
    if (this.failure !== null) return;
    try {
      writePacket(this.#writer, (at + this.#epoch) as Micros, packet, this.#pool);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (!(error instanceof HushboxError)) throw error;
    this.failure = error;
  }
}

/** Two cards, with a tap on each that a writer is given for. */
export class TappedCards implements Cards {
  readonly inside: Nic;
  readonly outside: Nic;
  readonly #cards: Cards;
  readonly #taps: PcapTap[] = [];

  constructor(
    opts: PcapTapOptions,
    modules: { cards: Cards; inside: PcapWriter | null; outside: PcapWriter | null; pool: Pool },
  ) {
    const { cards, pool } = modules;
    const tap = (nic: Nic, writer: PcapWriter | null): Nic => {
      if (writer === null) return nic;
      const tapped = new PcapTap(opts, { nic, writer, pool });
      this.#taps.push(tapped);
      return tapped;
    };
    this.#cards = cards;
    this.inside = tap(cards.inside, modules.inside);
    this.outside = tap(cards.outside, modules.outside);
  }

  /** Why the writing ended on one of the taps, if it did. */
  get failure(): HushboxError | null {
    return this.#taps.find((tap) => tap.failure !== null)?.failure ?? null;
  }

  turn(until: Micros): Micros {
    const now = this.#cards.turn(until);
    for (const tap of this.#taps) tap.at(now);
    return now;
  }

  close(): void {
    this.#cards.close();
    for (const tap of this.#taps) tap.finish();
  }
}
