import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import type { Prefixes } from "../wire/prefix.js";
import { UP, type Direction, type Packet } from "./packet.js";

/** True where the far end of an IP packet, its destination on the way up and its source on the way down, lies in one of these networks. */
export function farIn({ version, network }: Packet, view: DataView, direction: Direction, networks: Prefixes): boolean {
  const up = direction === UP;
  if (version === 4) return networks.has4(up ? ipv4.destination(view, network) : ipv4.source(view, network));
  if (version === 6) return networks.has6(view, network + (up ? ipv6.DESTINATION : ipv6.SOURCE));
  return false;
}
