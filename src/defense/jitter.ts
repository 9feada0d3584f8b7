import { REAL, UP, type Packet } from "../packet/packet.js";
import { gaussian, uniform, type Random } from "../random/random.js";
import { after, NEVER, type Micros } from "../time/micros.js";
import { PASS, type Defense, type Verdict } from "./defense.js";
import type { JitterOptions } from "./options.js";
import { RunningVariance } from "./running-variance.js";

/** Draws of a half-normal that may exceed the bound before the flat distribution, its limit for wide scales, is drawn instead. */
const TRIES = 4;

/**
 * Gaussian noise on `std_ipt`, as far as packets allow it: per window a scale |N(0, ν·σ²)|, σ² the running variance of `std_ipt` of the
 * undefended side; each packet is then delayed by a half-normal draw of that scale, cut at `maxDelay` by drawing again (a clamp would
 * put every packet at the bound, which is no jitter). Time only adds: the noise is one-sided. Order is kept by the datapath.
 */
export class Jitter implements Defense {
  readonly name = "jitter";
  readonly #options: JitterOptions;
  readonly #random: Random;
  readonly #deviations = new RunningVariance();
  /** Inter-packet times of the current window. */
  #count = 0;
  #sum = 0;
  #squares = 0;
  #previous = NaN;
  #scale = 0;
  #windowEnd: Micros;

  constructor(options: JitterOptions, random: Random, now: Micros) {
    this.#options = options;
    this.#random = random;
    this.#windowEnd = after(now, options.window);
  }

  onPacket(packet: Packet): Verdict {
    if (packet.direction !== UP || packet.kind !== REAL || packet.local) return PASS;
    const gap = packet.arrivedAt - this.#previous;
    this.#previous = packet.arrivedAt;
    if (gap >= 0) {
      this.#count++;
      this.#sum += gap;
      this.#squares += gap * gap;
    }
    if (this.#scale > 0) packet.departAt = after(packet.departAt, this.#draw());
    return PASS;
  }

  wakeAt(): Micros {
    return this.#options.variance > 0 ? this.#windowEnd : NEVER;
  }

  onTick(now: Micros): void {
    if (this.#count > 0) {
      const mean = this.#sum / this.#count;
      this.#deviations.add(Math.sqrt(Math.max(0, this.#squares / this.#count - mean * mean)));
    }
    this.#count = this.#sum = this.#squares = 0;
    this.#scale = Math.abs(gaussian(this.#random)) * Math.sqrt(this.#options.variance) * this.#deviations.deviation;
    this.#windowEnd = after(now, this.#options.window);
  }

  #draw(): Micros {
    const bound = this.#options.maxDelay;
    for (let i = 0; i < TRIES; i++) {
      const delay = Math.abs(gaussian(this.#random)) * this.#scale;
      if (delay <= bound) return delay as Micros;
    }
    return (uniform(this.#random) * bound) as Micros;
  }
}
