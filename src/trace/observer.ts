import { farIn } from "../packet/far-in.js";
import { ipBytes } from "../packet/ip-bytes.js";
import { UP, type Direction, type Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import * as icmpv6 from "../wire/icmpv6.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import type { Prefixes } from "../wire/prefix.js";
import { FRAGMENT, ICMPV6, TCP, UDP } from "../wire/protocol.js";
import * as tcp from "../wire/tcp.js";
import { DESTINATION, Observation } from "./observation.js";
import { WindowScales } from "./window-scales.js";

/**
 * Who observes. `lan`: on the link from box to router, every frame with its trailer. `wan`: behind the router's address
 * translation, IP packets alone, without neighbour discovery, which no router passes on. `beyond`: the same worked out from frames in front of the router: what stays in the local network or
 * dies at the router is left out, and lengths are of the IP packet and a 14-byte link header; addresses stay as they are.
 */
export type Vantage = "lan" | "wan" | "beyond";

/** Ethernet without tags: what a length is counted with behind the router. */
export const LINK_HEADER = 14;

/** The high 12 bytes of an IPv4-mapped address (RFC 4291, 2.5.5.2), third word. */
const MAPPED = 0xffff;

/** Enough for every header that is read; lengths are those of the whole frame. */
const HEADERS = 512;

/** Sees packets from one place. */
export class Observer {
  /** What was seen last. */
  readonly observation = new Observation();
  /** Bytes at a frame's beginning that it looks at. */
  readonly looksAt: number = HEADERS;
  readonly #vantage: Vantage;
  readonly #local: Prefixes;
  readonly #scales = new WindowScales();

  /** `local`: the networks that no packet leaves the house for. */
  constructor(vantage: Vantage, local: Prefixes) {
    this.#vantage = vantage;
    this.#local = local;
  }

  /** Looks at a dissected packet, its trailer included. False where nothing of it shows here. */
  observe(packet: Packet, view: DataView, direction: Direction, at: Micros): boolean {
    const seen = this.observation;
    if (this.#vantage !== "lan" && (packet.version === 0 || isDiscovery(packet, view))) return false;
    if (this.#vantage === "beyond") {
      if (farIn(packet, view, direction, this.#local) || (direction === UP && hopsLeft(packet, view) < 2)) return false;
      seen.length = LINK_HEADER + ipBytes(packet, view);
    } else {
      seen.length = Math.max(packet.length, packet.wireLength) + packet.pad;
    }
    seen.at = at;
    seen.direction = direction;
    seen.version = packet.version;
    seen.protocol = protocolOf(packet, view);
    seen.hasPorts = packet.protocol === TCP || packet.protocol === UDP;
    seen.sourcePort = packet.sourcePort;
    seen.destinationPort = packet.destinationPort;
    seen.rawWindow = seen.scaledWindow = -1;
    copyAddresses(packet, view, seen.addresses);
    if (packet.protocol === TCP) this.#window(packet, view);
    return true;
  }

  #window(packet: Packet, view: DataView): void {
    const seen = this.observation;
    const at = packet.transport;
    seen.rawWindow = seen.scaledWindow = tcp.window(view, at);
    const flags = tcp.flags(view, at);
    if ((flags & tcp.SYN) === 0) {
      seen.scaledWindow <<= this.#scales.shift(seen);
    } else {
      const whole = tcp.fits(view, at, packet.end);
      this.#scales.handshake(seen, whole ? tcp.windowScale(view, at) : -1, (flags & tcp.ACK) !== 0);
    }
  }
}

/** Time to live, or hop limit. */
export function hopsLeft(packet: Packet, view: DataView): number {
  return packet.version === 4 ? ipv4.ttl(view, packet.network) : ipv6.hopLimit(view, packet.network);
}

function isDiscovery(packet: Packet, view: DataView): boolean {
  return packet.protocol === ICMPV6 && icmpv6.isNeighborDiscovery(icmpv6.type(view, packet.transport));
}

/** The protocol of later fragments and of cut or malformed headers stands in the IP header, or in the last extension header of IPv6 (RFC 8200, 4). */
function protocolOf(packet: Packet, view: DataView): number {
  if (packet.protocol !== -1 || packet.version === 0) return packet.protocol;
  if (packet.version === 4) return ipv4.protocol(view, packet.network);
  let header = ipv6.nextHeader(view, packet.network);
  for (let at = packet.network + ipv6.HEADER; ipv6.isExtension(header);) {
    if (at + 8 > packet.end) return -1;
    const length = ipv6.extensionLength(view, at, header);
    const later = header === FRAGMENT && ipv6.fragmentOffset(view, at) !== 0;
    header = view.getUint8(at);
    if (later) return header;
    at += length;
  }
  return header;
}

function copyAddresses(packet: Packet, view: DataView, into: DataView): void {
  const at = packet.network;
  if (packet.version === 6) {
    ipv6.copyAddress(view, at + ipv6.SOURCE, into, 0);
    ipv6.copyAddress(view, at + ipv6.DESTINATION, into, DESTINATION);
    return;
  }
  const mapped = packet.version === 4;
  for (let side = 0; side <= DESTINATION; side += DESTINATION) {
    into.setUint32(side, 0);
    into.setUint32(side + 4, 0);
    into.setUint32(side + 8, mapped ? MAPPED : 0);
    into.setUint32(side + 12, mapped ? view.getUint32(at + 12 + (side >> 2)) : 0);
  }
}
