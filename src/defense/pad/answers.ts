import type { Micros } from "../../time/micros.js";

/** Kinds of packets that answer one another. */
export const LANES = 3;
/** Before the first answer a destination has so long. */
const FIRST_PATIENCE = 1e6;
const LEAST_PATIENCE = 250e3;
const MOST_PATIENCE = 2e6;
/** Times that a destination usually takes. */
const PATIENCE = 4;
/** Packets that leave plain before padding goes on: a QUIC client probes with two, and one may be lost. */
const TRIAL = 4;
/** A destination that never answers is tried at most every 2^9 patiences. */
const MOST_MUTE = 9;

const NOTHING = 0;
/** What was heard, of a lane in which grown packets waited. */
export const ANSWERED = 1;
/** Plain packets were answered where grown ones were not. */
export const REFUSED = 2;

/**
 * Watches that packets that were grown are answered as plain ones are: for each destination and lane, how long the oldest grown packet has
 * waited. One that waits for too long has the next packets leave plain; what comes back then is evidence, and if nothing does, padding is not
 * at fault. A flow to a destination that never answers is tried ever more seldom.
 */
export class Answers {
  /** Mechanisms, as bits, of the grown packets that wait. */
  readonly #waiting: Uint16Array;
  /** Bytes of the longest of them, as an IP packet. */
  readonly #bytes: Uint16Array;
  /** When the oldest of them left, and the newest. */
  readonly #since: Float64Array;
  readonly #last: Float64Array;
  /** Whether they began to wait anew after an idle time. */
  readonly #renewed: Uint8Array;
  /** When the first plain packet of a trial left (0: no trial), the last one, and how many more may. */
  readonly #trialAt: Float64Array;
  readonly #plainAt: Float64Array;
  readonly #left: Uint8Array;
  /** Trials without an answer, one after another. */
  readonly #mute: Uint8Array;
  /** Whether the trial was answered, where grown packets had left meanwhile; and how many trials before were, with no answer between. */
  readonly #unclear: Uint8Array;
  readonly #doubts: Uint8Array;
  /** Until when what comes may be answers to the other plain packets of a trial that is over. */
  readonly #deafUntil: Float64Array;
  /** Smoothed time to an answer; 0 before the first. */
  readonly #time: Float64Array;

  constructor(capacity: number) {
    const size = capacity * LANES;
    this.#waiting = new Uint16Array(size);
    this.#bytes = new Uint16Array(size);
    this.#since = new Float64Array(size);
    this.#last = new Float64Array(size);
    this.#renewed = new Uint8Array(size);
    this.#trialAt = new Float64Array(size);
    this.#plainAt = new Float64Array(size);
    this.#left = new Uint8Array(size);
    this.#mute = new Uint8Array(size);
    this.#unclear = new Uint8Array(size);
    this.#doubts = new Uint8Array(size);
    this.#deafUntil = new Float64Array(size);
    this.#time = new Float64Array(size);
  }

  /** True where a plain packet is wanted in the lane. */
  wantsPlain(lane: number, now: Micros): boolean {
    this.#settle(lane, now);
    if (this.#trialAt[lane] !== 0) return this.#left[lane] !== 0;
    return this.#stalled(lane, now);
  }

  /** A packet left grown, to an IP packet of so many bytes. */
  grew(lane: number, mechanism: number, bytes: number, now: Micros): void {
    this.#settle(lane, now);
    if (this.#waiting[lane] === 0) {
      this.#since[lane] = now;
      this.#renewed[lane] = 0;
      this.#bytes[lane] = 0;
    } else if (this.#wasIdle(lane, now)) {
      this.#since[lane] = now;
      this.#renewed[lane] = 1;
    }
    this.#waiting[lane] = (this.#waiting[lane] ?? 0) | (1 << mechanism);
    if (bytes > (this.#bytes[lane] ?? 0)) this.#bytes[lane] = bytes;
    this.#last[lane] = now;
  }

  /** A packet left plain. */
  plain(lane: number, now: Micros): void {
    this.#settle(lane, now);
    if (this.#trialAt[lane] === 0) {
      if (!this.#stalled(lane, now)) return;
      this.#trialAt[lane] = now;
      this.#left[lane] = TRIAL;
    }
    this.#plainAt[lane] = now;
    this.#left[lane] = Math.max(0, (this.#left[lane] ?? 0) - 1);
  }

  /** Something came. What it says of the mechanisms in `waiting(lane)`, which is to be asked before, as `bytes(lane)` is. */
  heard(lane: number, now: Micros): number {
    this.#settle(lane, now);
    this.#mute[lane] = 0;
    if (this.#waiting[lane] === 0) return NOTHING;
    if (now < (this.#deafUntil[lane] ?? 0)) {
      this.#waiting[lane] = 0;
      return NOTHING;
    }
    const trialAt = this.#trialAt[lane] ?? 0;
    const usual = this.#time[lane] ?? 0;
    let verdict: number;
    // Too soon after the plain packet to be its answer: a late one to a grown packet.
    if (trialAt === 0 || now - trialAt < usual / 2) {
      const took = Math.min(now - (this.#since[lane] ?? 0), MOST_PATIENCE);
      this.#time[lane] = usual === 0 ? took : usual + (took - usual) / 8;
      verdict = ANSWERED;
    } else if ((this.#last[lane] ?? 0) < (this.#plainAt[lane] ?? 0) || (this.#doubts[lane] ?? 0) > 0) {
      verdict = REFUSED;
      this.#deafUntil[lane] = now + this.#patience(lane);
    } else {
      // Grown packets left after the plain ones: it may answer either. Only that it comes after every silence would be no chance.
      this.#unclear[lane] = 1;
      return NOTHING;
    }
    this.#waiting[lane] = 0;
    this.#trialAt[lane] = 0;
    this.#unclear[lane] = this.#doubts[lane] = 0;
    return verdict;
  }

  /** Mechanisms, as bits, of grown packets without an answer. */
  waiting(lane: number): number {
    return this.#waiting[lane] ?? 0;
  }

  /** Bytes of the longest IP packet among these. */
  bytes(lane: number): number {
    return this.#bytes[lane] ?? 0;
  }

  /** What became of the grown packets that wait is known: nothing is to be found out. */
  excuse(lane: number, now: Micros): void {
    if (this.#trialAt[lane] !== 0) this.#deafUntil[lane] = now + this.#patience(lane);
    this.#waiting[lane] = 0;
    this.#trialAt[lane] = 0;
    this.#unclear[lane] = this.#doubts[lane] = 0;
  }

  /** The lane has a new owner. */
  clear(lane: number): void {
    this.#waiting[lane] = 0;
    this.#trialAt[lane] = 0;
    this.#mute[lane] = 0;
    this.#unclear[lane] = this.#doubts[lane] = 0;
    this.#deafUntil[lane] = this.#time[lane] = 0;
  }

  #stalled(lane: number, now: Micros): boolean {
    if (this.#waiting[lane] === 0 || this.#wasIdle(lane, now)) return false;
    return now - (this.#since[lane] ?? 0) > this.#patience(lane) * 2 ** (this.#mute[lane] ?? 0);
  }

  /**
   * True where a destination that answers has been sent nothing for a while: what is last said in a conversation (an acknowledgment of QUIC, a
   * close) is never answered, and says nothing. Once: the next that is not answered counts.
   */
  #wasIdle(lane: number, now: Micros): boolean {
    return this.#renewed[lane] === 0 && this.#time[lane] !== 0 && now - (this.#last[lane] ?? 0) > this.#patience(lane);
  }

  #patience(lane: number): number {
    const usual = this.#time[lane] ?? 0;
    return usual === 0 ? FIRST_PATIENCE : Math.min(Math.max(PATIENCE * usual, LEAST_PATIENCE), MOST_PATIENCE);
  }

  /** Ends a trial: where plain packets were not answered either, padding is not at fault. */
  #settle(lane: number, now: Micros): void {
    const trialAt = this.#trialAt[lane] ?? 0;
    if (trialAt === 0 || now - trialAt <= this.#patience(lane)) return;
    this.#trialAt[lane] = 0;
    this.#waiting[lane] = 0;
    if (this.#unclear[lane] === 1) this.#doubts[lane] = 1;
    else this.#mute[lane] = Math.min((this.#mute[lane] ?? 0) + 1, MOST_MUTE);
    this.#unclear[lane] = 0;
  }
}
