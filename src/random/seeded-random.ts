import { createCipheriv, createHash, type Cipher } from "node:crypto";
import type { Random } from "./random.js";

const BYTES = 16_384;

/** Draws from an AES-256-CTR keystream whose key is the hash of a seed: the same seed gives the same draws on every machine. */
export class SeededRandom implements Random {
  readonly #cipher: Cipher;
  readonly #zeros = new Uint8Array(BYTES);
  #words = new DataView(new ArrayBuffer(0));
  #next = 0;

  /** `seed`: any text or number; `stream` names an independent sequence of the same seed. */
  constructor(seed: string | number, stream = "") {
    const key = createHash("sha256")
      .update(`${String(seed)}\0${stream}`)
      .digest();
    this.#cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  }

  word(): number {
    if (this.#next === this.#words.byteLength) {
      const bytes = this.#cipher.update(this.#zeros);
      this.#words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#next = 0;
    }
    const word = this.#words.getUint32(this.#next, true);
    this.#next += 4;
    return word;
  }
}
