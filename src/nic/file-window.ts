import { closeSync, openSync, readSync } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";

const BYTES = 1 << 20;

/** A window of one megabyte that moves over a file, or a pipe, from its start to its end. */
export class FileWindow {
  readonly path: string;
  readonly bytes = new Uint8Array(BYTES);
  readonly view = new DataView(this.bytes.buffer);
  /** Where the next byte stands in `bytes`. */
  at = 0;
  /** Where the bytes that were read end in `bytes`. */
  #end = 0;
  /** Where `bytes` starts in the file. */
  #base = 0;
  #fd: number;

  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, "r");
    } catch (cause) {
      throw new HushboxError("capture-invalid", `opening the capture ${path}: ${reason(cause)}`, cause);
    }
  }

  /** Where `at` stands in the file. */
  get offset(): number {
    return this.#base + this.at;
  }

  /** Bytes behind `at` that have been read. */
  get available(): number {
    return this.#end - this.at;
  }

  /** Makes `count` bytes behind `at` readable, moving what is there to the front; false where the file ends before. */
  need(count: number): boolean {
    if (this.#end - this.at >= count) return true;
    if (count > BYTES) throw new HushboxError("internal", `${String(count)} bytes do not fit the window`);
    this.bytes.copyWithin(0, this.at, this.#end);
    this.#base += this.at;
    this.#end -= this.at;
    this.at = 0;
    while (this.#end < count) {
      const read = this.#read();
      if (read === 0) return false;
      this.#end += read;
    }
    return true;
  }

  /** Passes over `count` bytes; false where the file ends before. */
  skip(count: number): boolean {
    let left = count;
    while (left > this.available) {
      left -= this.available;
      this.at = this.#end;
      if (!this.need(1)) return false;
    }
    this.at += left;
    return true;
  }

  /** Idempotent. */
  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
  }

  #read(): number {
    if (this.#fd === -1) return 0;
    try {
      return readSync(this.#fd, this.bytes, this.#end, BYTES - this.#end, null);
    } catch (cause) {
      throw new HushboxError("capture-invalid", `reading the capture ${this.path}: ${reason(cause)}`, cause);
    }
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
