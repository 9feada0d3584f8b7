import { payloadLength } from "../flow/tcp-flows.js";
import { UP, type Packet } from "../packet/packet.js";
import { add, before, distance } from "../wire/sequence.js";
import * as tcp from "../wire/tcp.js";
import { DESTINATION, type Observation } from "./observation.js";
import { RecentTuples } from "./recent-tuples.js";

/** Connections at once: sets of four. */
const SETS = 1024;

/** What is known of a connection. */
const SENT = 1;
const ACKNOWLEDGED = 2;
const RECEIVED = 4;

/**
 * How far the device has come in each of its TCP connections, as who reads sequence numbers on the way knows it. A segment that begins with bytes that
 * were sent before has only the rest to say. Of a connection that began before the trace, its first segment is taken for new, but for what
 * the other side has acknowledged by then.
 */
export class SentBytes {
  readonly #tuples = new RecentTuples(SETS);
  readonly #known = new Uint8Array(this.#tuples.places);
  /** Behind the last byte sent; behind the last that the other side acknowledged; the highest acknowledgment sent. */
  readonly #next = new Uint32Array(this.#tuples.places);
  readonly #unacknowledged = new Uint32Array(this.#tuples.places);
  readonly #received = new Uint32Array(this.#tuples.places);

  /** Bytes of a TCP segment's payload that it has for its length alone; none of one on its way down. The header must fit; no fragments. */
  padding(packet: Packet, view: DataView, seen: Observation): number {
    const at = packet.transport;
    const flags = tcp.flags(view, at);
    const up = seen.direction === UP;
    // Nobody reads what a RST carries.
    if ((flags & tcp.RST) !== 0) return up ? payloadLength(packet, view) : 0;
    const place = this.#place(seen);
    if (up) {
      const payload = payloadLength(packet, view);
      return payload - this.#meant(place, view, at, flags, payload);
    }
    if ((flags & tcp.ACK) !== 0) this.#answered(place, tcp.acknowledgment(view, at));
    return 0;
  }

  /** Bytes of a segment's payload on its way up that its sender meant to send. */
  #meant(place: number, view: DataView, at: number, flags: number, payload: number): number {
    const sequence = tcp.sequence(view, at);
    if ((flags & tcp.SYN) !== 0) {
      this.#next[place] = add(sequence, 1 + payload);
      this.#unacknowledged[place] = add(sequence, 1);
      this.#known[place] = SENT | ACKNOWLEDGED;
      return payload;
    }
    const end = add(sequence, payload);
    const next = this.#nextOf(place, sequence);
    let fresh = Math.min(Math.max(distance(next, end), 0), payload);
    // A keep-alive may repeat a byte (RFC 9293, 3.8.4); padding is more than that.
    if (fresh === 0 && (payload <= 1 || this.#isAgain(place, view, at, sequence))) fresh = payload;
    const behind = (flags & tcp.FIN) === 0 ? end : add(end, 1);
    this.#next[place] = before(next, behind) ? behind : next;
    this.#known[place] = (this.#known[place] ?? 0) | SENT;
    if ((flags & tcp.ACK) !== 0) this.#acknowledge(place, tcp.acknowledgment(view, at));
    return fresh;
  }

  #nextOf(place: number, sequence: number): number {
    if (this.#has(place, SENT)) return this.#next[place] ?? 0;
    const acknowledged = this.#unacknowledged[place] ?? 0;
    return this.#has(place, ACKNOWLEDGED) && before(sequence, acknowledged) ? acknowledged : sequence;
  }

  /**
   * True for a segment with nothing new that is sent again, rather than an acknowledgment behind padding: it begins with nothing that the other side has
   * acknowledged, and acknowledges nothing itself that was not before. Who loses a segment on the way down acknowledges the same again too,
   * but with SACK blocks.
   */
  #isAgain(place: number, view: DataView, at: number, sequence: number): boolean {
    if (this.#has(place, ACKNOWLEDGED) && before(sequence, this.#unacknowledged[place] ?? 0)) return false;
    if (!this.#has(place, RECEIVED) || before(this.#received[place] ?? 0, tcp.acknowledgment(view, at))) return false;
    return tcp.sackBlocks(view, at) === 0;
  }

  #acknowledge(place: number, acknowledgment: number): void {
    if (this.#has(place, RECEIVED) && !before(this.#received[place] ?? 0, acknowledgment)) return;
    this.#received[place] = acknowledgment;
    this.#known[place] = (this.#known[place] ?? 0) | RECEIVED;
  }

  #answered(place: number, acknowledgment: number): void {
    if (this.#has(place, SENT) && before(this.#next[place] ?? 0, acknowledgment)) return;
    if (this.#has(place, ACKNOWLEDGED) && !before(this.#unacknowledged[place] ?? 0, acknowledgment)) return;
    this.#unacknowledged[place] = acknowledgment;
    this.#known[place] = (this.#known[place] ?? 0) | ACKNOWLEDGED;
  }

  #has(place: number, bit: number): boolean {
    return ((this.#known[place] ?? 0) & bit) !== 0;
  }

  /** The place of a connection, whichever way the segment goes. */
  #place(seen: Observation): number {
    const up = seen.direction === UP;
    const ports = up ? (seen.sourcePort << 16) | seen.destinationPort : (seen.destinationPort << 16) | seen.sourcePort;
    const found = this.#tuples.place(seen.addresses, up ? 0 : DESTINATION, up ? DESTINATION : 0, ports);
    if (found >= 0) return found;
    this.#known[~found] = 0;
    return ~found;
  }
}
