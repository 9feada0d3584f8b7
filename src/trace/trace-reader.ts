import { CaptureReader, type CaptureReaderOptions } from "../nic/capture-reader.js";
import { dissect } from "../packet/dissect.js";
import { Pool } from "../packet/pool.js";
import { micros } from "../time/micros.js";
import type { TraceSink } from "./observation.js";
import type { Observer } from "./observer.js";
import { FOREIGN, type Subject } from "./subject.js";

/** Passes a capture through an observer's eyes, a stretch at a time, in one pass and constant memory. */
export class TraceReader {
  /** Records read so far. */
  packets = 0;
  /** Those neither from nor to the subject. */
  foreign = 0;
  readonly #reader: CaptureReader;
  readonly #subject: Subject;
  readonly #observer: Observer;
  readonly #sink: TraceSink;
  readonly #pool = new Pool(1);

  /** Opens the capture. Throws as CaptureReader does, then and from `read`. */
  constructor(path: string, subject: Subject, observer: Observer, sink: TraceSink, opts: CaptureReaderOptions = {}) {
    this.#reader = CaptureReader.open(path, opts);
    this.#subject = subject;
    this.#observer = observer;
    this.#sink = sink;
  }

  /** True when the capture was found to end within a record. */
  get truncated(): boolean {
    return this.#reader.truncated;
  }

  /** Goes over the next records, at most so many; false at the end of the capture. */
  read(records: number): boolean {
    const pool = this.#pool;
    const reader = this.#reader;
    const packet = pool.packet(0);
    for (let i = 0; i < records; i++) {
      if (!reader.next()) return false;
      this.packets++;
      packet.length = reader.copy(pool.bytes, packet.at, this.#observer.looksAt);
      packet.wireLength = reader.originalLength;
      dissect(packet, pool.view);
      const direction = this.#subject.direction(packet, pool.view);
      if (direction === FOREIGN) this.foreign++;
      else if (this.#observer.observe(packet, pool.view, direction, micros(reader.time))) {
        this.#sink.seen(this.#observer.observation);
      }
    }
    return true;
  }

  /** Idempotent. */
  close(): void {
    this.#reader.close();
  }
}
