import type { MechanismModules } from "../../src/defense/pad/mechanism.js";
import { dissect } from "../../src/packet/dissect.js";
import { SLOT_BYTES, UP, type Direction, type Packet } from "../../src/packet/packet.js";
import { micros, type Micros } from "../../src/time/micros.js";
import * as checksum from "../../src/wire/checksum.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import * as ipv6 from "../../src/wire/ipv6.js";
import * as udp from "../../src/wire/udp.js";

/** A frame in a slot, read and with its flow, as a mechanism meets it. `cut`: bytes that a capture kept. */
export function arrive(
  modules: MechanismModules,
  bytes: Uint8Array,
  { direction = UP, cut = bytes.length, now = micros(0) }: { direction?: Direction; cut?: number; now?: Micros } = {},
): Packet {
  const packet = modules.pool.take();
  if (packet === null) throw new Error("no slot is free");
  // What lay in the slot before must not be taken for zeros.
  modules.pool.bytes.fill(0xa5, packet.at, packet.at + SLOT_BYTES);
  modules.pool.bytes.set(bytes.subarray(0, cut), packet.at);
  packet.length = Math.min(cut, bytes.length);
  packet.wireLength = bytes.length;
  packet.direction = direction;
  packet.device = 0;
  dissect(packet, modules.pool.view);
  packet.flow = modules.flows.lookup(packet, modules.pool.view, now);
  return packet;
}

/** The frame's bytes, as the card would send them without a trailer; the slot is free again. */
export function leave(modules: MechanismModules, packet: Packet): Uint8Array {
  const bytes = modules.pool.bytes.slice(packet.at, packet.at + packet.length);
  modules.pool.release(packet);
  return bytes;
}

/** The bytes between a UDP datagram and the end of its IP packet. */
export function surplus(modules: MechanismModules, packet: Packet): Uint8Array {
  const { transport, end } = packet;
  return modules.pool.bytes.slice(transport + udp.length(modules.pool.view, transport), end);
}

/**
 * What the checksum verification of Linux' connection tracking says of a UDP packet: it sums all of the IP payload and takes that for the
 * length in the pseudo-header, whatever UDP's own length field says.
 */
export function passesTracking({ pool }: MechanismModules, packet: Packet): boolean {
  const { view } = pool;
  const { version, network, protocol, transport, end } = packet;
  if (udp.checksum(view, transport) === 0) return true;
  const length = end - transport;
  const pseudo =
    version === 4
      ? checksum.pseudoHeader4(view, network, protocol, length)
      : checksum.pseudoHeader6(view, network, protocol, length, ipv6.finalDestination(view, network, transport));
  return checksum.fold(checksum.sum(view, transport, length, pseudo)) === 0;
}

/** True where RFC 9868's option checksum is right: over the surplus from its first even offset, and over the surplus' length. */
export function passesOcs({ pool }: MechanismModules, packet: Packet): boolean {
  const { view } = pool;
  const { transport, end } = packet;
  const length = udp.length(view, transport);
  const bytes = end - transport - length;
  const from = transport + length + (length & 1);
  if (udp.checksum(view, transport) === 0 && view.getUint16(from) === 0) return true;
  return checksum.fold(checksum.sum(view, from, end - from, bytes)) === 0;
}

/** True where the header says what the packet has, with a right checksum. */
export function passesIp({ pool }: MechanismModules, { version, network, end }: Packet): boolean {
  const { view } = pool;
  if (version === 6) return network + ipv6.HEADER + ipv6.payloadLength(view, network) === end;
  const header = checksum.fold(checksum.sum(view, network, ipv4.headerLength(view, network)));
  return network + ipv4.totalLength(view, network) === end && header === 0;
}

/** True where an ICMP or ICMPv6 message has a right checksum. */
export function passesIcmp({ pool }: MechanismModules, packet: Packet): boolean {
  const { version, network, protocol, transport, end } = packet;
  if (version === 4) return checksum.fold(checksum.sum(pool.view, transport, end - transport)) === 0;
  return checksum.transportValid(pool.view, version, network, protocol, transport, end);
}
