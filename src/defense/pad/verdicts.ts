import { WATCHED_NAMES, type WatchedName } from "../options.js";
import { seconds, type Micros } from "../../time/micros.js";

/** Why a mechanism is off for a destination. A closed list, in the API and the log. */
export const REASONS = ["no answer", "retransmitted", "acknowledgments ignored", "reset"] as const;
export type Reason = (typeof REASONS)[number];

/** A mechanism that a destination does not take. */
export interface Refusal {
  readonly mechanism: WatchedName;
  readonly reason: Reason;
  readonly secondsLeft: number;
}

const COUNT = WATCHED_NAMES.length;
/** How long a verdict holds: what stands between may be another one tomorrow. */
export const VERDICT_SPAN = seconds(86_400);

/** Which mechanisms are off, by place of the destination; until when, and why. Whoever holds it says when a place has a new owner. */
export class Verdicts {
  readonly #until: Float64Array;
  readonly #reason: Uint8Array;

  constructor(capacity: number) {
    this.#until = new Float64Array(capacity * COUNT);
    this.#reason = new Uint8Array(capacity * COUNT);
  }

  isOff(place: number, mechanism: number, now: Micros): boolean {
    return (this.#until[place * COUNT + mechanism] ?? 0) > now;
  }

  add(place: number, mechanism: number, reason: Reason, until: Micros): void {
    this.#until[place * COUNT + mechanism] = until;
    this.#reason[place * COUNT + mechanism] = REASONS.indexOf(reason);
  }

  /** When the verdict ends; not after now where there is none. */
  until(place: number, mechanism: number): Micros {
    return (this.#until[place * COUNT + mechanism] ?? 0) as Micros;
  }

  reason(place: number, mechanism: number): Reason {
    return REASONS[this.#reason[place * COUNT + mechanism] ?? 0] ?? "no answer";
  }

  /** Nothing is held against whoever is in the place. */
  clear(place: number): void {
    this.#until.fill(0, place * COUNT, (place + 1) * COUNT);
  }
}
