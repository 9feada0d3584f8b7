import type { Tap } from "../datapath/tap.js";
import { REAL, UP, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Micros } from "../time/micros.js";
import { Observer } from "../trace/observer.js";
import { FOREIGN, type Subject } from "../trace/subject.js";
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

/** What becomes of what an observer outside the box sees. */
export interface SightSink {
  /** A packet in the pool as it passes the observer: on its way up behind the box, on its way down before it. It is not to be kept. */
  saw(packet: Packet, now: Micros): void;
}

/** Counts what an observer outside the box sees, and what the same observer would have seen without the box; shows it to a sink. */
export class ObservedTraffic implements Tap {
  readonly before = new Volume();
  readonly after = new Volume();
  /** Frames from or to the device itself. */
  own = 0;
  /** Frames between other hosts. */
  foreign = 0;
  /** What real packets on their way up spent in the box, in µs. */
  readonly delays = new Quantiles();
  readonly #subject: Subject;
  readonly #pool: Pool;
  readonly #sink: SightSink;
  readonly #without: Observer;
  readonly #with: Observer;

  constructor(
    vantage: "lan" | "beyond",
    local: Prefixes,
    modules: { readonly subject: Subject; readonly pool: Pool; readonly sink: SightSink },
  ) {
    this.#subject = modules.subject;
    this.#pool = modules.pool;
    this.#sink = modules.sink;
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
    this.undefended(packet, now);
    if (packet.direction !== UP) this.defended(packet, now);
  }

  sent(packet: Packet, now: Micros): void {
    if (packet.direction !== UP) return;
    if (packet.kind === REAL) this.delays.add(now - packet.arrivedAt);
    this.defended(packet, now);
  }

  /** A packet as it would pass the observer without a box. False where nothing of it shows there. */
  undefended(packet: Packet, now: Micros): boolean {
    if (!this.#without.observe(packet, this.#pool.view, packet.direction, now)) return false;
    this.before.add(packet.direction, this.#without.observation.length);
    return true;
  }

  /** What passes the observer in its stead. */
  defended(packet: Packet, now: Micros): void {
    if (!this.#with.observe(packet, this.#pool.view, packet.direction, now)) return;
    this.after.add(packet.direction, this.#with.observation.length);
    this.#sink.saw(packet, now);
  }
}
