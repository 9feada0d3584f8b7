import { DECOY, UP, type Packet } from "../../packet/packet.js";
import type { Random } from "../../random/random.js";
import { completeChecksum } from "../../wire/checksum.js";
import * as icmp from "../../wire/icmp.js";
import * as icmpv6 from "../../wire/icmpv6.js";
import * as ipv4 from "../../wire/ipv4.js";
import { writeIpv4Header } from "../../wire/ipv4-header.js";
import * as ipv6 from "../../wire/ipv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../wire/protocol.js";
import * as tcp from "../../wire/tcp.js";
import * as udp from "../../wire/udp.js";
import { DEVICE_ADDRESS, LINK_LENGTH, REMOTE_ADDRESS, VERSION } from "./remotes.js";

/** MSS 1460, SACK permitted, timestamps, NOP, window scale 6: the options of a Linux SYN, in its order (RFC 9293, RFC 7323). */
const SYN_OPTIONS = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 6];
const SYN_BYTES = tcp.HEADER + SYN_OPTIONS.length;

/** What is written into a decoy, apart from where it goes. */
export interface Shape {
  protocol: typeof TCP | typeof UDP | typeof ICMP;
  /** TTL or hop limit. */
  hops: number;
  /** Bytes of the IP packet; raised to what the headers need, ignored for TCP. */
  size: number;
  /** The device's port, or the echo identifier. */
  devicePort: number;
  /** The remote port, or the echo sequence number. */
  remotePort: number;
  /** TCP only. */
  sequence: number;
  window: number;
}

/** Bytes of the frame that `forge` would make, without padding. */
export function forgedBytes(remotes: DataView, remote: number, shape: Shape): number {
  const header = remotes.getUint8(remote + VERSION) === 6 ? ipv6.HEADER : ipv4.HEADER;
  const least = header + (shape.protocol === TCP ? SYN_BYTES : udp.HEADER);
  const size = shape.protocol === TCP ? least : Math.max(least, shape.size);
  return remotes.getUint8(remote + LINK_LENGTH) + size;
}

/**
 * Writes a decoy from the device to `remote` (an entry of Remotes) into a free packet: a SYN, a datagram or an echo request with random
 * payload and right checksums, since a NAT drops wrong ones before any observer sees them. The link header is the device's own.
 */
export function forge(
  packet: Packet,
  view: DataView,
  remotes: DataView,
  remote: number,
  shape: Shape,
  random: Random,
): void {
  const link = remotes.getUint8(remote + LINK_LENGTH);
  const version = remotes.getUint8(remote + VERSION) === 6 ? 6 : 4;
  packet.length = packet.wireLength = forgedBytes(remotes, remote, shape);
  packet.kind = DECOY;
  packet.direction = UP;
  for (let i = 0; i < link; i++) view.setUint8(packet.at + i, remotes.getUint8(remote + i));
  const network = packet.at + link;
  const end = packet.at + packet.length;
  const transport = network + (version === 6 ? ipv6.HEADER : ipv4.HEADER);
  const protocol = shape.protocol === ICMP && version === 6 ? ICMPV6 : shape.protocol;
  if (version === 6) writeIpv6(view, network, end, protocol, shape.hops, remotes, remote, random);
  else writeIpv4(view, network, end, protocol, shape.hops, remotes, remote, random);
  if (protocol === TCP) writeSyn(view, transport, shape, random);
  else writeDatagram(view, transport, end, protocol, shape, random);
  if (protocol === ICMP) icmp.updateChecksum(view, transport, end);
  else completeChecksum(view, version, network, protocol, transport, end);
}

function writeIpv4(
  view: DataView,
  at: number,
  end: number,
  protocol: number,
  hops: number,
  remotes: DataView,
  remote: number,
  random: Random,
): void {
  const source = remotes.getUint32(remote + DEVICE_ADDRESS);
  const destination = remotes.getUint32(remote + REMOTE_ADDRESS);
  writeIpv4Header(view, at, end - at, protocol, hops, source, destination, random.word() & 0xffff);
}

function writeIpv6(
  view: DataView,
  at: number,
  end: number,
  protocol: number,
  hops: number,
  remotes: DataView,
  remote: number,
  random: Random,
): void {
  ipv6.setVersion(view, at, 0, random.word() & 0xfffff);
  ipv6.setPayloadLength(view, at, end - at - ipv6.HEADER);
  ipv6.setNextHeader(view, at, protocol);
  ipv6.setHopLimit(view, at, hops);
  ipv6.copyAddress(remotes, remote + DEVICE_ADDRESS, view, at + ipv6.SOURCE);
  ipv6.copyAddress(remotes, remote + REMOTE_ADDRESS, view, at + ipv6.DESTINATION);
}

function writeSyn(view: DataView, at: number, shape: Shape, random: Random): void {
  tcp.setSourcePort(view, at, shape.devicePort);
  tcp.setDestinationPort(view, at, shape.remotePort);
  tcp.setSequence(view, at, shape.sequence);
  tcp.setAcknowledgment(view, at, 0);
  view.setUint16(at + 12, 0);
  tcp.setHeaderLength(view, at, SYN_BYTES);
  tcp.setFlags(view, at, tcp.SYN);
  tcp.setWindow(view, at, shape.window);
  tcp.setUrgent(view, at, 0);
  for (let i = 0; i < SYN_OPTIONS.length; i++) view.setUint8(at + tcp.HEADER + i, SYN_OPTIONS[i] ?? 0);
  view.setUint32(at + tcp.HEADER + 8, random.word()); // the timestamp's value
}

function writeDatagram(view: DataView, at: number, end: number, protocol: number, shape: Shape, random: Random): void {
  let i = at + udp.HEADER;
  for (; i + 4 <= end; i += 4) view.setUint32(i, random.word());
  for (; i < end; i++) view.setUint8(i, random.word() & 0xff);
  if (protocol === UDP) {
    udp.setSourcePort(view, at, shape.devicePort);
    udp.setDestinationPort(view, at, shape.remotePort);
    udp.setLength(view, at, end - at);
    return;
  }
  icmp.setType(view, at, protocol === ICMPV6 ? icmpv6.ECHO_REQUEST : icmp.ECHO_REQUEST);
  icmp.setCode(view, at, 0);
  icmp.setIdentifier(view, at, shape.devicePort);
  icmp.setSequence(view, at, shape.remotePort);
}
