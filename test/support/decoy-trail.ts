import { UP, type Packet } from "../../src/packet/packet.js";
import * as icmp from "../../src/wire/icmp.js";
import * as icmpv6 from "../../src/wire/icmpv6.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import * as ipv6 from "../../src/wire/ipv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.js";

/** Real packets of a Linux host begin at 64; nothing of it but multicast begins so low. */
const FEW_HOPS = 4;

/** TTL or hop limit of a packet that is IP. */
export function hops(packet: Packet, view: DataView): number {
  return packet.version === 6 ? ipv6.hopLimit(view, packet.network) : ipv4.ttl(view, packet.network);
}

/** What kind of decoy a frame on its way up is, told as an observer can who knows the box: by few hops to live; null for others. */
export function decoyKind(packet: Packet, view: DataView): "tcp" | "udp" | "icmp" | "traceroute" | null {
  const { version, network, protocol, transport } = packet;
  if (version === 0 || hops(packet, view) > FEW_HOPS) return null;
  if (
    version === 6 ? ipv6.isMulticast(view, network + ipv6.DESTINATION) : ipv4.destination(view, network) >>> 28 === 14
  )
    return null;
  if (protocol === TCP) return "tcp";
  if (protocol === UDP) return "udp";
  const type = view.getUint8(transport);
  if (!(protocol === ICMP && type === icmp.ECHO_REQUEST) && !(protocol === ICMPV6 && type === icmpv6.ECHO_REQUEST))
    return null;
  return hops(packet, view) === 1 || icmp.sequence(view, transport) > 1 ? "traceroute" : "icmp";
}

/** What a packet and its answers have in common: protocol, remote address, ports or identifier. */
export function trail(packet: Packet, view: DataView): string {
  const { version, network, protocol, transport, sourcePort, destinationPort } = packet;
  const up = packet.direction === UP;
  const far = address(view, version, network, up);
  if (protocol === TCP || protocol === UDP)
    return up
      ? `${protocol} ${far} ${sourcePort} ${destinationPort}`
      : `${protocol} ${far} ${destinationPort} ${sourcePort}`;
  if (protocol !== ICMP && protocol !== ICMPV6) return `${protocol} ${far}`;
  if (!up && quotes(protocol, view.getUint8(transport))) return quoted(packet, view);
  return `${protocol} ${far} ${icmp.identifier(view, transport)}`;
}

function quotes(protocol: number, type: number): boolean {
  return protocol === ICMP ? icmp.isError(type) : icmpv6.isError(type);
}

/** The trail of the packet in an ICMP error. */
function quoted(packet: Packet, view: DataView): string {
  const inner = icmp.quoted(packet.transport);
  const version = packet.protocol === ICMP ? 4 : 6;
  const transport = inner + (version === 4 ? ipv4.headerLength(view, inner) : ipv6.HEADER);
  if (transport + 8 > packet.end) return "too short a quotation";
  const protocol = version === 4 ? ipv4.protocol(view, inner) : ipv6.nextHeader(view, inner);
  const far = address(view, version, inner, true);
  return protocol === TCP || protocol === UDP
    ? `${protocol} ${far} ${view.getUint16(transport)} ${view.getUint16(transport + 2)}`
    : `${protocol} ${far} ${icmp.identifier(view, transport)}`;
}

function address(view: DataView, version: number, network: number, destination: boolean): string {
  if (version === 6) return ipv6.format(view, network + (destination ? ipv6.DESTINATION : ipv6.SOURCE));
  return ipv4.format(destination ? ipv4.destination(view, network) : ipv4.source(view, network));
}
