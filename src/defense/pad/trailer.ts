import type { Packet } from "../../packet/packet.js";

/**
 * Zeros between the end of the network-layer packet and the end of the Ethernet frame, up to `target` bytes of frame. Every receiver cuts
 * them off, since the network layer has a length of its own, and so does the first router: it holds on the link to the router only. Any
 * frame can carry it, ARP too.
 */
export function addTrailer(packet: Packet, target: number): void {
  const missing = target - packet.wireLength - packet.pad;
  if (missing > 0) packet.pad += missing;
}
