import { SLOT_BYTES, type Packet } from "../../packet/packet.js";
import { replaceWord } from "../../wire/checksum.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";

/** Bytes by which the IP packet may grow until the frame has `target` bytes; an Ethernet trailer it came with makes room. Not above 65535 in all. */
export function missing(packet: Packet, target: number): number {
  return Math.min(target, SLOT_BYTES) - (packet.wireLength - oldTrailer(packet));
}

/** True where all of the IP packet is in the slot: not cut by a capture. */
export function isWhole(packet: Packet): boolean {
  return packet.wireLength <= packet.length;
}

/**
 * Makes the IP packet longer by `bytes` (or shorter, where negative): its length field and the IPv4 header checksum follow, an Ethernet
 * trailer that it came with goes. The caller writes the new bytes, before `packet.end`, and the transport's fields. Of a packet that a
 * capture cut, only the header changes.
 */
export function lengthen(packet: Packet, view: DataView, bytes: number): void {
  const { network, version } = packet;
  const trailer = oldTrailer(packet);
  const whole = isWhole(packet);
  packet.wireLength += bytes - trailer;
  packet.added += bytes - trailer;
  if (whole) {
    packet.end += bytes;
    packet.length = packet.end - packet.at;
  }
  if (version === 4) {
    const before = ipv4.totalLength(view, network);
    ipv4.setTotalLength(view, network, before + bytes);
    // Corrected, not made anew: a wrong one stays wrong.
    replaceWord(view, network + ipv4.CHECKSUM, before, before + bytes);
  } else {
    ipv6.setPayloadLength(view, network, ipv6.payloadLength(view, network) + bytes);
  }
}

/** Bytes behind the IP packet, inside the frame as it came. */
function oldTrailer(packet: Packet): number {
  return isWhole(packet) ? packet.at + packet.length - packet.end : 0;
}
