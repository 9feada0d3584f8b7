import { DESTINATION, type Observation } from "./observation.js";
import { tupleHash } from "./tuple-hash.js";

const PLACES = 4096;
/** No window scale option, or the handshake has not been seen. */
const NONE = 0xff;

/**
 * The window scales of recent TCP connections, one direction of a connection a place. A fixed table: a new handshake whose place is
 * taken evicts the older one, whose windows are then read raw, as are those of connections that began before the trace.
 */
export class WindowScales {
  readonly #keys = new Int32Array(PLACES * 2);
  readonly #scales = new Uint8Array(PLACES).fill(NONE);

  /**
   * Notes the scale that a SYN offers for its sender's windows, or -1 where it offers none. A SYN-ACK without an offer refuses that
   * of the SYN; one with an offer accepts it, whether or not the SYN was seen (RFC 7323, 1.3 and 2.2).
   */
  handshake(seen: Observation, offered: number, answer: boolean): void {
    const own = this.#place(seen, 0, DESTINATION, seen.sourcePort, seen.destinationPort);
    this.#scales[own] = offered < 0 ? NONE : offered;
    if (!answer || offered >= 0) return;
    const peer = this.#find(seen, DESTINATION, 0, seen.destinationPort, seen.sourcePort);
    if (peer >= 0) this.#scales[peer] = NONE;
  }

  /** How many bits the window of a packet that is no SYN is to be shifted. */
  shift(seen: Observation): number {
    const place = this.#find(seen, 0, DESTINATION, seen.sourcePort, seen.destinationPort);
    const scale = place < 0 ? NONE : (this.#scales[place] ?? NONE);
    return scale === NONE ? 0 : scale;
  }

  #place(seen: Observation, from: number, to: number, fromPort: number, toPort: number): number {
    const ports = (fromPort << 16) | toPort;
    const hash = tupleHash(seen.addresses, from, to, ports);
    const place = hash & (PLACES - 1);
    this.#keys[place * 2] = hash;
    this.#keys[place * 2 + 1] = ports;
    return place;
  }

  #find(seen: Observation, from: number, to: number, fromPort: number, toPort: number): number {
    const ports = (fromPort << 16) | toPort;
    const hash = tupleHash(seen.addresses, from, to, ports);
    const place = hash & (PLACES - 1);
    return this.#keys[place * 2] === hash && this.#keys[place * 2 + 1] === ports ? place : -1;
  }
}
