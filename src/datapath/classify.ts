import { farIn } from "../packet/far-in.js";
import type { Packet } from "../packet/packet.js";
import * as ethernet from "../wire/ethernet.js";
import type { Prefixes } from "../wire/prefix.js";

/** True for frames that are not IP, and where the far end lies in one of the local networks. */
export function isLocal(packet: Packet, view: DataView, local: Prefixes): boolean {
  return packet.version === 0 || farIn(packet, view, packet.direction, local);
}

/** True for what passes without our knowing what it is: a malformed IP packet, a later fragment, another network protocol than IP and ARP. */
export function isUnknown(packet: Packet): boolean {
  return packet.version !== 0 ? packet.protocol === -1 : packet.etherType !== ethernet.ARP;
}
