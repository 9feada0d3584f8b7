import { ipBytes } from "../packet/ip-bytes.js";
import { UP, type Packet } from "../packet/packet.js";
import { transportValid } from "../wire/checksum.js";
import { TCP } from "../wire/protocol.js";
import { add, before, distance } from "../wire/sequence.js";
import * as tcp from "../wire/tcp.js";

/** Bits of a flow's state. */
const STARTED = 1;
const ANSWERED = 2;
const ESTABLISHED = 4;
const DEVICE_SACK = 8;
const REMOTE_SACK = 16;
const SEEN_UP = 32;
const SEEN_DOWN = 64;
const RESET = 128;
const ACKED = 256;

/** A segment announces no maximum size: what RFC 9293, 3.7.1 has a sender assume, over IPv4. */
export const DEFAULT_MSS = 536;
/** The flow's beginning was not seen. */
export const UNKNOWN = -1;

/**
 * What is known of the TCP flows in the flow table, by the flow's index there: sequence numbers as the device counts them, and what the two
 * SYNs agreed on. It is told of every real packet on its arrival, before any defense changes it. A flow whose beginning was not seen (it is
 * older than the daemon, or was forgotten) is known from its first packet on.
 */
export class TcpFlows {
  /** `next` and `unacknowledged` of the flow as they were before the packet that was seen last. */
  previousNext = 0;
  previousUnacknowledged = 0;
  readonly #generation: Uint32Array;
  readonly #state: Uint16Array;
  readonly #start: Uint32Array;
  readonly #next: Uint32Array;
  readonly #una: Uint32Array;
  readonly #received: Uint32Array;
  readonly #downNext: Uint32Array;
  readonly #mss: Int32Array;
  readonly #scale: Int8Array;
  readonly #largest: Uint16Array;

  /** `capacity`: of the flow table. */
  constructor(capacity: number) {
    this.#generation = new Uint32Array(capacity);
    this.#state = new Uint16Array(capacity);
    this.#start = new Uint32Array(capacity);
    this.#next = new Uint32Array(capacity);
    this.#una = new Uint32Array(capacity);
    this.#received = new Uint32Array(capacity);
    this.#downNext = new Uint32Array(capacity);
    this.#mss = new Int32Array(capacity);
    this.#scale = new Int8Array(capacity * 2);
    this.#largest = new Uint16Array(capacity);
  }

  /** Notes a real TCP segment of the flow `packet.flow`, no fragment. `generation`: the flow table's, so that a place used anew begins anew. */
  see(packet: Packet, view: DataView, generation: number): void {
    const { flow, transport } = packet;
    if (this.#generation[flow] !== generation) this.#begin(flow, generation);
    if (!tcp.fits(view, transport, packet.end)) return;
    this.previousNext = this.#next[flow] ?? 0;
    this.previousUnacknowledged = this.#una[flow] ?? 0;
    const flags = tcp.flags(view, transport);
    const length = payloadLength(packet, view);
    if (packet.direction === UP) this.#up(packet, view, flags, length);
    else this.#down(packet, view, flags, length);
  }

  /** The SYN's sequence number, or UNKNOWN. */
  start(flow: number): number {
    return this.#has(flow, STARTED) ? (this.#start[flow] ?? 0) : UNKNOWN;
  }

  /** The sequence number behind the last that the device has sent; SYN and FIN count one each. */
  next(flow: number): number {
    return this.#next[flow] ?? 0;
  }

  /** The oldest sequence number that the remote side has not acknowledged. */
  unacknowledged(flow: number): number {
    return this.#una[flow] ?? 0;
  }

  /** The highest acknowledgment number that the device has sent. */
  received(flow: number): number {
    return this.#received[flow] ?? 0;
  }

  /** The sequence number behind the last that the remote side has sent. */
  downNext(flow: number): number {
    return this.#downNext[flow] ?? 0;
  }

  /**
   * True once a packet of the remote side has shown that it left SYN-RECEIVED: with payload, FIN, or an acknowledgment of more than the SYN.
   * Of a flow whose beginning was not seen, once anything came down; of one whose SYN was seen but not its SYN-ACK, never.
   */
  established(flow: number): boolean {
    return this.#has(flow, ESTABLISHED);
  }

  /** True once the SYN-ACK was seen. */
  answered(flow: number): boolean {
    return this.#has(flow, ANSWERED);
  }

  /**
   * True where both SYNs permitted SACK (RFC 2018, 2). Where they were not seen, once the remote side has reported blocks: it may only where
   * the device has permitted it, and a side that reports them reads them too.
   */
  sack(flow: number): boolean {
    return this.#has(flow, DEVICE_SACK | REMOTE_SACK);
  }

  /** True after a RST of either side. */
  reset(flow: number): boolean {
    return this.#has(flow, RESET);
  }

  /** The largest segment that the remote side takes, as its SYN said (DEFAULT_MSS where that said nothing), or UNKNOWN. */
  mss(flow: number): number {
    return this.#mss[flow] ?? UNKNOWN;
  }

  /** Bytes of the largest IP packet that the device has sent in the flow. */
  largest(flow: number): number {
    return this.#largest[flow] ?? 0;
  }

  /** The shift count that a side's windows are scaled by: 0 where the SYNs agreed on none, UNKNOWN where they were not seen. */
  scale(flow: number, direction: 0 | 1): number {
    if (!this.#has(flow, STARTED | ANSWERED)) return UNKNOWN;
    const [up, down] = [this.#scale[flow * 2] ?? UNKNOWN, this.#scale[flow * 2 + 1] ?? UNKNOWN];
    // RFC 7323, 2.2: only where both sent the option.
    if (up < 0 || down < 0) return 0;
    return direction === UP ? up : down;
  }

  #begin(flow: number, generation: number): void {
    this.#generation[flow] = generation;
    this.#state[flow] = 0;
    this.#start[flow] = this.#next[flow] = this.#una[flow] = this.#received[flow] = this.#downNext[flow] = 0;
    this.#mss[flow] = UNKNOWN;
    this.#largest[flow] = 0;
    this.#scale[flow * 2] = this.#scale[flow * 2 + 1] = UNKNOWN;
  }

  #up(packet: Packet, view: DataView, flags: number, length: number): void {
    const { flow, transport: at } = packet;
    const bytes = ipBytes(packet, view);
    if (bytes > (this.#largest[flow] ?? 0)) this.#largest[flow] = bytes;
    const sequence = tcp.sequence(view, at);
    if ((flags & tcp.RST) !== 0) {
      this.#set(flow, RESET);
      return;
    }
    if ((flags & tcp.SYN) !== 0) {
      if ((flags & tcp.ACK) !== 0) return; // the device is the server: none of ours begin so
      if (this.#has(flow, STARTED) && this.#start[flow] === sequence) return;
      this.#begin(flow, this.#generation[flow] ?? 0);
      this.#state[flow] = STARTED | SEEN_UP | (tcp.sackPermitted(view, at) ? DEVICE_SACK : 0);
      this.#largest[flow] = bytes;
      this.#start[flow] = sequence;
      this.#next[flow] = this.#una[flow] = add(sequence, 1);
      this.#scale[flow * 2] = tcp.windowScale(view, at);
      this.previousNext = this.previousUnacknowledged = add(sequence, 1);
      return;
    }
    const end = add(sequence, length + ((flags & tcp.FIN) !== 0 ? 1 : 0));
    if (!this.#has(flow, SEEN_UP)) {
      this.#set(flow, SEEN_UP);
      // Older than our knowledge: nothing before this segment is ours to repeat.
      this.#next[flow] = sequence;
      if (!this.#has(flow, SEEN_DOWN)) this.#una[flow] = sequence;
      this.previousNext = sequence;
      this.previousUnacknowledged = this.#una[flow] ?? 0;
    }
    if (before(this.#next[flow] ?? 0, end)) this.#next[flow] = end;
    if ((flags & tcp.ACK) !== 0) {
      const acknowledgment = tcp.acknowledgment(view, at);
      if (!this.#has(flow, ACKED) || before(this.#received[flow] ?? 0, acknowledgment))
        this.#received[flow] = acknowledgment;
      this.#set(flow, ACKED);
    }
  }

  #down(packet: Packet, view: DataView, flags: number, length: number): void {
    const { flow, transport: at } = packet;
    const sequence = tcp.sequence(view, at);
    const acknowledgment = tcp.acknowledgment(view, at);
    if ((flags & tcp.RST) !== 0) {
      this.#set(flow, RESET);
      return;
    }
    if ((flags & tcp.SYN) !== 0) {
      if ((flags & tcp.ACK) === 0 || !this.#has(flow, STARTED)) return;
      if (acknowledgment !== add(this.#start[flow] ?? 0, 1)) return; // of another connection, or data on our SYN was taken
      if (this.#has(flow, ANSWERED)) return;
      this.#set(flow, ANSWERED | SEEN_DOWN | ACKED | (tcp.sackPermitted(view, at) ? REMOTE_SACK : 0));
      const mss = tcp.mss(view, at);
      this.#mss[flow] = mss === -1 ? DEFAULT_MSS : mss;
      this.#scale[flow * 2 + 1] = tcp.windowScale(view, at);
      this.#downNext[flow] = this.#received[flow] = add(sequence, 1);
      return;
    }
    // Between SYN and SYN-ACK only an older connection speaks.
    if (this.#has(flow, STARTED) && !this.#has(flow, ANSWERED)) return;
    const end = add(sequence, length + ((flags & tcp.FIN) !== 0 ? 1 : 0));
    if (!this.#has(flow, SEEN_DOWN)) {
      if (!sound(packet, view)) return;
      this.#set(flow, SEEN_DOWN);
      this.#downNext[flow] = sequence;
      if (!this.#has(flow, SEEN_UP)) this.#next[flow] = acknowledgment;
      this.#una[flow] = acknowledgment;
      if (before(this.#next[flow] ?? 0, acknowledgment)) this.#next[flow] = acknowledgment;
    }
    if (before(this.#downNext[flow] ?? 0, end)) this.#downNext[flow] = end;
    if ((flags & tcp.ACK) === 0) return;
    if (!this.#has(flow, STARTED) && !this.#has(flow, REMOTE_SACK) && tcp.option(view, at, tcp.OPTION_SACK) !== -1)
      this.#set(flow, DEVICE_SACK | REMOTE_SACK);
    const una = this.#una[flow] ?? 0;
    // Not beyond what the device has sent: an acknowledgment of the future is nobody's.
    if (distance(acknowledgment, this.#next[flow] ?? 0) < 0) return;
    if (before(una, acknowledgment) && sound(packet, view)) this.#una[flow] = acknowledgment;
    if (!this.#has(flow, STARTED)) this.#set(flow, ESTABLISHED);
    else if (before(add(this.#start[flow] ?? 0, 1), this.#una[flow] ?? 0)) this.#set(flow, ESTABLISHED);
    else if (acknowledgment === una && end !== sequence) this.#set(flow, ESTABLISHED);
  }

  #has(flow: number, bits: number): boolean {
    return ((this.#state[flow] ?? 0) & bits) === bits;
  }

  #set(flow: number, bits: number): void {
    this.#state[flow] = (this.#state[flow] ?? 0) | bits;
  }
}

/** Payload bytes of a TCP segment, also where a capture cut them off. `packet.end` is the slot's; the wire's is behind it by what was cut. */
export function payloadLength(packet: Packet, view: DataView): number {
  const cut = packet.wireLength > packet.length && packet.end === packet.at + packet.length;
  const end = cut ? packet.network + ipBytes(packet, view) : packet.end;
  return end - packet.transport - tcp.headerLength(view, packet.transport);
}

/** True where the packet's checksum is right, so that its receiver will believe it; of a packet that a capture cut nobody can tell. */
function sound(packet: Packet, view: DataView): boolean {
  if (packet.wireLength > packet.length) return true;
  return transportValid(view, packet.version, packet.network, TCP, packet.transport, packet.end);
}
