import { uniform, type Random } from "../../random/random.js";
import { seconds, type Micros } from "../../time/micros.js";

/** Whoever began sends with a key that is so old begins anew (REKEY_AFTER_TIME, WireGuard paper, 6.2). */
const REKEY = seconds(120);

/** When the box's WireGuard begins a handshake: with what it sends, never by itself. */
export class Handshakes {
  count = 0;
  #at: number;

  /** When the last one was before `now` is drawn. */
  constructor(random: Random, now: Micros) {
    this.#at = now - uniform(random) * REKEY;
  }

  /** Asked for each packet that the box sends: true where one begins. */
  due(now: Micros): boolean {
    if (now - this.#at < REKEY) return false;
    this.#at = now;
    this.count++;
    return true;
  }
}
