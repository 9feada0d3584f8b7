import { after, micros, seconds, type Micros } from "../../time/micros.js";
import type { Destinations } from "./destinations.js";
import { Known } from "./known.js";

/** IPv4: what every host must take (RFC 1122, 3.3.2); Linux draws the same line, against forged errors (`min_pmtu`). */
const LEAST_4 = 576;
/** IPv6: every link's least MTU (RFC 8200, 5). */
const LEAST_6 = 1280;
/** Every link carries so much with IPv6, and nearly every path with IPv4. */
export const SAFE_SIZE = LEAST_6;
/** How long the arrival of a packet says that others as long arrive. */
const TAKEN_SPAN = seconds(3600);
/** How long a limit holds before something larger is tried (RFC 1191, 6.3; RFC 8201, 4). */
const HOLD = seconds(600);
/**
 * A limit found again holds twice as long, up to this. Each trial costs the device a packet, and a lost DNS query costs it seconds; a line
 * behind PPPoE has its 1492 bytes for years.
 */
const LONGEST_HOLD = seconds(86_400);
const UNLIMITED = Infinity;

/** What is known of how long packets to each destination may be: limits that were learned, and lengths that got there. */
export class Paths {
  readonly #destinations: Destinations;
  readonly #known: Known;
  readonly #mtu: Uint32Array;
  readonly #until: Float64Array;
  readonly #hold: Float64Array;
  /** The longest packet that got there lately, and when. */
  readonly #taken: Uint32Array;
  readonly #takenAt: Float64Array;
  readonly #shared = { 4: new Shared(), 6: new Shared() };

  constructor(destinations: Destinations) {
    const { capacity } = destinations;
    this.#destinations = destinations;
    this.#known = new Known(destinations);
    this.#mtu = new Uint32Array(capacity);
    this.#until = new Float64Array(capacity);
    this.#hold = new Float64Array(capacity);
    this.#taken = new Uint32Array(capacity);
    this.#takenAt = new Float64Array(capacity);
  }

  /** The least that a path is taken for. */
  static least(version: 4 | 6): number {
    return version === 4 ? LEAST_4 : LEAST_6;
  }

  /** Bytes of the largest IP packet that may be sent to the destination; Infinity while nothing speaks against any. */
  limit(destination: number, now: Micros): number {
    if (destination === -1) return UNLIMITED;
    if (this.#known.has(destination) && now < (this.#until[destination] ?? 0)) return this.#mtu[destination] ?? 0;
    const shared = this.#shared[this.#destinations.version(destination)];
    return now < shared.until ? shared.bytes : UNLIMITED;
  }

  /**
   * Packets longer than `bytes` seem not to reach the destination, and are not tried for `span` at least. Never raises a limit that holds,
   * never goes below `least`.
   */
  lower(destination: number, bytes: number, now: Micros, span: Micros = HOLD): void {
    if (destination === -1) return;
    this.#know(destination);
    const wanted = Math.max(Math.floor(bytes), Paths.least(this.#destinations.version(destination)));
    const holds = now < (this.#until[destination] ?? 0);
    if (holds && wanted > (this.#mtu[destination] ?? 0)) return;
    const again = this.#mtu[destination] === wanted;
    const found = !again ? HOLD : Math.min((this.#hold[destination] ?? HOLD) * (holds ? 1 : 2), LONGEST_HOLD);
    const hold = Math.max(found, span);
    this.#mtu[destination] = wanted;
    this.#hold[destination] = hold;
    this.#until[destination] = after(now, micros(hold));
    this.#taken[destination] = Math.min(this.#taken[destination] ?? 0, wanted);
  }

  /**
   * A router named the MTU of the way to the destination. Where it is the same for two hosts it is likely that of the line at home, and
   * other hosts begin with it instead of losing a packet each.
   */
  named(destination: number, bytes: number, now: Micros): void {
    if (destination === -1) return;
    this.lower(destination, bytes, now);
    const host = this.#destinations.generation(destination);
    this.#shared[this.#destinations.version(destination)].name(bytes, host, this.#until[destination] ?? 0, now);
  }

  /** Everything is tried again; what routers say of the line at home stays. */
  forget(): void {
    this.#known.clear();
  }

  /** An IP packet of so many bytes has reached the destination. */
  took(destination: number, bytes: number, now: Micros): void {
    if (destination === -1) return;
    this.#know(destination);
    if (bytes < (this.#taken[destination] ?? 0) && now - (this.#takenAt[destination] ?? 0) < TAKEN_SPAN) return;
    this.#taken[destination] = bytes;
    this.#takenAt[destination] = now;
  }

  /** True where length alone keeps no such packet from the destination: nearly every path takes it, or this one did lately. */
  takes(destination: number, bytes: number, now: Micros): boolean {
    if (bytes <= SAFE_SIZE) return true;
    if (!this.#known.has(destination) || now - (this.#takenAt[destination] ?? 0) >= TAKEN_SPAN) return false;
    return bytes <= (this.#taken[destination] ?? 0);
  }

  #know(destination: number): void {
    if (!this.#known.add(destination)) return;
    this.#mtu[destination] = this.#until[destination] = 0;
    this.#taken[destination] = 0;
  }
}

/** The MTU that routers name for more than one host. */
class Shared {
  bytes = 0;
  until = 0;
  /** The host that it was first named for, until another agrees. */
  #host = 0;
  #agreed = false;

  name(bytes: number, host: number, until: number, now: Micros): void {
    if (bytes !== this.bytes) {
      if (now < this.until) return;
      this.bytes = bytes;
      this.#host = host;
      this.#agreed = false;
      return;
    }
    if (host !== this.#host) this.#agreed = true;
    if (this.#agreed && until > this.until) this.until = until;
  }
}
