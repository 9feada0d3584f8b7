import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { Decompressor, type Compression } from "./decompressor.js";

/** Why the bytes of a source ended before they should have. `cut`: they are sound as far as they go. */
export interface SourceFailure {
  readonly cut: boolean;
  readonly what: string;
}

/** Bytes from start to end, for a reader that waits for them. */
export interface ByteSource {
  /** The bytes are not those that the file holds, but what they decompress to. */
  readonly compressed: boolean;
  /** Known when `read` has answered 0; null where all is well. */
  readonly failure: SourceFailure | null;
  /** Puts at most `length` bytes into `into` from `at` and answers how many; 0 at the end. */
  read(into: Uint8Array, at: number, length: number): number;
  /** Idempotent. */
  close(): void;
}

const MAGIC = new Map<number, Compression>([
  [0x1f8b, "gzip"],
  [0xfd37, "xz"],
]);

/** Opens a file or a pipe; a file that gzip or xz made is decompressed on its way. Throws HushboxError: capture-invalid. */
export function openSource(path: string): ByteSource {
  const file = new FileSource(path);
  try {
    const compression = file.compression();
    if (compression === null) return file;
    file.close();
    return new Decompressor(path, compression);
  } catch (error) {
    file.close();
    throw error;
  }
}

class FileSource implements ByteSource {
  readonly compressed = false;
  readonly failure = null;
  readonly #path: string;
  #fd: number;

  constructor(path: string) {
    this.#path = path;
    this.#fd = attempt("opening", path, () => openSync(path, "r"));
  }

  /** How the file is compressed. What a pipe brings cannot be looked at without taking it, so that pipes are not asked. */
  compression(): Compression | null {
    const magic = new Uint8Array(2);
    const read = attempt("reading", this.#path, () =>
      fstatSync(this.#fd).isFile() ? readSync(this.#fd, magic, 0, 2, 0) : 0,
    );
    return read < 2 ? null : (MAGIC.get(new DataView(magic.buffer).getUint16(0)) ?? null);
  }

  read(into: Uint8Array, at: number, length: number): number {
    if (this.#fd === -1) return 0;
    return attempt("reading", this.#path, () => readSync(this.#fd, into, at, length, null));
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
  }
}

function attempt<T>(doing: string, path: string, what: () => T): T {
  try {
    return what();
  } catch (cause) {
    const why = messageOf(cause);
    throw new HushboxError("capture-invalid", `${doing} the capture ${path}: ${why}`, cause);
  }
}
