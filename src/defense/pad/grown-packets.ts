import { ipBytes } from "../../packet/ip-bytes.js";
import type { Packet } from "../../packet/packet.js";
import { completeChecksum, replaceWord } from "../../wire/checksum.js";
import * as icmp from "../../wire/icmp.js";
import * as icmpv6 from "../../wire/icmpv6.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../wire/protocol.js";
import * as tcp from "../../wire/tcp.js";
import { isWhole, lengthen } from "./lengthen.js";
import type { MechanismModules } from "./mechanism.js";
import type { Quote } from "./quote.js";

/** Packets that are remembered: what a device sends in the round trip that an error takes. With their headers 38 KiB. */
const PLACES = 1024;
/** Of the transport header: TCP's without options, else what every error quotes. */
const WORDS = 5;
const SHORT = 8;
/** Where TCP's sequence number stands in it, UDP's length and checksum, an echo's identifier and number. */
const KEY = 4;
/** Where TCP's flags and window stand in it. */
const FLAGS = 12;
const NONE = -1;

/** The last packets of a device that left grown, as the device had made them: errors that routers send are to quote those. */
export class GrownPackets {
  readonly #modules: Pick<MechanismModules, "pool" | "flows">;
  readonly #flow = new Int32Array(PLACES).fill(NONE);
  readonly #generation = new Uint32Array(PLACES);
  /** As they left: what stands at KEY, what tells apart those in which that is the same, and bytes of the IP packet. */
  readonly #key = new Int32Array(PLACES);
  readonly #mark = new Int32Array(PLACES);
  readonly #bytes = new Uint16Array(PLACES);
  /** As they came: bytes of the IP packet, and the beginning of the transport header. */
  readonly #original = new Uint16Array(PLACES);
  readonly #header = new Int32Array(PLACES * WORDS);
  #next = 0;
  /** Where the transport header of the packet stands that was shown last, or -1. */
  #transport = NONE;

  constructor(modules: Pick<MechanismModules, "pool" | "flows">) {
    this.#modules = modules;
  }

  /** Shows a packet that may grow now. */
  before(packet: Packet): void {
    const { protocol, transport } = packet;
    this.#transport = NONE;
    if (packet.flow === NONE || packet.fragment || !isKnown(protocol)) return;
    if (transport + (protocol === TCP ? tcp.HEADER : SHORT) > packet.end) return;
    const { view } = this.#modules.pool;
    this.#transport = transport;
    this.#original[this.#next] = ipBytes(packet, view);
    const words = protocol === TCP ? WORDS : SHORT / 4;
    for (let i = 0; i < words; i++) this.#header[this.#next * WORDS + i] = view.getInt32(transport + 4 * i);
  }

  /** The packet that was shown before has grown. One whose transport header stands elsewhere now is not remembered. */
  after(packet: Packet): void {
    if (this.#transport !== packet.transport) return;
    const { pool, flows } = this.#modules;
    const place = this.#next;
    this.#flow[place] = packet.flow;
    this.#generation[place] = flows.generation(packet.flow);
    this.#key[place] = pool.view.getInt32(packet.transport + KEY);
    this.#mark[place] = markOf(pool.view, packet.version, packet.network, packet.transport, packet.end);
    this.#bytes[place] = ipBytes(packet, pool.view);
    this.#next = (place + 1) % PLACES;
    this.#transport = NONE;
  }

  /** The place of a quoted packet of the flow; -1 where it is not remembered, or has not grown. */
  find({ end }: Packet, quote: Quote, flow: number): number {
    const { flows, pool } = this.#modules;
    const key = pool.view.getInt32(quote.transport + KEY);
    const mark = markOf(pool.view, quote.version, quote.at, quote.transport, end);
    const generation = flows.generation(flow);
    let newest = NONE;
    for (let i = 1; i <= PLACES; i++) {
      const place = (this.#next + PLACES - i) % PLACES;
      if (this.#key[place] !== key || this.#flow[place] !== flow) continue;
      if (this.#bytes[place] !== quote.length || this.#generation[place] !== generation) continue;
      if (this.#mark[place] === mark) return place;
      if (newest === NONE) newest = place;
    }
    return newest;
  }

  /** Bytes of the IP packet as it came. */
  original(place: number): number {
    return this.#original[place] ?? 0;
  }

  /**
   * Writes into an error what the device has sent in place of what left: lengths, the transport header, no padding. False for an error that a
   * capture cut.
   */
  restore(packet: Packet, quote: Quote, place: number): boolean {
    if (!isWhole(packet)) return false;
    const { view, bytes } = this.#modules.pool;
    const original = this.original(place);
    const extended = extensionAt(packet, view, quote);
    const behind = extended === NONE ? packet.end : extended;
    const payload = payloadAt(quote, view, behind);
    const cut = Math.min(this.#inFront(place, quote), behind - payload);
    if (cut > 0) bytes.copyWithin(payload, payload + cut, behind);
    const end = Math.min(behind - cut, quote.at + original);
    const words = quote.protocol === TCP ? WORDS : SHORT / 4;
    for (let i = 0; i < words && quote.transport + 4 * i + 4 <= end; i++)
      view.setInt32(quote.transport + 4 * i, this.#header[place * WORDS + i] ?? 0);
    if (quote.version === 4) {
      ipv4.setTotalLength(view, quote.at, original);
      replaceWord(view, quote.at + ipv4.CHECKSUM, quote.length, original);
    } else ipv6.setPayloadLength(view, quote.at, original - ipv6.HEADER);
    if (extended === NONE) {
      lengthen(packet, view, end - packet.end);
      // Not padding of ours: it is what the device is to get.
      packet.added = 0;
    } else bytes.fill(0, end, behind);
    if (quote.version === 4) icmp.updateChecksum(view, packet.transport, packet.end);
    else completeChecksum(view, 6, packet.network, ICMPV6, packet.transport, packet.end);
    return true;
  }

  /** Bytes that were put before the payload; all others stand behind it. */
  #inFront(place: number, { protocol, length }: Quote): number {
    const header = place * WORDS;
    if (protocol === UDP) return ((this.#key[place] ?? 0) >>> 16) - ((this.#header[header + 1] ?? 0) >>> 16);
    if (protocol !== TCP) return 0;
    const flags = (this.#header[header + 3] ?? 0) >>> 16;
    return (flags & tcp.RST) !== 0 ? 0 : length - this.original(place);
  }
}

/**
 * A segment and the acknowledgment behind it, which repeats it, look alike by number and length: they differ in IPv4's identification, and in
 * their flags, which IPv6's longer quotes hold.
 */
function markOf(view: DataView, version: number, network: number, transport: number, end: number): number {
  if (version === 4) return ipv4.identification(view, network);
  return transport + FLAGS + 4 <= end ? view.getInt32(transport + FLAGS) : 0;
}

function isKnown(protocol: number): boolean {
  return protocol === TCP || protocol === UDP || protocol === ICMP || protocol === ICMPV6;
}

/** Where the quoted payload starts; at `end` where not even the header's length is quoted. */
function payloadAt({ protocol, transport }: Quote, view: DataView, end: number): number {
  if (protocol !== TCP) return transport + SHORT;
  return transport + tcp.HEADER > end ? end : Math.min(transport + tcp.headerLength(view, transport), end);
}

/** Where the extension structure of an error begins, behind what it quotes (RFC 4884, 4 and 5), or -1. */
function extensionAt({ version, transport, end }: Packet, view: DataView, { at, transport: quoted }: Quote): number {
  const type = view.getUint8(transport);
  let length: number;
  if (version === 4) {
    if (type !== icmp.UNREACHABLE && type !== icmp.TIME_EXCEEDED && type !== icmp.PARAMETER_PROBLEM) return NONE;
    length = view.getUint8(transport + 5) * 4;
  } else {
    if (type !== icmpv6.UNREACHABLE && type !== icmpv6.TIME_EXCEEDED) return NONE;
    length = view.getUint8(transport + 4) * 8;
  }
  return length !== 0 && at + length <= end && quoted + SHORT <= at + length ? at + length : NONE;
}
