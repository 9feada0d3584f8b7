import { REAL, UP, type Packet } from "../packet/packet.js";
import { uniform, type Random } from "../random/random.js";
import { after, NEVER, type Micros } from "../time/micros.js";
import { PASS, type Asks, type Defense, type Verdict } from "./defense.js";
import type { PaceOptions } from "./options.js";

/**
 * Slots: packets on their way up leave on a grid of `interval`, one at a time and in order, so that the times between them say less
 * (`mean_ipt`, `std_ipt`). What would wait longer than `maxDelay` shares the last slot within it: nothing ever leaves early, and nothing
 * leaves between slots. Where nothing has left for `maxGap` a decoy is asked for (`max_diff_time`).
 */
export class Pace implements Defense {
  readonly name = "pace";
  readonly #options: PaceOptions;
  readonly #random: Random;
  /** The first slot that nobody has. */
  #free = 0;
  /** The last slot that somebody has; -1 before the first real packet: an idle device asks for nothing. */
  #last = -1;

  constructor(options: PaceOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  onPacket(packet: Packet): Verdict {
    if (packet.direction !== UP || packet.local) return PASS;
    const { interval, maxDelay } = this.#options;
    const slot = Math.ceil(Math.max(packet.departAt, this.#free) / interval) * interval;
    const bound = Math.floor((packet.arrivedAt + maxDelay) / interval) * interval;
    if (slot <= bound) {
      this.#free = slot + interval;
      this.#leave(packet, slot);
    } else {
      this.#leave(packet, Math.max(packet.departAt, bound));
    }
    return PASS;
  }

  wakeAt(): Micros {
    const { maxGap } = this.#options;
    return maxGap === 0 || this.#last < 0 ? NEVER : after(this.#last as Micros, maxGap);
  }

  onTick(now: Micros, asks: Asks): void {
    this.#last = now;
    asks.decoy(uniform(this.#random) < 0.5 ? "tcp" : "udp", now, false);
  }

  #leave(packet: Packet, at: number): void {
    packet.departAt = at as Micros;
    if ((packet.kind === REAL || this.#last >= 0) && at > this.#last) this.#last = at;
  }
}
