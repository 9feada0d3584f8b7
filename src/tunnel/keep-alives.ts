import { payloadLength, type TcpFlows } from "../flow/tcp-flows.js";
import type { Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Micros } from "../time/micros.js";
import { completeChecksum } from "../wire/checksum.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import { writeIpv4Header } from "../wire/ipv4-header.js";
import * as ipv6 from "../wire/ipv6.js";
import { TCP } from "../wire/protocol.js";
import { add } from "../wire/sequence.js";
import * as tcp from "../wire/tcp.js";

// Bits of a flow's state: the server has spoken, with timestamps; an end is in sight.
const DOWN = 1;
const STAMPS = 2;
const OVER = 4;
/** Two no-operations and the timestamps option (RFC 7323, appendix A). */
const STAMPS_BYTES = 12;
const NOP = 1;
const MEANS_MORE = tcp.FIN | tcp.SYN | tcp.RST | tcp.URG;

/**
 * Answers the device's TCP keep-alives (RFC 9293, 3.8.4) as the server would, while their own answers wait for slots: idle, that takes a
 * heartbeat or two, and who asks once a second gives up after ten. Nothing else changes: the keep-alive goes on in its slot, the server's
 * answer comes as a second one, which TCP takes in silence.
 *
 * A keep-alive lies one byte below what the device sends next, with no data or one byte (RFC 1122, 4.2.3.6). It is answered only where there is
 * nothing to say but that: the server has acknowledged everything, the device has all that came, the window is open, nobody has begun to
 * end the connection. And for a bounded time: where nothing of the flow comes from the server within `patience` after the first one, the
 * device finds out by itself that nobody is there. So a dead server is hidden for that long at most, and so is a dead tunnel.
 */
export class KeepAlives {
  readonly #pool: Pool;
  readonly #tcp: TcpFlows;
  readonly #generation: Uint32Array;
  readonly #state: Uint8Array;
  /** As the server's last segment has them. */
  readonly #window: Uint16Array;
  readonly #stamp: Uint32Array;
  /** When the first keep-alive was answered that the server has not; -1 for none. */
  readonly #since: Float64Array;

  /** `flows`: places of the flow table. `tcp` has seen a segment before this is told of it. */
  constructor(flows: number, { pool, tcp }: { readonly pool: Pool; readonly tcp: TcpFlows }) {
    this.#pool = pool;
    this.#tcp = tcp;
    this.#generation = new Uint32Array(flows);
    this.#state = new Uint8Array(flows);
    this.#window = new Uint16Array(flows);
    this.#stamp = new Uint32Array(flows);
    this.#since = new Float64Array(flows);
  }

  /** Notes a packet of the world for the device. `generation`: the flow table's. */
  sawDown(packet: Packet, generation: number): void {
    if (!this.#isSegment(packet, generation)) return;
    const { flow, transport: at } = packet;
    const { view } = this.#pool;
    const flags = tcp.flags(view, at);
    this.#since[flow] = -1;
    if (this.#hasEnded(flow, flags) || (flags & tcp.ACK) === 0) return;
    // One that others have overtaken says nothing new.
    if (tcp.acknowledgment(view, at) !== this.#tcp.unacknowledged(flow)) return;
    this.#window[flow] = tcp.window(view, at);
    const stamps = tcp.timestamps(view, at);
    if (stamps !== -1) this.#stamp[flow] = tcp.timestampValue(view, stamps);
    this.#set(flow, DOWN | (stamps === -1 ? 0 : STAMPS));
  }

  /** Notes a packet of the device for the world; answers the answer to a keep-alive, which the caller owns, or null. */
  sawUp(packet: Packet, generation: number, patience: Micros, now: Micros): Packet | null {
    if (!this.#isSegment(packet, generation)) return null;
    const { flow, transport: at } = packet;
    const { view } = this.#pool;
    const flags = tcp.flags(view, at);
    if (this.#hasEnded(flow, flags)) return null;
    // What lies behind it, and is known already.
    const next = this.#tcp.previousNext;
    if (tcp.sequence(view, at) !== add(next, -1) || payloadLength(packet, view) > 1) return null;
    const complete =
      this.#tcp.unacknowledged(flow) === next && this.#tcp.downNext(flow) === tcp.acknowledgment(view, at);
    const alike = this.#has(flow, STAMPS) === (tcp.timestamps(view, at) !== -1);
    if (!this.#has(flow, DOWN) || !complete || !alike || this.#window[flow] === 0) return null;
    if ((this.#since[flow] ?? -1) < 0) this.#since[flow] = now;
    if (now - (this.#since[flow] ?? 0) > patience) return null;
    // What waits for slots may take half of the memory: this must never be what it has too little for.
    return 2 * this.#pool.available < this.#pool.capacity ? null : this.#answer(packet);
  }

  /** An acknowledgment from the server to the device, in a frame back to where the keep-alive came from. */
  #answer(packet: Packet): Packet | null {
    const out = this.#pool.take();
    if (out === null) return null;
    const { bytes, view } = this.#pool;
    const { at, network, transport, version, flow } = packet;
    // The link header, with tags if there are any; both addresses change places.
    bytes.copyWithin(out.at, at, network);
    ethernet.setDestination(view, out.at, ethernet.source(view, at));
    ethernet.setSource(view, out.at, ethernet.destination(view, at));
    const ip = out.at + (network - at);
    const head = ip + (version === 4 ? ipv4.HEADER : ipv6.HEADER);
    const stamps = tcp.timestamps(view, transport);
    const header = tcp.HEADER + (stamps === -1 ? 0 : STAMPS_BYTES);
    if (version === 4) {
      const { HEADER, source, destination } = ipv4;
      writeIpv4Header(view, ip, HEADER + header, TCP, 64, destination(view, network), source(view, network));
    } else {
      ipv6.setVersion(view, ip, 0, 0);
      ipv6.setPayloadLength(view, ip, header);
      ipv6.setNextHeader(view, ip, TCP);
      ipv6.setHopLimit(view, ip, 64);
      ipv6.copyAddress(view, network + ipv6.DESTINATION, view, ip + ipv6.SOURCE);
      ipv6.copyAddress(view, network + ipv6.SOURCE, view, ip + ipv6.DESTINATION);
    }
    tcp.setSourcePort(view, head, tcp.destinationPort(view, transport));
    tcp.setDestinationPort(view, head, tcp.sourcePort(view, transport));
    tcp.setSequence(view, head, this.#tcp.downNext(flow));
    tcp.setAcknowledgment(view, head, this.#tcp.unacknowledged(flow));
    tcp.setHeaderLength(view, head, header);
    tcp.setFlags(view, head, tcp.ACK);
    tcp.setWindow(view, head, this.#window[flow] ?? 0);
    tcp.setChecksum(view, head, 0);
    view.setUint16(head + 18, 0);
    if (stamps !== -1) {
      const option = head + tcp.HEADER;
      view.setUint16(option, (NOP << 8) | NOP);
      view.setUint16(option + 2, (tcp.OPTION_TIMESTAMPS << 8) | 10);
      view.setUint32(option + 4, this.#stamp[flow] ?? 0);
      view.setUint32(option + 8, tcp.timestampValue(view, stamps));
    }
    completeChecksum(view, version, ip, TCP, head, head + header);
    out.length = out.wireLength = head + header - out.at;
    return out;
  }

  /** True for a TCP segment whose flow is known, from here on as it is now. */
  #isSegment({ flow, protocol, fragment, transport, end, version }: Packet, generation: number): boolean {
    if (flow === -1 || protocol !== TCP || fragment || version === 0) return false;
    if (!tcp.fits(this.#pool.view, transport, end)) return false;
    if (this.#generation[flow] !== generation) {
      this.#generation[flow] = generation;
      this.#begin(flow);
    }
    return true;
  }

  /** True where flags begin or end a connection: keep-alives of either are not for us. What has begun to end stays so until another begins. */
  #hasEnded(flow: number, flags: number): boolean {
    if ((flags & MEANS_MORE) === 0) return this.#has(flow, OVER);
    this.#begin(flow);
    if ((flags & (tcp.FIN | tcp.RST)) !== 0) this.#set(flow, OVER);
    return true;
  }

  #begin(flow: number): void {
    this.#state[flow] = 0;
    this.#since[flow] = -1;
  }

  #has(flow: number, bit: number): boolean {
    return ((this.#state[flow] ?? 0) & bit) !== 0;
  }

  #set(flow: number, bits: number): void {
    this.#state[flow] = (this.#state[flow] ?? 0) | bits;
  }
}
