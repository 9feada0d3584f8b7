import { randomFillSync } from "node:crypto";
import type { Random } from "./random.js";

const WORDS = 1024;

/** Draws from the system's generator, in pools of 1024 words: an attacker who could predict the jitter could subtract it. */
export class SecureRandom implements Random {
  readonly #pool = new Uint32Array(WORDS);
  #next = WORDS;

  word(): number {
    if (this.#next === WORDS) {
      randomFillSync(this.#pool);
      this.#next = 0;
    }
    return this.#pool[this.#next++] ?? 0;
  }
}
