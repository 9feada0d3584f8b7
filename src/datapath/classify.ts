import { farIn } from "../packet/far-in.js";
import { UP, type Packet } from "../packet/packet.js";
import * as ethernet from "../wire/ethernet.js";
import type { Prefixes } from "../wire/prefix.js";
import type { Device } from "./device.js";

/**
 * The device that a frame comes from or goes to, or null. A box of a gateway is known by its addresses: the gateway's inside is the world, so
 * what goes up there, towards the observer, is for the box.
 */
export function deviceOf(packet: Packet, view: DataView, devices: readonly Device[]): Device | null {
  if (packet.length < ethernet.HEADER) return null;
  const mac = packet.direction === UP ? ethernet.source(view, packet.at) : ethernet.destination(view, packet.at);
  for (const device of devices) {
    if (device.networks === null ? device.mac === mac : farIn(packet, view, packet.direction, device.networks))
      return device;
  }
  return null;
}

/** True for frames that are not IP, and where the far end lies in one of the local networks. */
export function isLocal(packet: Packet, view: DataView, local: Prefixes): boolean {
  return packet.version === 0 || farIn(packet, view, packet.direction, local);
}

/** True for what passes without our knowing what it is: a malformed IP packet, a later fragment, another network protocol than IP and ARP. */
export function isUnknown(packet: Packet): boolean {
  return packet.version !== 0 ? packet.protocol === -1 : packet.etherType !== ethernet.ARP;
}
