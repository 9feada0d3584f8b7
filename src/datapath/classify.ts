import { UP, type Packet } from "../packet/packet.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import type { Prefixes } from "../wire/prefix.js";
import type { Device } from "./device.js";

/** The device that a frame comes from or goes to, or null. */
export function deviceOf(packet: Packet, view: DataView, devices: readonly Device[]): Device | null {
  if (packet.length < ethernet.HEADER) return null;
  const mac = packet.direction === UP ? ethernet.source(view, packet.at) : ethernet.destination(view, packet.at);
  for (const device of devices) {
    if (device.networks === null ? device.mac === mac : isOf(packet, view, device.networks)) return device;
  }
  return null;
}

/**
 * True where a packet goes to, or comes from, a box with these addresses. A gateway's inside is the world: what it sends up, towards the
 * observer, is for a box.
 */
function isOf({ version, network, direction }: Packet, view: DataView, boxes: Prefixes): boolean {
  if (version === 4) return boxes.has4(direction === UP ? ipv4.destination(view, network) : ipv4.source(view, network));
  if (version === 6) return boxes.has6(view, network + (direction === UP ? ipv6.DESTINATION : ipv6.SOURCE));
  return false;
}

/** True for frames that are not IP, and where the far end lies in one of the local networks. */
export function isLocal(packet: Packet, view: DataView, local: Prefixes): boolean {
  const { network } = packet;
  const up = packet.direction === UP;
  if (packet.version === 4) return local.has4(up ? ipv4.destination(view, network) : ipv4.source(view, network));
  if (packet.version === 6) return local.has6(view, network + (up ? ipv6.DESTINATION : ipv6.SOURCE));
  return true;
}

/** True for what passes without our knowing what it is: a malformed IP packet, a later fragment, another network protocol than IP and ARP. */
export function isUnknown(packet: Packet): boolean {
  return packet.version !== 0 ? packet.protocol === -1 : packet.etherType !== ethernet.ARP;
}
