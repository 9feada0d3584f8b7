import { ipBytes } from "../../packet/ip-bytes.js";
import type { Packet } from "../../packet/packet.js";
import * as ipv6 from "../../wire/ipv6.js";
import { UDP } from "../../wire/protocol.js";
import * as udp from "../../wire/udp.js";

/**
 * True for a UDP datagram that may be grown: alone in its IP packet, of which it fills all (no fragment, no surplus area yet), and not
 * sealed by an authentication header.
 */
export function isDatagram(packet: Packet, view: DataView): boolean {
  const { version, network, protocol, transport } = packet;
  if (protocol !== UDP || packet.fragment) return false;
  if (transport + udp.length(view, transport) !== network + ipBytes(packet, view)) return false;
  return version === 4 || !ipv6.isAuthenticated(view, network, transport);
}
