import type { Observation, TraceSink } from "../trace/observation.js";
import type { Family } from "./family.js";
import { WindowGrid } from "./window-grid.js";
import type { WindowOptions } from "./windows.js";

/** Takes rows. */
export interface RowSink {
  /** `row` is used again afterwards: read it at once. `index` and `whole` as Windows counts them. */
  row(row: Float64Array, index: number, whole: boolean): void;
}

/** Cuts a trace into the same windows as Windows does, and hands over a family's row of each. */
export class FamilyWindows implements TraceSink {
  readonly #grid: WindowGrid;

  constructor(options: Omit<WindowOptions, "field">, family: Family, sink: RowSink) {
    const row = new Float64Array(family.columns.length);
    this.#grid = new WindowGrid(options, {
      seen: (observation) => {
        family.seen(observation);
      },
      finish: (index, whole) => {
        family.write(row);
        sink.row(row, index, whole);
        family.clear();
      },
    });
  }

  seen(observation: Observation): void {
    this.#grid.add(observation);
  }

  /** The trace is over: hands over what is left. The next packet begins a new one. */
  end(): void {
    this.#grid.end();
  }
}
