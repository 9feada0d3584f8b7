import type { Tap } from "../datapath/tap.js";
import { DOWN, UP, type Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import type { TraceSink } from "./observation.js";
import type { Observer } from "./observer.js";

/**
 * The live tap: what an observer on one side of the box sees. `inside`: the device's own traffic, before anything was done to it, and what it
 * is given. `outside`: what the box sends to the world, and what comes back, replies to decoys too.
 */
export class Recorder implements Tap {
  readonly #view: DataView;
  readonly #arrives: typeof UP | typeof DOWN;
  readonly #observer: Observer;
  readonly #sink: TraceSink;

  /** `view`: that of the pool that the packets live in. */
  constructor(side: "inside" | "outside", view: DataView, observer: Observer, sink: TraceSink) {
    this.#arrives = side === "inside" ? UP : DOWN;
    this.#view = view;
    this.#observer = observer;
    this.#sink = sink;
  }

  arrived(packet: Packet, now: Micros): void {
    if (packet.direction === this.#arrives) this.#pass(packet, now);
  }

  sent(packet: Packet, now: Micros): void {
    if (packet.direction !== this.#arrives) this.#pass(packet, now);
  }

  #pass(packet: Packet, now: Micros): void {
    if (this.#observer.observe(packet, this.#view, packet.direction, now)) this.#sink.seen(this.#observer.observation);
  }
}
