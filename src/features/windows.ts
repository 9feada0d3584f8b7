import { UP } from "../packet/packet.js";
import { NEVER, type Micros } from "../time/micros.js";
import type { Observation } from "../trace/observation.js";
import { FeatureWindow, type WindowField } from "./feature-window.js";

/** How a trace is cut. Survives structuredClone. */
export interface WindowOptions {
  /** `packets`: every `size` packets. `time`: every `size` µs, counted from the trace's first packet. `trace`: all of it. */
  readonly cut: "packets" | "time" | "trace";
  readonly size: number;
  /** Which packets count. */
  readonly direction: "both" | "up" | "down";
  readonly field: WindowField;
}

/** One finished window. `window` is used again afterwards: read it at once. */
export interface WindowSink {
  /** `index`: the number of the window in the trace; windows of time without a packet have a number but are not handed over. `whole`: it was not cut short by the trace's end. */
  window(window: FeatureWindow, index: number, whole: boolean): void;
}

/** Cuts a trace into windows as its packets come by, in one pass. */
export class Windows {
  readonly #options: WindowOptions;
  readonly #sink: WindowSink;
  readonly #window: FeatureWindow;
  #index = 0;
  /** First moment after the present window of time; NEVER before the first packet of the trace. */
  #until = NEVER;

  constructor(options: WindowOptions, sink: WindowSink) {
    this.#options = options;
    this.#sink = sink;
    this.#window = new FeatureWindow(options.field);
  }

  add(seen: Observation): void {
    const { cut, size, direction } = this.#options;
    if (cut === "time") this.#advance(seen.at);
    if (direction !== "both" && (direction === "up") !== (seen.direction === UP)) return;
    this.#window.add(seen);
    if (cut === "packets" && this.#window.packets === size) this.#finish(true);
  }

  /** The trace is over: hands over what is left. */
  end(): void {
    if (this.#window.packets > 0) this.#finish(this.#options.cut === "trace");
  }

  /** Ends the window of time that `at` lies behind, and numbers those without a packet. The first packet of either direction sets the grid. */
  #advance(at: Micros): void {
    const { size } = this.#options;
    if (this.#until === NEVER) this.#until = (at + size) as Micros;
    if (at < this.#until) return;
    if (this.#window.packets > 0) this.#hand(true);
    const steps = Math.floor((at - this.#until) / size) + 1;
    this.#index += steps;
    this.#until = (this.#until + steps * size) as Micros;
  }

  #finish(whole: boolean): void {
    this.#hand(whole);
    this.#index++;
  }

  #hand(whole: boolean): void {
    this.#sink.window(this.#window, this.#index, whole);
    this.#window.clear();
  }
}
