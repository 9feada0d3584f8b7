import { micros, NEVER, type Micros } from "../time/micros.js";

/** What the loop needs of the event loop; Node's own functions, or virtual ones in tests. */
export interface Timers {
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  setImmediate(run: () => void): void;
}

const NODE: Timers = {
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => {
    clearTimeout(timer as NodeJS.Timeout);
  },
  setImmediate: (run) => {
    setImmediate(run);
  },
};

/** Longest wait: so often the loop turns though nothing happens, which shows that it lives. */
const LONGEST = micros(250_000);
/** Timers have a grain of a millisecond, fire up to one early, and wake a little late: they aim so much before the deadline. */
const MARGIN = micros(300);
/** Below this no timer is worth it: what is left is spun. */
const SPIN = micros(1_000 + MARGIN);

/**
 * Turns a datapath from an event loop, for cards that cannot wait by themselves: at each frame, and when a deadline has
 * come (setTimeout down to the last millisecond, then a spin of setImmediate). Waking early is harmless.
 */
export class EventedLoop {
  readonly #now: () => Micros;
  readonly #poll: (now: Micros) => Micros;
  readonly #timers: Timers;
  #deadline: Micros = NEVER;
  #timer: unknown;
  #timerAt: Micros = NEVER;
  #spinning = false;
  #running = false;

  /** `poll` does what is due and answers the next deadline. */
  constructor(opts: { readonly now: () => Micros; readonly poll: (now: Micros) => Micros }, timers: Timers = NODE) {
    this.#now = opts.now;
    this.#poll = opts.poll;
    this.#timers = timers;
  }

  start(): void {
    this.#running = true;
    this.turn();
  }

  stop(): void {
    this.#running = false;
    this.#timers.clearTimeout(this.#timer);
    this.#timerAt = NEVER;
  }

  /** Does what is due now. Called for each frame that comes. */
  readonly turn = (): void => {
    if (!this.#running) return;
    const now = this.#now();
    const next = this.#poll(now);
    this.#deadline = next < now + LONGEST ? next : micros(now + LONGEST);
    this.#arm(now);
  };

  #arm(now: Micros): void {
    if (this.#spinning) return;
    const left = this.#deadline - now;
    if (left < SPIN) {
      this.#spinning = true;
      this.#timers.setImmediate(this.#spin);
      return;
    }
    // A timer that fires earlier than needed is harmless, and setting one costs more than a packet.
    if (this.#timerAt <= this.#deadline) return;
    this.#timers.clearTimeout(this.#timer);
    this.#timerAt = this.#deadline;
    this.#timer = this.#timers.setTimeout(this.#fired, Math.floor((left - MARGIN) / 1e3));
  }

  readonly #fired = (): void => {
    this.#timerAt = NEVER;
    this.#look();
  };

  readonly #spin = (): void => {
    this.#spinning = false;
    this.#look();
  };

  #look(): void {
    if (!this.#running) return;
    const now = this.#now();
    if (now >= this.#deadline) this.turn();
    else this.#arm(now);
  }
}
