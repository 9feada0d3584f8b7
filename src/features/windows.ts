import type { Observation } from "../trace/observation.js";
import { FeatureWindow, type WindowField } from "./feature-window.js";
import { WindowGrid } from "./window-grid.js";

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

/** Cuts a trace into windows of the twelve features as its packets come by, in one pass. */
export class Windows {
  readonly #grid: WindowGrid;

  constructor(options: WindowOptions, sink: WindowSink) {
    const window = new FeatureWindow(options.field);
    this.#grid = new WindowGrid(options, {
      seen: (observation) => {
        window.add(observation);
      },
      finish: (index, whole) => {
        sink.window(window, index, whole);
        window.clear();
      },
    });
  }

  add(seen: Observation): void {
    this.#grid.add(seen);
  }

  /** The trace is over: hands over what is left. The next packet begins a new one. */
  end(): void {
    this.#grid.end();
  }
}
