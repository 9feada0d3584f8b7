import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import type { Packet } from "./packet.js";

/** Bytes of the IP packet by its own length field, also where a capture cut it. */
export function ipBytes({ version, network }: Packet, view: DataView): number {
  return version === 4 ? ipv4.totalLength(view, network) : ipv6.HEADER + ipv6.payloadLength(view, network);
}
