import { Worker } from "node:worker_threads";
import { ByteRing, BAD, WHOLE } from "./byte-ring.js";
import type { ByteSource, SourceFailure } from "./byte-source.js";

export type Compression = "gzip" | "xz";

/** What the thread is started with. */
export interface DecompressorData {
  readonly path: string;
  readonly compression: Compression;
  readonly shared: SharedArrayBuffer;
}

/** What a compressed file decompresses to, worked out by a thread of its own while the reader is at what came before. */
export class Decompressor implements ByteSource {
  readonly compressed = true;
  readonly #ring = new ByteRing();
  #left = false;

  constructor(path: string, compression: Compression) {
    const workerData: DecompressorData = { path, compression, shared: this.#ring.shared };
    // What this process was started with (a test runner's or a profiler's hooks) is not for the thread.
    const env = { ...process.env, NODE_OPTIONS: "" };
    const worker = new Worker(new URL("./decompressor-thread.js", import.meta.url), { workerData, env, execArgv: [] });
    worker.unref();
  }

  get failure(): SourceFailure | null {
    const ending = this.#ring.ending;
    if (ending === null || ending.how === WHOLE) return null;
    return { cut: ending.how !== BAD, what: ending.words };
  }

  read(into: Uint8Array, at: number, length: number): number {
    return this.#left ? 0 : this.#ring.read(into, at, length);
  }

  close(): void {
    this.#left = true;
    this.#ring.leave();
  }
}
