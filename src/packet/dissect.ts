import * as ethernet from "../wire/ethernet.js";
import * as icmp from "../wire/icmp.js";
import * as icmpv6 from "../wire/icmpv6.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import { FRAGMENT, ICMP, ICMPV6, NO_NEXT_HEADER, TCP, UDP } from "../wire/protocol.js";
import * as tcp from "../wire/tcp.js";
import * as udp from "../wire/udp.js";
import type { Packet } from "./packet.js";

/**
 * Reads a frame's headers once and notes in the packet where they are. Never reads outside the frame and never throws: what is
 * malformed or unknown leaves `version` 0 or `protocol` -1. Where `protocol` is TCP, UDP, ICMP or ICMPv6, the fixed part of that header
 * lies inside the frame. A frame that a capture cut (`wireLength` above `length`) is read as far as it goes.
 */
export function dissect(packet: Packet, view: DataView): void {
  const at = packet.at;
  const frameEnd = at + packet.length;
  packet.version = 0;
  packet.protocol = -1;
  packet.sourcePort = 0;
  packet.destinationPort = 0;
  packet.fragment = false;
  packet.end = frameEnd;
  if (packet.length < ethernet.HEADER) {
    packet.etherType = 0;
    packet.network = packet.transport = packet.payload = frameEnd;
    return;
  }
  let etherType = ethernet.type(view, at);
  let network = at + ethernet.HEADER;
  while (ethernet.isTag(etherType) && network + ethernet.TAG <= frameEnd) {
    etherType = view.getUint16(network + 2);
    network += ethernet.TAG;
  }
  packet.etherType = etherType;
  packet.network = packet.transport = packet.payload = network;
  if (etherType === ethernet.IPV4) dissect4(packet, view, network, frameEnd);
  else if (etherType === ethernet.IPV6) dissect6(packet, view, network, frameEnd);
}

function dissect4(packet: Packet, view: DataView, network: number, frameEnd: number): void {
  if (!ipv4.fits(view, network, frameEnd)) return;
  const packetEnd = network + ipv4.totalLength(view, network);
  if (packetEnd > wireEnd(packet)) return;
  packet.version = 4;
  packet.end = packetEnd < frameEnd ? packetEnd : frameEnd;
  packet.fragment = ipv4.isFragment(view, network);
  packet.transport = packet.payload = network + ipv4.headerLength(view, network);
  if (ipv4.fragmentOffset(view, network) === 0) dissectTransport(packet, view, ipv4.protocol(view, network), packetEnd);
}

function dissect6(packet: Packet, view: DataView, network: number, frameEnd: number): void {
  if (!ipv6.fits(view, network, frameEnd)) return;
  const length = ipv6.payloadLength(view, network);
  let header = ipv6.nextHeader(view, network);
  const packetEnd = network + ipv6.HEADER + length;
  // A length of 0 before a header means a jumbogram (RFC 2675) or a card that segments for us: the packet's end is not known.
  if (packetEnd > wireEnd(packet) || (length === 0 && header !== NO_NEXT_HEADER)) return;
  const end = packetEnd < frameEnd ? packetEnd : frameEnd;
  packet.version = 6;
  packet.end = end;
  let position = network + ipv6.HEADER;
  while (ipv6.isExtension(header)) {
    if (position + 8 > end) break;
    const extension = ipv6.extensionLength(view, position, header);
    if (position + extension > end) break;
    if (header === FRAGMENT) {
      // An "atomic" fragment is a whole packet (RFC 6946).
      packet.fragment = packet.fragment || (view.getUint16(position + 2) & 0xfff9) !== 0;
      if (ipv6.fragmentOffset(view, position) !== 0) {
        packet.transport = packet.payload = position + extension;
        return;
      }
    }
    header = view.getUint8(position);
    position += extension;
  }
  packet.transport = packet.payload = position;
  if (!ipv6.isExtension(header) && header !== NO_NEXT_HEADER) dissectTransport(packet, view, header, packetEnd);
}

/** `packetEnd` is where the IP packet ends on the wire; `packet.end` where it ends in the slot. */
function dissectTransport(packet: Packet, view: DataView, protocol: number, packetEnd: number): void {
  const at = packet.transport;
  const end = packet.end;
  let header = 0;
  if (protocol === TCP) {
    if (at + tcp.HEADER > end) return;
    header = tcp.headerLength(view, at);
    if (header < tcp.HEADER || at + header > packetEnd) return;
    packet.sourcePort = tcp.sourcePort(view, at);
    packet.destinationPort = tcp.destinationPort(view, at);
  } else if (protocol === UDP) {
    if (!udp.fits(at, end)) return;
    header = udp.HEADER;
    packet.sourcePort = udp.sourcePort(view, at);
    packet.destinationPort = udp.destinationPort(view, at);
  } else if (protocol === ICMP) {
    if (!icmp.fits(at, end)) return;
    header = icmp.HEADER;
  } else if (protocol === ICMPV6) {
    if (!icmpv6.fits(at, end)) return;
    header = icmpv6.HEADER;
  }
  packet.protocol = protocol;
  if (at + header <= end) packet.payload = at + header;
}

/** Where the frame ended before a capture cut it. */
function wireEnd(packet: Packet): number {
  return packet.at + (packet.wireLength > packet.length ? packet.wireLength : packet.length);
}
