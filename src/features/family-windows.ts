import { UP } from "../packet/packet.js";
import { NEVER, type Micros } from "../time/micros.js";
import type { Observation, TraceSink } from "../trace/observation.js";
import type { Family } from "./family.js";
import type { WindowOptions } from "./windows.js";

/** Takes rows. */
export interface RowSink {
  /** `row` is used again afterwards: read it at once. `index` and `whole` as Windows counts them. */
  row(row: Float64Array, index: number, whole: boolean): void;
}

/** Cuts a trace into the same windows as Windows does, and hands over a family's row of each. */
export class FamilyWindows implements TraceSink {
  readonly #options: Omit<WindowOptions, "field">;
  readonly #family: Family;
  readonly #sink: RowSink;
  readonly #row: Float64Array;
  #packets = 0;
  #index = 0;
  /** First moment after the present window of time; NEVER before the first packet of the trace. */
  #until = NEVER;

  constructor(options: Omit<WindowOptions, "field">, family: Family, sink: RowSink) {
    this.#options = options;
    this.#family = family;
    this.#sink = sink;
    this.#row = new Float64Array(family.columns.length);
  }

  seen(observation: Observation): void {
    const { cut, size, direction } = this.#options;
    if (cut === "time") this.#advance(observation.at, size);
    if (direction !== "both" && (direction === "up") !== (observation.direction === UP)) return;
    this.#family.seen(observation);
    this.#packets++;
    if (cut !== "packets" || this.#packets < size) return;
    this.#hand(true);
    this.#index++;
  }

  /** The trace is over: hands over what is left. The next packet begins a new one. */
  end(): void {
    if (this.#packets > 0) this.#hand(this.#options.cut === "trace");
    this.#index = 0;
    this.#until = NEVER;
  }

  #advance(at: Micros, size: number): void {
    if (this.#until === NEVER) this.#until = (at + size) as Micros;
    if (at < this.#until) return;
    if (this.#packets > 0) this.#hand(true);
    const steps = Math.floor((at - this.#until) / size) + 1;
    this.#index += steps;
    this.#until = (this.#until + steps * size) as Micros;
  }

  #hand(whole: boolean): void {
    this.#family.write(this.#row);
    this.#sink.row(this.#row, this.#index, whole);
    this.#family.clear();
    this.#packets = 0;
  }
}
