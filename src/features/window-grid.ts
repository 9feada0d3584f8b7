import { UP } from "../packet/packet.js";
import { NEVER, type Micros } from "../time/micros.js";
import type { Observation, TraceSink } from "../trace/observation.js";
import type { WindowOptions } from "./windows.js";

/** What the packets of a window go into, and what becomes of it. */
export interface Gatherer extends TraceSink {
  /** The window is over: what was seen since the last one. `index` and `whole`: see WindowSink. */
  finish(index: number, whole: boolean): void;
}

/** Cuts a trace into windows as its packets come by, in one pass. */
export class WindowGrid {
  readonly #options: Omit<WindowOptions, "field">;
  readonly #gatherer: Gatherer;
  #packets = 0;
  #index = 0;
  /** First moment after the present window of time; NEVER before the first packet of the trace. */
  #until = NEVER;

  constructor(options: Omit<WindowOptions, "field">, gatherer: Gatherer) {
    this.#options = options;
    this.#gatherer = gatherer;
  }

  add(seen: Observation): void {
    const { cut, size, direction } = this.#options;
    if (cut === "time") this.#advance(seen.at, size);
    if (direction !== "both" && (direction === "up") !== (seen.direction === UP)) return;
    this.#gatherer.seen(seen);
    this.#packets++;
    if (cut !== "packets" || this.#packets < size) return;
    this.#finish(true);
    this.#index++;
  }

  /** The trace is over: what is left is a window. The next packet begins a new one. */
  end(): void {
    if (this.#packets > 0) this.#finish(this.#options.cut === "trace");
    this.#index = 0;
    this.#until = NEVER;
  }

  /** Ends the window of time that `at` lies behind, and numbers those without a packet. The first packet of either direction sets the grid. */
  #advance(at: Micros, size: number): void {
    if (this.#until === NEVER) this.#until = (at + size) as Micros;
    if (at < this.#until) return;
    if (this.#packets > 0) this.#finish(true);
    const steps = Math.floor((at - this.#until) / size) + 1;
    this.#index += steps;
    this.#until = (this.#until + steps * size) as Micros;
  }

  #finish(whole: boolean): void {
    this.#gatherer.finish(this.#index, whole);
    this.#packets = 0;
  }
}
