import { after, seconds, type Micros } from "../../time/micros.js";

/** Requests that are remembered at once: sets of four. */
const SETS = 256;
const WAYS = 4;
/** How long a reply may take, a second copy of it too. */
const PATIENCE = seconds(60);

/**
 * Echo requests that left longer than the device made them: by host, identifier and sequence number. Fixed size. A request is never
 * forgotten while its reply may still come, for then the device would see the padding: where there is no room, `add` says so.
 */
export class EchoTable {
  readonly #host = new Uint32Array(SETS * WAYS);
  readonly #echo = new Uint32Array(SETS * WAYS);
  readonly #original = new Uint16Array(SETS * WAYS);
  readonly #grown = new Uint16Array(SETS * WAYS);
  readonly #answered = new Uint8Array(SETS * WAYS);
  readonly #until = new Float64Array(SETS * WAYS);

  /** Makes room for a request, unless it is there. `host`: a number that no two hosts have in common; `echo`: identifier and sequence number. -1: no room. */
  add(host: number, echo: number, now: Micros): number {
    const found = this.find(host, echo, now);
    const place = found === -1 ? this.#free(host, echo, now) : found;
    if (place === -1) return -1;
    this.#host[place] = host;
    this.#echo[place] = echo;
    this.#answered[place] = 0;
    this.#until[place] = after(now, PATIENCE);
    return place;
  }

  /** Notes in a place the bytes of the IP packet as the device made it and as it left. */
  set(place: number, original: number, grown: number): void {
    this.#original[place] = original;
    this.#grown[place] = grown;
  }

  /** The place of a request whose reply may still come, or -1. */
  find(host: number, echo: number, now: Micros): number {
    const first = firstOf(host, echo);
    for (let place = first; place < first + WAYS; place++)
      if (this.#host[place] === host && this.#echo[place] === echo && now < (this.#until[place] ?? 0)) return place;
    return -1;
  }

  /** The request of a place was answered: it is the first to make room. */
  answer(place: number): void {
    this.#answered[place] = 1;
  }

  forget(place: number): void {
    this.#until[place] = 0;
  }

  original(place: number): number {
    return this.#original[place] ?? 0;
  }

  grown(place: number): number {
    return this.#grown[place] ?? 0;
  }

  /** A place whose time is over, else the oldest of those that were answered, else -1. */
  #free(host: number, echo: number, now: Micros): number {
    const first = firstOf(host, echo);
    let best = -1;
    for (let place = first; place < first + WAYS; place++) {
      const until = this.#until[place] ?? 0;
      if (until <= now) return place;
      if (this.#answered[place] === 1 && (best === -1 || until < (this.#until[best] ?? 0))) best = place;
    }
    return best;
  }
}

/** Where the set of a request begins. Sequence numbers that follow each other lie in different sets. */
function firstOf(host: number, echo: number): number {
  return ((echo + (echo >>> 16) + Math.imul(host, 0x9e37)) & (SETS - 1)) * WAYS;
}
