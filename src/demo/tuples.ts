import type { Packet } from "../packet/packet.js";
import * as icmp from "../wire/icmp.js";
import * as icmpv6 from "../wire/icmpv6.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../wire/protocol.js";

/** What a decoy looks like to somebody who counts protocols. */
export type Look = "tcp" | "udp" | "icmp";

const LOOKS: Readonly<Record<number, Look>> = { [TCP]: "tcp", [UDP]: "udp", [ICMP]: "icmp", [ICMPV6]: "icmp" };

/**
 * Finds decoys and leaked answers from captures alone, without asking the box: a decoy runs on a tuple that the device itself never
 * used, and an answer to such a tuple has no business on the device's link.
 */
export class Tuples {
  /** Packets to the device that answer what it never asked. */
  leaked = 0;
  readonly #own = new Set<string>();
  readonly #outside = new Map<string, { readonly look: Look; packets: number }>();

  /** A packet that the device sent, on its own link. */
  used(packet: Packet, view: DataView): void {
    const key = asked(packet, view);
    if (key !== null) this.#own.add(key);
  }

  /** A packet to the device, on its own link. */
  received(packet: Packet, view: DataView): void {
    const key = answered(packet, view);
    if (key !== null && !this.#own.has(key)) this.leaked++;
  }

  /** A packet that the box sent to the world. */
  sent(packet: Packet, view: DataView): void {
    const look = LOOKS[packet.protocol];
    const key = asked(packet, view);
    if (key === null || look === undefined) return;
    const known = this.#outside.get(key);
    if (known === undefined) this.#outside.set(key, { look, packets: 1 });
    else known.packets++;
  }

  /** Decoys that were sent, by what they look like. */
  decoys(): Record<Look, number> {
    const count = { tcp: 0, udp: 0, icmp: 0 };
    for (const [key, { look, packets }] of this.#outside) if (!this.#own.has(key)) count[look] += packets;
    return count;
  }
}

/** The tuple of a packet on its way up, as far as answers can be told by it; null for what asks for no answer. */
function asked({ version, network, protocol, transport }: Packet, view: DataView): string | null {
  if (version === 0) return null;
  return tupleAt(view, version, network, protocol, transport);
}

/** The tuple that a packet on its way down answers, or null. */
function answered(packet: Packet, view: DataView): string | null {
  const { version, network, protocol, transport } = packet;
  const from = version === 6 ? ipv6.SOURCE : 12;
  if (protocol === TCP || protocol === UDP) {
    return tuple(view, version, network + from, protocol, packet.destinationPort, packet.sourcePort);
  }
  if (protocol === ICMP) {
    const type = icmp.type(view, transport);
    if (type === icmp.ECHO_REPLY) return tuple(view, 4, network + from, ICMP, icmp.identifier(view, transport), 0);
    return icmp.isError(type) ? quoted(packet, view, icmp.quoted(transport)) : null;
  }
  if (protocol === ICMPV6) {
    const type = icmpv6.type(view, transport);
    if (type === icmpv6.ECHO_REPLY)
      return tuple(view, 6, network + from, ICMPV6, icmpv6.identifier(view, transport), 0);
    return icmpv6.isError(type) ? quoted(packet, view, icmpv6.quoted(transport)) : null;
  }
  return null;
}

/** The tuple of the packet that an ICMP error quotes. */
function quoted({ version, end }: Packet, view: DataView, at: number): string | null {
  const header = version === 6 ? ipv6.HEADER : at + 1 <= end ? ipv4.headerLength(view, at) : 0;
  if (header < ipv4.HEADER || at + header + 8 > end) return null;
  const protocol = version === 6 ? ipv6.nextHeader(view, at) : ipv4.protocol(view, at);
  return tupleAt(view, version, at, protocol, at + header);
}

function tupleAt(view: DataView, version: number, network: number, protocol: number, transport: number): string | null {
  const to = network + (version === 6 ? ipv6.DESTINATION : 16);
  if (protocol === TCP || protocol === UDP) {
    return tuple(view, version, to, protocol, view.getUint16(transport), view.getUint16(transport + 2));
  }
  const request =
    (protocol === ICMP && icmp.type(view, transport) === icmp.ECHO_REQUEST) ||
    (protocol === ICMPV6 && icmpv6.type(view, transport) === icmpv6.ECHO_REQUEST);
  return request ? tuple(view, version, to, protocol, icmp.identifier(view, transport), 0) : null;
}

function tuple(view: DataView, version: number, remote: number, protocol: number, own: number, port: number): string {
  const words = version === 6 ? [0, 4, 8, 12] : [0];
  const address = words.map((i) => view.getUint32(remote + i).toString(16)).join(":");
  return `${protocol} ${address} ${own} ${port}`;
}
