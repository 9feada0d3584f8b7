import type { Packet } from "../../packet/packet.js";
import * as quic from "../../wire/quic.js";
import * as udp from "../../wire/udp.js";

/** What is known of a flow. */
const OTHER = 0;
const CALLING = 1;

/**
 * What is known of the QUIC connections in the flow table, by the flow's index there: the version, the client's connection ID, and the length
 * of the server's. Only a flow that begins with a client's full-size Initial is one. Whatever does not fit to one connection of a known
 * version makes the flow an ordinary one for good.
 */
export class QuicFlows {
  readonly #generation: Uint32Array;
  readonly #state: Uint8Array;
  /** The version that the client speaks, and the one in which the server answered it; 0 for none yet. */
  readonly #version: Uint32Array;
  readonly #answered: Uint32Array;
  readonly #clientLength: Uint8Array;
  readonly #serverLength: Uint8Array;
  readonly #clients: Uint8Array;

  /** `capacity`: of the flow table. */
  constructor(capacity: number) {
    this.#generation = new Uint32Array(capacity);
    this.#state = new Uint8Array(capacity);
    this.#version = new Uint32Array(capacity);
    this.#answered = new Uint32Array(capacity);
    this.#clientLength = new Uint8Array(capacity);
    this.#serverLength = new Uint8Array(capacity);
    this.#clients = new Uint8Array(capacity * quic.ID_MOST);
  }

  /** Notes a real UDP datagram of the flow `packet.flow` on its way up, no fragment. `generation`: the flow table's. */
  up(packet: Packet, view: DataView, generation: number): void {
    const { flow, payload, end } = packet;
    const first = this.#generation[flow] !== generation;
    if (first) {
      this.#generation[flow] = generation;
      this.#state[flow] = OTHER;
    } else if (this.#state[flow] === OTHER) return;
    if (payload >= end || !quic.isLong(view, payload)) return;
    if (!quic.longFits(view, payload, end) || !quic.isKnown(quic.version(view, payload))) {
      this.#state[flow] = OTHER;
      return;
    }
    if (first) {
      const whole = udp.length(view, packet.transport) - udp.HEADER >= quic.INITIAL_LEAST;
      if (!whole || quic.type(view, payload) !== quic.INITIAL) return;
      this.#state[flow] = CALLING;
      this.#answered[flow] = 0;
    } else if (this.#answered[flow] !== 0 && !this.#isClients(flow, view, quic.source(view, payload), payload)) {
      // Another connection between the same ports: which one a short header belongs to, nobody can tell.
      this.#state[flow] = OTHER;
      return;
    }
    // The newest counts: after a version negotiation the client begins again.
    this.#version[flow] = quic.version(view, payload);
    this.#noteClient(flow, view, payload);
  }

  /** Notes a real UDP datagram on its way down. */
  down(packet: Packet, view: DataView, generation: number): void {
    const { flow, payload, end } = packet;
    if (this.#generation[flow] !== generation || this.#state[flow] === OTHER || payload >= end) return;
    if (!quic.isLong(view, payload)) {
      const length = this.#clientLength[flow] ?? 0;
      // The server has taken another of the client's connection IDs: what the source in a long header must be now is not known.
      if (this.#answered[flow] !== 0 && (payload + 1 + length > end || !this.#equals(flow, view, payload + 1)))
        this.#state[flow] = OTHER;
      return;
    }
    if (!quic.longFits(view, payload, end)) return;
    const version = quic.version(view, payload);
    // A negotiation has version 0. A Retry's connection ID is not the one that the server will keep (RFC 9000, 7.2).
    if (!quic.isKnown(version) || quic.type(view, payload) === quic.RETRY) return;
    // An answer to an Initial before the last, or nobody's.
    if (quic.destinationLength(view, payload) !== this.#clientLength[flow]) return;
    if (!this.#equals(flow, view, quic.destination(payload))) return;
    // The first one counts: a client drops what has another source (RFC 9000, 7.2).
    if (this.#answered[flow] === version) return;
    this.#answered[flow] = version;
    this.#serverLength[flow] = quic.sourceLength(view, payload);
  }

  /** The version that both sides speak, once both have shown it; 0 for a flow that is no QUIC, or not that far. */
  version(flow: number, generation: number): number {
    if (this.#generation[flow] !== generation || this.#state[flow] === OTHER) return 0;
    const version = this.#version[flow] ?? 0;
    return this.#answered[flow] === version ? version : 0;
  }

  /** Bytes of the client's connection ID, the source of its long headers. */
  clientLength(flow: number): number {
    return this.#clientLength[flow] ?? 0;
  }

  /** Bytes of the server's connection IDs, the destination of the client's headers. */
  serverLength(flow: number): number {
    return this.#serverLength[flow] ?? 0;
  }

  /** Writes the client's connection ID. */
  copyClient(flow: number, view: DataView, at: number): void {
    const from = flow * quic.ID_MOST;
    for (let i = 0; i < this.clientLength(flow); i++) view.setUint8(at + i, this.#clients[from + i] ?? 0);
  }

  #noteClient(flow: number, view: DataView, at: number): void {
    const length = quic.sourceLength(view, at);
    const from = quic.source(view, at);
    this.#clientLength[flow] = length;
    for (let i = 0; i < length; i++) this.#clients[flow * quic.ID_MOST + i] = view.getUint8(from + i);
  }

  #isClients(flow: number, view: DataView, from: number, header: number): boolean {
    return quic.sourceLength(view, header) === this.#clientLength[flow] && this.#equals(flow, view, from);
  }

  #equals(flow: number, view: DataView, at: number): boolean {
    for (let i = 0; i < this.clientLength(flow); i++) {
      if (view.getUint8(at + i) !== this.#clients[flow * quic.ID_MOST + i]) return false;
    }
    return true;
  }
}
