import { closeSync, openSync, writeSync } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";

/** Bytes of a block: what is handed to the file at once. */
const BLOCK = 1 << 19;

/** Where a writer of captures puts what it has gathered. */
export interface Output {
  readonly path: string;
  /** Takes over `length` bytes of a block, to be written behind those before. Answers a block to fill next. Throws HushboxError: capture-invalid. */
  write(block: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer>;
  /** Idempotent. */
  close(): void;
}

export function newBlock(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(BLOCK);
}

/** Creates the file, or empties it, for its owner alone. Answers its descriptor. */
export function create(path: string): number {
  try {
    return openSync(path, "w", 0o600);
  } catch (cause) {
    throw outputFailure("creating", path, cause);
  }
}

export function outputFailure(doing: string, path: string, cause: unknown): HushboxError {
  const why = messageOf(cause);
  return new HushboxError("capture-invalid", `${doing} the capture ${path}: ${why}`, cause);
}

/** A file that has what it was given when `write` returns. */
export class FileOutput implements Output {
  readonly path: string;
  #fd: number;

  constructor(path: string) {
    this.path = path;
    this.#fd = create(path);
  }

  write(block: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
    try {
      for (let done = 0; done < length;) done += writeSync(this.#fd, block, done, length - done);
    } catch (cause) {
      throw outputFailure("writing", this.path, cause);
    }
    return block;
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
  }
}
