import { createCipheriv, createHash, type Cipher } from "node:crypto";
import type { Random } from "./random.js";

const BYTES = 4096;

/** Draws from an AES-256-CTR keystream whose key is the hash of a seed: the same seed gives the same draws on every machine. */
export class SeededRandom implements Random {
  readonly #cipher: Cipher;
  readonly #zeros = Buffer.alloc(BYTES);
  #pool: Buffer = Buffer.alloc(0);
  #next = 0;

  /** `seed`: any text or number; `stream` names an independent sequence of the same seed. */
  constructor(seed: string | number, stream = "") {
    const key = createHash("sha256")
      .update(`${String(seed)}\0${stream}`)
      .digest();
    this.#cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  }

  word(): number {
    if (this.#next === this.#pool.length) {
      this.#pool = this.#cipher.update(this.#zeros);
      this.#next = 0;
    }
    const word = this.#pool.readUInt32LE(this.#next);
    this.#next += 4;
    return word;
  }
}
