import type { Packet } from "../../packet/packet.js";
import { noise } from "../../random/noise.js";
import type { Random } from "../../random/random.js";
import { completeChecksum } from "../../wire/checksum.js";
import * as icmp from "../../wire/icmp.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";
import { ICMP, TCP, UDP } from "../../wire/protocol.js";
import * as udp from "../../wire/udp.js";
import { lengthen, missing } from "./lengthen.js";

/** Routers that a SYN with payload may pass: it dies within the provider's own network. */
const NEAR = 4;

/**
 * Brings a decoy to `target` bytes of frame: its payload is nobody's, so it simply grows, by random bytes as it began. A SYN grows too where
 * its hops end before any host: payload on a SYN is legitimate (RFC 9293, 3.5), and NATs pass it. One that may reach a host
 * stays as it is, because floods are made of SYNs with payload, and whoever defends against them would shut out the device's address.
 */
export function growDecoy(packet: Packet, view: DataView, target: number, random: Random): void {
  const bytes = missing(packet, target);
  if (bytes <= 0) return;
  const { version, network, protocol, transport, end: from } = packet;
  const hops = version === 4 ? ipv4.ttl(view, network) : ipv6.hopLimit(view, network);
  if (protocol === TCP && hops > NEAR) return;
  lengthen(packet, view, bytes);
  const { end } = packet;
  noise(view, from, end, random);
  if (protocol === UDP) udp.setLength(view, transport, end - transport);
  if (protocol === ICMP) icmp.updateChecksum(view, transport, end);
  else completeChecksum(view, version, network, protocol, transport, end);
}
