import { createCipheriv, createHash, type Cipher } from "node:crypto";

const ZEROS = Buffer.alloc(4096);

/** Bytes that look random and are the same for the same seed: what encrypted payload looks like from outside. */
export class Keystream {
  readonly #cipher: Cipher;

  constructor(seed: string) {
    const key = createHash("sha256").update(`payload\0${seed}`).digest();
    this.#cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  }

  bytes(count: number): Buffer {
    return this.#cipher.update(count <= ZEROS.length ? ZEROS.subarray(0, count) : Buffer.alloc(count));
  }
}
