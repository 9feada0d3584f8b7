import { HushboxError } from "../errors/hushbox-error.js";
import { openSource, type ByteSource, type SourceFailure } from "./byte-source.js";

const BYTES = 1 << 20;

/** A window of one megabyte that moves over a file, compressed or not, or a pipe, from its start to its end. */
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
  readonly #source: ByteSource;

  constructor(path: string) {
    this.path = path;
    this.#source = openSource(path);
  }

  /** Where `at` stands in the file, or in what it decompresses to. */
  get offset(): number {
    return this.#base + this.at;
  }

  /** Such an offset in words. */
  place(offset: number): string {
    return `byte ${String(offset)}${this.#source.compressed ? " of the decompressed capture" : ""}`;
  }

  /** Why the file could not be decompressed to its end; known at its end, null where all is well. */
  get failure(): SourceFailure | null {
    return this.#source.failure;
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
      const read = this.#source.read(this.bytes, this.#end, BYTES - this.#end);
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
    this.#source.close();
  }
}
