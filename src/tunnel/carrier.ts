import * as ipv4 from "../wire/ipv4.js";
import { writeIpv4Header } from "../wire/ipv4-header.js";
import * as ipv6 from "../wire/ipv6.js";
import { UDP } from "../wire/protocol.js";
import * as udp from "../wire/udp.js";

/**
 * A carrier: what the two hushboxes of a pair exchange inside WireGuard, one in each slot. An IPv4/UDP packet from one to the other, a header
 * of 12 bytes, then whole IP packets one behind another, each as long as its own header says; a byte 0, or the end, ends them. One without packets is a decoy.
 *
 *   0 version (1) | 1 flags | 2 level (high half), plan (low half) | 3 plan that follows at the border + 1, or 0
 *   4 episode (2 bytes) | 6 bytes waiting at the sender, in units of 256 (2 bytes) | 8 slot of the episode (4 bytes)
 *
 * WireGuard has authenticated and decrypted it: a wrong length is a fault, not an attack, and ends the reading.
 */
export const VERSION = 1;
/** The UDP port of both ends; nothing else listens there, and nothing outside WireGuard sees it. */
export const PORT = 49_376;
const HEADER = 12;
const UNIT = 256;

/** Bytes before the first inner packet. */
export const OVERHEAD = ipv4.HEADER + udp.HEADER + HEADER;

export const HEARTBEAT = 1;
export const ENDLESS = 2;
/** What came lately was losing packets: a lower level would be kinder to the line. */
export const CONGESTED = 4;

/** Both ends of carriers, IPv4 addresses as numbers. */
export interface Ends {
  readonly source: number;
  readonly destination: number;
}

/** What a carrier says of its sender's schedule; filled again and again. */
export class Header {
  version = VERSION;
  flags = 0;
  level = 0;
  plan = 0;
  /** The plan that follows at the border, or -1. */
  next = -1;
  episode = 0;
  /** Bytes that wait at the sender. */
  waiting = 0;
  slot = 0;
}

/** Inner bytes that fit into a carrier of `size` bytes. */
export function room(size: number): number {
  return size - OVERHEAD;
}

/** Writes all before the inner packets, for a carrier of `length` bytes in all. */
export function write(view: DataView, at: number, length: number, { source, destination }: Ends, header: Header): void {
  writeIpv4Header(view, at, length, UDP, 64, source, destination);
  const u = at + ipv4.HEADER;
  udp.setSourcePort(view, u, PORT);
  udp.setDestinationPort(view, u, PORT);
  udp.setLength(view, u, length - ipv4.HEADER);
  // None: WireGuard's tag covers it (RFC 768 allows it over IPv4).
  udp.setChecksum(view, u, 0);
  const h = u + udp.HEADER;
  view.setUint8(h, header.version);
  view.setUint8(h + 1, header.flags);
  view.setUint8(h + 2, (header.level << 4) | (header.plan & 15));
  view.setUint8(h + 3, header.next + 1);
  view.setUint16(h + 4, header.episode);
  view.setUint16(h + 6, Math.min(Math.ceil(header.waiting / UNIT), 0xffff));
  view.setUint32(h + 8, header.slot);
}

/** True for an IP packet that is a carrier from `ends.destination` to `ends.source`, of whatever version. */
export function isCarrier(view: DataView, at: number, end: number, { source, destination }: Ends): boolean {
  return (
    end - at >= OVERHEAD &&
    view.getUint8(at) === 0x45 &&
    ipv4.protocol(view, at) === UDP &&
    udp.destinationPort(view, at + ipv4.HEADER) === PORT &&
    ipv4.source(view, at) === destination &&
    ipv4.destination(view, at) === source
  );
}

/** Reads what `write` wrote; false where it is of another version, of which nothing but the number is read. */
export function read(view: DataView, at: number, into: Header): boolean {
  const h = at + ipv4.HEADER + udp.HEADER;
  into.version = view.getUint8(h);
  if (into.version !== VERSION) return false;
  into.flags = view.getUint8(h + 1);
  into.level = view.getUint8(h + 2) >> 4;
  into.plan = view.getUint8(h + 2) & 15;
  into.next = view.getUint8(h + 3) - 1;
  into.episode = view.getUint16(h + 4);
  into.waiting = view.getUint16(h + 6) * UNIT;
  into.slot = view.getUint32(h + 8);
  return true;
}

/** Bytes of the inner IP packet at `at`; 0 where none follows, or one that does not end before `end`. */
export function innerBytes(view: DataView, at: number, end: number): number {
  if (at + ipv4.HEADER > end) return 0;
  const version = view.getUint8(at) >> 4;
  let length = 0;
  if (version === 4) length = ipv4.totalLength(view, at);
  else if (version === 6 && at + ipv6.HEADER <= end) length = ipv6.HEADER + ipv6.payloadLength(view, at);
  return length >= ipv4.HEADER && at + length <= end ? length : 0;
}
