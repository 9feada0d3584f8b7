import type { Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import type { TraceSink } from "../trace/observation.js";
import type { Observer } from "../trace/observer.js";
import type { SightSink } from "./observed-traffic.js";

/** An observer, and who takes its trace. */
export interface Eye {
  readonly observer: Observer;
  readonly sink: TraceSink;
}

/** Shows the packets behind the box to several observers at once, each of whom makes a trace of its own. */
export class Eyes implements SightSink {
  readonly #view: DataView;
  readonly #eyes: readonly Eye[];

  /** `view`: of the pool that the packets are in. */
  constructor(view: DataView, eyes: readonly Eye[]) {
    this.#view = view;
    this.#eyes = eyes;
  }

  saw(packet: Packet, now: Micros): void {
    for (const { observer, sink } of this.#eyes)
      if (observer.observe(packet, this.#view, packet.direction, now)) sink.seen(observer.observation);
  }
}
