import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Writable } from "node:stream";
import type { Target } from "./target.js";

/** A stream that is somebody else's, such as standard output: what it was given stays given. Its errors are its owner's. */
export class TargetStream implements Target {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  write(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** Lets the stream's errors come through too: a reader that went away is to be noticed. */
  async room(): Promise<void> {
    if (this.#stream.writableNeedDrain) await once(this.#stream, "drain");
    else await nextTurn();
  }

  async finish(): Promise<void> {
    await this.room();
  }

  discard(): void {
    // Nothing can be taken back.
  }
}
