import { CaptureReader } from "../../nic/capture-reader.js";
import { micros, NEVER, type Micros } from "../../time/micros.js";
import type { Observation, TraceSink } from "../../trace/observation.js";
import type { Entry } from "./dataset.js";

/** Lets through what lies in an entry's stretch of its capture. */
export class Stretch implements TraceSink {
  packets = 0;
  readonly #from: number;
  readonly #to: number;
  readonly #sink: TraceSink;

  /** Throws as CaptureReader does where the capture has to be asked when it began. */
  constructor({ path, from, to }: Entry, sink: TraceSink) {
    const start = from === 0 && to === NEVER ? micros(0) : firstTime(path);
    this.#from = start + from;
    this.#to = to === NEVER ? NEVER : start + to;
    this.#sink = sink;
  }

  seen(observation: Observation): void {
    if (observation.at < this.#from || observation.at >= this.#to) return;
    this.packets++;
    this.#sink.seen(observation);
  }
}

/** The time of a capture's first packet, in µs. */
function firstTime(path: string): Micros {
  const reader = CaptureReader.open(path);
  try {
    return micros(reader.next() ? reader.time : 0);
  } finally {
    reader.close();
  }
}
