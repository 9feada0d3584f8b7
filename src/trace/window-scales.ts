import { DESTINATION, type Observation } from "./observation.js";
import { RecentTuples } from "./recent-tuples.js";

/** Sets of four: one direction of a connection a place. */
const SETS = 4096;
/** No window scale option, or the handshake has not been seen. */
const NONE = 0xff;

/**
 * The window scales of the TCP connections in use, in a fixed table: thousands of new handshakes do not make it forget them. The windows of a
 * connection that it has forgotten are read raw, as are those of connections that began before the trace.
 */
export class WindowScales {
  readonly #tuples = new RecentTuples(SETS);
  readonly #scales = new Uint8Array(this.#tuples.places).fill(NONE);

  /**
   * Notes the scale that a SYN offers for its sender's windows, or -1 where it offers none. A SYN-ACK without an offer refuses that
   * of the SYN; one with an offer accepts it, whether or not the SYN was seen (RFC 7323, 1.3 and 2.2).
   */
  handshake(seen: Observation, offered: number, answer: boolean): void {
    const ports = (seen.sourcePort << 16) | seen.destinationPort;
    const own = this.#tuples.place(seen.addresses, 0, DESTINATION, ports);
    this.#scales[own < 0 ? ~own : own] = offered < 0 ? NONE : offered;
    if (!answer || offered >= 0) return;
    const back = (seen.destinationPort << 16) | seen.sourcePort;
    const peer = this.#tuples.find(seen.addresses, DESTINATION, 0, back);
    if (peer >= 0) this.#scales[peer] = NONE;
  }

  /** How many bits the window of a packet that is no SYN is to be shifted. */
  shift(seen: Observation): number {
    const ports = (seen.sourcePort << 16) | seen.destinationPort;
    const place = this.#tuples.find(seen.addresses, 0, DESTINATION, ports);
    const scale = place < 0 ? NONE : (this.#scales[place] ?? NONE);
    return scale === NONE ? 0 : scale;
  }
}
