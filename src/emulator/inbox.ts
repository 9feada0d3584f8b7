import type { Readable } from "node:stream";

/** Reads a stream by counts of bytes. */
export class Inbox {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #begun = false;

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** True from the first byte of something on: an end is then too early. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Waits for bytes of something new; false where the stream has ended in order. */
  async more(): Promise<boolean> {
    this.#begun = false;
    return (this.#begun = await this.#fill());
  }

  /** Up to `most` bytes, at least one; throws where the stream ended. */
  async some(most: number): Promise<Buffer> {
    if (!(await this.#fill())) throw new Error("the connection ended too early");
    const taken = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** Exactly so many bytes. */
  async exactly(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = bytes; left > 0;) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async #fill(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#rest = next.value;
    }
    return true;
  }
}
