import { NOISY, type Run } from "./measure.js";

/** Loss below this counts as none. */
export const LOSSLESS = 0.001;
const FIRST = 200e3;
const LOWEST = 1e3;
/** How far apart the first tries are. */
const STEP = 1.7;
/** More than the generator makes: from here on it sends without pacing. */
const UNPACED = 1.6e6;

/**
 * Searches the highest rate that passes without loss: doubling, then halving the gap by ratio. Noise only ever makes a
 * run worse, so one good run proves a rate and several bad ones are needed against it.
 */
export class LosslessSearch {
  readonly #precision: number;
  readonly #tries: number;
  #passed = 0;
  #proven = 0;
  #failed = Infinity;
  #tried = 0;
  #offered: number;
  #ceiling = false;
  #more = 0;

  /** `near`: a rate that is known to pass about; saves steps. */
  constructor(precision: number, tries: number, near = FIRST) {
    this.#precision = precision;
    this.#tries = tries;
    this.#offered = Math.min(near, UNPACED);
  }

  /** The rate to try next (0: unpaced), or null when the search is over. */
  next(): number | null {
    if (this.#ceiling) return this.#more > 0 ? 0 : null;
    if (this.#offered < LOWEST || this.#failed / this.#passed < this.#precision) return null;
    return this.#offered >= UNPACED ? 0 : this.#offered;
  }

  record({ rate, loss, noise }: Pick<Run, "rate" | "loss" | "noise">): void {
    if (this.#ceiling) {
      this.#more--;
      if (loss < LOSSLESS) this.#proven = Math.max(this.#proven, rate);
      return;
    }
    if (loss < LOSSLESS) {
      this.#proven = Math.max(this.#proven, rate);
      // The generator could not, because something else ran: that shows no limit yet.
      if (rate < this.#offered * 0.9 && noise > NOISY && ++this.#tried < this.#tries) return;
      this.#passed = this.#offered;
      this.#tried = 0;
      // The generator, or a CPU for it, was the limit: higher rates would say nothing of the box.
      this.#ceiling = this.#offered >= UNPACED || rate < this.#offered * 0.9;
      this.#more = this.#ceiling ? this.#tries - 1 : 0;
      this.#offered = this.#failed === Infinity ? Math.min(this.#offered * STEP, UNPACED) : this.#between();
      return;
    }
    this.#tried++;
    if (this.#tried < this.#tries) return;
    this.#tried = 0;
    this.#failed = this.#offered;
    this.#offered = this.#passed === 0 ? this.#offered / STEP : this.#between();
  }

  /** Packets per second, and whether the generator rather than the box set the limit. */
  get result(): { readonly rate: number; readonly ceiling: boolean } {
    return { rate: this.#proven, ceiling: this.#ceiling };
  }

  #between(): number {
    return Math.sqrt(this.#passed * this.#failed);
  }
}
