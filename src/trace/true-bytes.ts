import { ipBytes } from "../packet/ip-bytes.js";
import type { Packet } from "../packet/packet.js";
import * as icmp from "../wire/icmp.js";
import * as icmpv6 from "../wire/icmpv6.js";
import * as ipv6 from "../wire/ipv6.js";
import { DESTINATION_OPTIONS, ICMP, ICMPV6, UDP } from "../wire/protocol.js";
import * as quic from "../wire/quic.js";
import * as udp from "../wire/udp.js";

/** Options of which a header of nothing but padding consists: Pad1, PadN (RFC 8200, 4.2), and one for experiments that hosts skip (RFC 4727, 3.6). */
const PAD_1 = 0;
const PAD_N = 1;
const EXPERIMENT = 0x1e;
/** Fewer zeros at the end of an echo may be its own. */
const ZEROS = 8;

/**
 * Bytes of the IP packet without what its own headers show to be padding: behind the UDP datagram (RFC 9868), a QUIC packet that nobody can read
 * before the real one, IPv6 options that say nothing, zeros at the end of an echo. What TCP was padded with shows only beside other segments.
 */
export function trueBytes(packet: Packet, view: DataView): number {
  const { version, network, transport, protocol } = packet;
  const whole = ipBytes(packet, view);
  if (packet.fragment) return whole;
  const bytes = version === 6 && transport > network + ipv6.HEADER ? whole - emptyOptions(packet, view) : whole;
  const behind = network + whole - transport;
  if (protocol === UDP) {
    const own = udp.length(view, transport);
    const length = own >= udp.HEADER && own <= behind ? own : behind;
    return bytes - (behind - length) - quicPrefix(packet, view, transport + length);
  }
  return isEcho(packet, view) ? bytes - zeros(packet, view, network + whole) : bytes;
}

/** Bytes of destination options headers in which nothing stands; they lie before `transport`, so that all of them is there. */
function emptyOptions({ network, transport }: Packet, view: DataView): number {
  let header = ipv6.nextHeader(view, network);
  let empty = 0;
  for (let at = network + ipv6.HEADER; at < transport && ipv6.isExtension(header);) {
    const length = ipv6.extensionLength(view, at, header);
    if (header === DESTINATION_OPTIONS && saysNothing(view, at + 2, at + length)) empty += length;
    header = view.getUint8(at);
    at += length;
  }
  return empty;
}

function saysNothing(view: DataView, from: number, end: number): boolean {
  for (let option = from; option < end;) {
    const kind = view.getUint8(option);
    if (kind !== PAD_1 && kind !== PAD_N && kind !== EXPERIMENT) return false;
    if (kind !== PAD_1 && option + 2 > end) return false;
    option += kind === PAD_1 ? 1 : 2 + view.getUint8(option + 1);
  }
  return true;
}

/**
 * Bytes of a 0-RTT packet that stands before a 1-RTT packet in one datagram, which ends at `end`. A client that has the keys for the second sends
 * no more of the first (RFC 9001, 5.6), so that nobody else makes such datagrams.
 */
function quicPrefix({ payload, end: held }: Packet, view: DataView, end: number): number {
  if (payload >= held || !quic.isLong(view, payload) || !quic.longFits(view, payload, held)) return 0;
  if (!quic.isKnown(quic.version(view, payload)) || quic.type(view, payload) !== quic.ZERO_RTT) return 0;
  const field = quic.source(view, payload) + quic.sourceLength(view, payload);
  if (field >= held) return 0;
  // A variable-length integer (RFC 9000, 16); longer than two bytes no datagram needs one.
  const first = view.getUint8(field);
  if (first >= 0x80 || (first >= 0x40 && field + 2 > held)) return 0;
  const next = first < 0x40 ? field + 1 + first : field + 2 + (view.getUint16(field) & 0x3fff);
  if (next >= end || (next < held && quic.isLong(view, next))) return 0;
  return next - payload;
}

function isEcho({ protocol, transport }: Packet, view: DataView): boolean {
  if (protocol !== ICMP && protocol !== ICMPV6) return false;
  const type = view.getUint8(transport);
  return protocol === ICMP
    ? type === icmp.ECHO_REQUEST || type === icmp.ECHO_REPLY
    : type === icmpv6.ECHO_REQUEST || type === icmpv6.ECHO_REPLY;
}

/** Zero bytes at the end of a payload that ends at `end`; of what a capture cut off, they are taken to go on. */
function zeros({ payload, end: held }: Packet, view: DataView, end: number): number {
  let last = Math.min(held, end);
  const seen = last;
  while (last > payload && view.getUint8(last - 1) === 0) last--;
  return seen - last >= ZEROS ? end - last : 0;
}
