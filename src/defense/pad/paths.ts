import { after, micros, seconds, type Micros } from "../../time/micros.js";
import type { Destinations } from "./destinations.js";

/** IPv4: what every host must take (RFC 1122, 3.3.2); Linux draws the same line, against forged errors (`min_pmtu`). */
const LEAST_4 = 576;
/** IPv6: every link's least MTU (RFC 8200, 5). */
const LEAST_6 = 1280;
/** How long a limit holds before something larger is tried (RFC 1191, 6.3; RFC 8201, 4). */
const HOLD = seconds(600);
/**
 * A limit found again holds twice as long, up to this. Each trial costs the device a packet, and a lost DNS query costs it seconds; a line
 * behind PPPoE has its 1492 bytes for years.
 */
const LONGEST_HOLD = seconds(86_400);
const UNLIMITED = Infinity;

/** Path MTUs that were learned, by destination. */
export class Paths {
  readonly #destinations: Destinations;
  readonly #mtu: Uint32Array;
  readonly #until: Float64Array;
  readonly #hold: Float64Array;
  readonly #generation: Uint32Array;
  readonly #shared = { 4: new Shared(), 6: new Shared() };

  constructor(destinations: Destinations) {
    const { capacity } = destinations;
    this.#destinations = destinations;
    this.#mtu = new Uint32Array(capacity);
    this.#until = new Float64Array(capacity);
    this.#hold = new Float64Array(capacity);
    this.#generation = new Uint32Array(capacity);
  }

  /** The least that a path is taken for. */
  static least(version: 4 | 6): number {
    return version === 4 ? LEAST_4 : LEAST_6;
  }

  /** Bytes of the largest IP packet that may be sent to the destination; Infinity while nothing speaks against any. */
  limit(destination: number, now: Micros): number {
    if (destination === -1) return UNLIMITED;
    if (this.#known(destination) && now < (this.#until[destination] ?? 0)) return this.#mtu[destination] ?? 0;
    const shared = this.#shared[this.#destinations.version(destination)];
    return now < shared.until ? shared.bytes : UNLIMITED;
  }

  /**
   * Packets longer than `bytes` seem not to reach the destination, and are not tried for `span` at least. Never raises a limit that holds,
   * never goes below `least`.
   */
  lower(destination: number, bytes: number, now: Micros, span: Micros = HOLD): void {
    if (destination === -1) return;
    const wanted = Math.max(Math.floor(bytes), Paths.least(this.#destinations.version(destination)));
    const known = this.#known(destination);
    const holds = known && now < (this.#until[destination] ?? 0);
    if (holds && wanted > (this.#mtu[destination] ?? 0)) return;
    const again = known && this.#mtu[destination] === wanted;
    const found = !again ? HOLD : Math.min((this.#hold[destination] ?? HOLD) * (holds ? 1 : 2), LONGEST_HOLD);
    const hold = Math.max(found, span);
    this.#mtu[destination] = wanted;
    this.#hold[destination] = hold;
    this.#until[destination] = after(now, micros(hold));
    this.#generation[destination] = this.#destinations.generation(destination);
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
    // No host that has been in a place had number 0.
    this.#generation.fill(0);
  }

  #known(destination: number): boolean {
    return this.#generation[destination] === this.#destinations.generation(destination);
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
