import { before, distance } from "../../wire/sequence.js";

/** What happened in a flow. */
export const PADDED = 1;
/** The device's bare acknowledgment of the SYN-ACK was forwarded. */
export const SHAKEN = 2;
/** The handshake was not the plain one: no filler before the server has shown itself. */
export const ODD_START = 4;
/** The device has sent its FIN: it is what stands behind the last byte that is known. */
export const FINISHED = 8;
/** A padded keep-alive left, and nothing came down since. */
export const PROBED = 16;
/** A segment that was padded was acknowledged. */
export const TAKEN = 32;
/** Segments that were padded were not: none are any more. */
export const STALLED = 64;
/** A segment that left early was reset, and its connection's first byte has not left unpadded since: till then the server knows of no connection. */
export const RESET_EARLY = 128;
/** The connection's first byte has left unpadded after it had left early. */
export const FIRST_AGAIN = 32_768;
/** The next acknowledgment leaves unpadded. */
export const NEXT_ACK_PLAIN = 256;
/** `lastWindow` is known. */
export const HEARD = 512;
/** The remote side has reported what a padded acknowledgment repeated: that one has arrived. */
export const ACKS_ARRIVED = 16_384;
/** The remote side has echoed the time of a padded acknowledgment. */
export const ACKS_READ = 8192;
/** An acknowledgment left padded. */
export const ACKS_PADDED = 4096;
/** `plainAck` is known; `plainStamp` is. */
export const ACKED_PLAIN = 1024;
export const STAMPED = 2048;

/** Retransmissions of the device that are remembered of each flow. */
const REPEATS = 32;
const MANY = 0xffff;

/** What is out of a flow because of padding, and what the device itself has earned; by the flow's place in TcpHistory. 348 bytes each. */
export class TcpMarks {
  readonly #bits: Uint16Array;
  /** Acknowledgments that were padded, each of which the server answers once. */
  readonly owed: Uint16Array;
  /** Times that a padded segment was sent again, since one was last acknowledged. */
  readonly stalls: Uint8Array;
  /** The sequence numbers from the first to behind the last padded segment that is not acknowledged; the same where there is none. */
  readonly paddedFrom: Uint32Array;
  readonly paddedTo: Uint32Array;
  /** Bytes of the largest IP packet among these. */
  readonly paddedBytes: Uint16Array;
  /** The same of the acknowledgments that were padded, since the remote side last sent again what they were to acknowledge. */
  readonly ackBytes: Uint16Array;
  /** The highest acknowledgment that left in other than a padded acknowledgment, and the newest timestamp. */
  readonly plainAck: Uint32Array;
  readonly plainStamp: Uint32Array;
  /** Of the last packet that came down. */
  readonly lastWindow: Uint16Array;
  /** Until when acknowledgments leave plain, since padded ones seem not to be read; 0 for as soon as they can. */
  readonly acksPlainUntil: Float64Array;
  /** When all that the remote side had sent was acknowledged by a padded acknowledgment, or 0. */
  readonly confirmedAt: Float64Array;
  /** Segments that left with filler before the server had shown itself, each of which it may still answer with a reset; when the last one left. */
  readonly early: Uint8Array;
  readonly earlyAt: Float64Array;
  /** What the device has sent again: pairs of first and behind last; the next to be written; how many. */
  readonly #repeats: Uint32Array;
  readonly #nextRepeat: Uint8Array;
  readonly #repeatCount: Uint8Array;

  constructor(capacity: number) {
    this.#bits = new Uint16Array(capacity);
    this.owed = new Uint16Array(capacity);
    this.stalls = new Uint8Array(capacity);
    this.paddedFrom = new Uint32Array(capacity);
    this.paddedTo = new Uint32Array(capacity);
    this.paddedBytes = new Uint16Array(capacity);
    this.ackBytes = new Uint16Array(capacity);
    this.plainAck = new Uint32Array(capacity);
    this.plainStamp = new Uint32Array(capacity);
    this.lastWindow = new Uint16Array(capacity);
    this.acksPlainUntil = new Float64Array(capacity);
    this.confirmedAt = new Float64Array(capacity);
    this.early = new Uint8Array(capacity);
    this.earlyAt = new Float64Array(capacity);
    this.#repeats = new Uint32Array(capacity * REPEATS * 2);
    this.#nextRepeat = new Uint8Array(capacity);
    this.#repeatCount = new Uint8Array(capacity);
  }

  clear(place: number): void {
    this.#bits[place] = this.owed[place] = this.stalls[place] = this.early[place] = 0;
    this.paddedFrom[place] = this.paddedTo[place] = this.confirmedAt[place] = this.acksPlainUntil[place] = 0;
    this.paddedBytes[place] = this.ackBytes[place] = 0;
    this.#nextRepeat[place] = this.#repeatCount[place] = 0;
  }

  has(place: number, bits: number): boolean {
    return ((this.#bits[place] ?? 0) & bits) === bits;
  }

  set(place: number, bits: number): void {
    this.#bits[place] = (this.#bits[place] ?? 0) | bits;
  }

  unset(place: number, bits: number): void {
    this.#bits[place] = (this.#bits[place] ?? 0) & ~bits;
  }

  /**
   * An acknowledgment left padded, in an IP packet of so many bytes: one more answer is owed. `all`: when it is of all that the remote side
   * has sent, else 0.
   */
  owe(place: number, all: number, bytes: number): void {
    this.confirmedAt[place] = all;
    if (bytes > (this.ackBytes[place] ?? 0)) this.ackBytes[place] = bytes;
    const owed = this.owed[place] ?? 0;
    if (owed < MANY) this.owed[place] = owed + 1;
    this.set(place, ACKS_PADDED);
  }

  /** A keep-alive left padded. The device waits for its answer, and whatever else was owed after so long a silence never comes. */
  probe(place: number): void {
    this.owed[place] = this.confirmedAt[place] = 0;
    this.set(place, PROBED | ACKS_PADDED);
  }

  settle(place: number): boolean {
    const owed = this.owed[place] ?? 0;
    if (owed > 0) this.owed[place] = owed - 1;
    return owed > 0;
  }

  startEarly(place: number, now: number): void {
    this.earlyAt[place] = now;
    this.early[place] = Math.min((this.early[place] ?? 0) + 1, 0xff);
  }

  /** True where resets may still come of what left early. */
  isEarly(place: number): boolean {
    return (this.early[place] ?? 0) > 0 || this.has(place, RESET_EARLY);
  }

  /** The first byte that had left early leaves unpadded: whoever knew of no connection knows of one now. */
  startAgain(place: number): void {
    this.unset(place, RESET_EARLY);
    this.set(place, FIRST_AGAIN);
  }

  /** Notes what left in other than a padded acknowledgment. */
  plain(place: number, acknowledgment: number, stamp: number | null): void {
    if (!this.has(place, ACKED_PLAIN) || before(this.plainAck[place] ?? 0, acknowledgment))
      this.plainAck[place] = acknowledgment;
    this.set(place, ACKED_PLAIN);
    if (stamp === null) return;
    if (!this.has(place, STAMPED) || before(this.plainStamp[place] ?? 0, stamp)) this.plainStamp[place] = stamp;
    this.set(place, STAMPED);
  }

  /** A padded segment was sent again; returns how many times that is since one was last acknowledged. */
  stall(place: number): number {
    const stalls = Math.min((this.stalls[place] ?? 0) + 1, 0xff);
    this.stalls[place] = stalls;
    return stalls;
  }

  /** A padded segment arrived. */
  taken(place: number): void {
    this.stalls[place] = 0;
    this.set(place, TAKEN);
    this.unset(place, STALLED);
  }

  /** A segment from `from` to `to` left padded, in an IP packet of so many bytes. */
  padded(place: number, from: number, to: number, bytes: number): void {
    if (this.paddedFrom[place] === this.paddedTo[place]) {
      this.paddedBytes[place] = bytes;
      this.paddedFrom[place] = from;
      this.paddedTo[place] = to;
      return;
    }
    this.paddedBytes[place] = Math.max(this.paddedBytes[place] ?? 0, bytes);
    if (before(this.paddedTo[place] ?? 0, to)) this.paddedTo[place] = to;
  }

  /** True where a padded segment that is not acknowledged lies between. */
  overlapsPadded(place: number, from: number, to: number): boolean {
    const [first, last] = [this.paddedFrom[place] ?? 0, this.paddedTo[place] ?? 0];
    return first !== last && before(from, last) && before(first, to);
  }

  /** Nothing padded is waited for any more. */
  forgetPadded(place: number): void {
    this.paddedFrom[place] = this.paddedTo[place] = 0;
  }

  /** The device sent this again. */
  repeated(place: number, from: number, to: number): void {
    const next = this.#nextRepeat[place] ?? 0;
    const at = (place * REPEATS + next) * 2;
    this.#repeats[at] = from;
    this.#repeats[at + 1] = to;
    this.#nextRepeat[place] = (next + 1) % REPEATS;
    const count = this.#repeatCount[place] ?? 0;
    if (count < REPEATS) this.#repeatCount[place] = count + 1;
  }

  /**
   * Where the duplicate [left, right) is what the server saw of a retransmission of the device, forgets that one and returns its end, at most
   * `right`; else -1. A receiver names a duplicate from the segment's start (RFC 2883, 4), unless it was a later part of it that it had
   * (`inside`).
   */
  takeRepeat(place: number, left: number, right: number, inside: boolean): number {
    const count = this.#repeatCount[place] ?? 0;
    for (let i = 0; i < count; i++) {
      const at = (place * REPEATS + i) * 2;
      const [from, to] = [this.#repeats[at] ?? 0, this.#repeats[at + 1] ?? 0];
      if (from === to) continue;
      const ours = left === from || (inside && !before(left, from) && !before(to, right));
      if (!ours) continue;
      this.#repeats[at + 1] = from;
      return distance(to, right) > 0 ? to : right;
    }
    return -1;
  }
}
