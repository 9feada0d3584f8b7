import { copy } from "../wire/copy.js";

const BYTES = 1 << 20;
/** Bytes for the words in which the writer says why it ended. */
const WORDS = 4096;
/** Control words: bytes written and read modulo 2^32, how the writer ended, bytes of its words, whether the reader is gone; and what each side waits on. */
const WRITTEN = 0;
const READ = 1;
const ENDED = 2;
const SAID = 3;
const GONE = 4;
const WRITER_MOVED = 5;
const READER_MOVED = 6;
const CONTROL = 32;

/** How a writer ended: at the end of its bytes, because they were cut short, or because they are no good. */
export const WHOLE = 1;
export const CUT = 2;
export const BAD = 3;
export type Ending = typeof WHOLE | typeof CUT | typeof BAD;

/** One megabyte of bytes on their way from one thread to another. Both wait: the writer for room, the reader for bytes. */
export class ByteRing {
  readonly shared: SharedArrayBuffer;
  readonly #control: Int32Array;
  readonly #words: Uint8Array;
  readonly #bytes: Uint8Array;

  /** A new ring, or the other end of one. */
  constructor(shared = new SharedArrayBuffer(CONTROL + WORDS + BYTES)) {
    this.shared = shared;
    this.#control = new Int32Array(shared, 0, CONTROL / 4);
    this.#words = new Uint8Array(shared, CONTROL, WORDS);
    this.#bytes = new Uint8Array(shared, CONTROL + WORDS);
  }

  /** Passes all of `chunk` on; false where the reader is gone. */
  write(chunk: Uint8Array): boolean {
    const control = this.#control;
    for (let done = 0; done < chunk.length;) {
      const moved = Atomics.load(control, READER_MOVED);
      if (Atomics.load(control, GONE) !== 0) return false;
      const written = Atomics.load(control, WRITTEN);
      const room = BYTES - ((written - Atomics.load(control, READ)) >>> 0);
      if (room === 0) {
        Atomics.wait(control, READER_MOVED, moved);
        continue;
      }
      const at = written & (BYTES - 1);
      const length = Math.min(room, chunk.length - done, BYTES - at);
      copy(chunk, done, this.#bytes, at, length);
      done += length;
      Atomics.store(control, WRITTEN, (written + length) | 0);
      this.#moved(WRITER_MOVED);
    }
    return true;
  }

  /** The writer's last call. */
  end(how: Ending, words = ""): void {
    const said = new TextEncoder().encode(words).subarray(0, WORDS);
    this.#words.set(said);
    Atomics.store(this.#control, SAID, said.length);
    Atomics.store(this.#control, ENDED, how);
    this.#moved(WRITER_MOVED);
  }

  /** Takes at most `length` bytes; waits for one at least. 0 when the writer has ended and everything was read. */
  read(into: Uint8Array, to: number, length: number): number {
    const control = this.#control;
    for (;;) {
      // In this order: a move behind the first look ends the wait, and what was written before the end is seen with it.
      const moved = Atomics.load(control, WRITER_MOVED);
      const ended = Atomics.load(control, ENDED);
      const read = Atomics.load(control, READ);
      const there = (Atomics.load(control, WRITTEN) - read) >>> 0;
      if (there > 0) {
        const at = read & (BYTES - 1);
        const taken = Math.min(there, length, BYTES - at);
        copy(this.#bytes, at, into, to, taken);
        Atomics.store(control, READ, (read + taken) | 0);
        this.#moved(READER_MOVED);
        return taken;
      }
      if (ended !== 0) return 0;
      Atomics.wait(control, WRITER_MOVED, moved);
    }
  }

  /** How the writer ended, and its words; null while it has not. */
  get ending(): { readonly how: Ending; readonly words: string } | null {
    const how = Atomics.load(this.#control, ENDED);
    if (how === 0) return null;
    const words = new TextDecoder().decode(this.#words.slice(0, Atomics.load(this.#control, SAID)));
    return { how: how as Ending, words };
  }

  /** The reader's last call: lets a writer that waits go. */
  leave(): void {
    Atomics.store(this.#control, GONE, 1);
    this.#moved(READER_MOVED);
  }

  #moved(side: typeof WRITER_MOVED | typeof READER_MOVED): void {
    Atomics.add(this.#control, side, 1);
    Atomics.notify(this.#control, side);
  }
}
