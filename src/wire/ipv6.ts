import * as ipv4 from "./ipv4.js";
import {
  AUTHENTICATION,
  DESTINATION_OPTIONS,
  FRAGMENT,
  HIP,
  HOP_BY_HOP,
  MOBILITY,
  ROUTING,
  SHIM6,
} from "./protocol.js";

/** Bytes of the fixed header (RFC 8200, 3). */
export const HEADER = 40;
/** Where the addresses stand in it. */
export const SOURCE = 8;
export const DESTINATION = 24;

/** True where the fixed header lies before `end`; the packet itself may end later (a cut capture). */
export function fits(view: DataView, at: number, end: number): boolean {
  return at + HEADER <= end && version(view, at) === 6;
}

export function version(view: DataView, at: number): number {
  return view.getUint8(at) >> 4;
}

/** Writes version 6, the traffic class and the flow label. */
export function setVersion(view: DataView, at: number, trafficClass: number, flowLabel: number): void {
  view.setUint32(at, 0x6000_0000 + (trafficClass << 20) + flowLabel);
}

export function trafficClass(view: DataView, at: number): number {
  return (view.getUint16(at) >> 4) & 0xff;
}

export function flowLabel(view: DataView, at: number): number {
  return view.getUint32(at) & 0xf_ffff;
}

/** Bytes behind the fixed header, extension headers included. */
export function payloadLength(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function setPayloadLength(view: DataView, at: number, value: number): void {
  view.setUint16(at + 4, value);
}

export function nextHeader(view: DataView, at: number): number {
  return view.getUint8(at + 6);
}

export function setNextHeader(view: DataView, at: number, value: number): void {
  view.setUint8(at + 6, value);
}

export function hopLimit(view: DataView, at: number): number {
  return view.getUint8(at + 7);
}

export function setHopLimit(view: DataView, at: number, value: number): void {
  view.setUint8(at + 7, value);
}

/** True where the 16 bytes at `a` and at `b` are the same. */
export function equalAddress(view: DataView, a: number, view2: DataView, b: number): boolean {
  return (
    view.getInt32(a + 12) === view2.getInt32(b + 12) &&
    view.getInt32(a + 8) === view2.getInt32(b + 8) &&
    view.getInt32(a + 4) === view2.getInt32(b + 4) &&
    view.getInt32(a) === view2.getInt32(b)
  );
}

/** Copies the 16 bytes of an address. */
export function copyAddress(from: DataView, a: number, to: DataView, b: number): void {
  to.setInt32(b, from.getInt32(a));
  to.setInt32(b + 4, from.getInt32(a + 4));
  to.setInt32(b + 8, from.getInt32(a + 8));
  to.setInt32(b + 12, from.getInt32(a + 12));
}

/** True for ff00::/8 (RFC 4291, 2.7). */
export function isMulticast(view: DataView, at: number): boolean {
  return view.getUint8(at) === 0xff;
}

/** True for a header that has a next one: its first byte is the next header. ESP and "no next header" have none. */
export function isExtension(header: number): boolean {
  switch (header) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case DESTINATION_OPTIONS:
    case AUTHENTICATION:
    case MOBILITY:
    case HIP:
    case SHIM6:
      return true;
    default:
      return false;
  }
}

/**
 * Bytes of the extension header of a kind at `at`, of which 8 bytes must be readable. Most count in units of 8 without the first
 * (RFC 8200, 4); a fragment header has no length; AH counts in units of 4 without the first two (RFC 4302, 2.2).
 */
export function extensionLength(view: DataView, at: number, header: number): number {
  if (header === FRAGMENT) return 8;
  const units = view.getUint8(at + 1);
  return header === AUTHENTICATION ? (units + 2) << 2 : (units + 1) << 3;
}

/** The offset, in bytes, of a fragment whose fragment header stands at `at` (RFC 8200, 4.5). */
export function fragmentOffset(view: DataView, at: number): number {
  return view.getUint16(at + 2) & 0xfff8;
}

export function moreFragments(view: DataView, at: number): boolean {
  return (view.getUint8(at + 3) & 1) !== 0;
}

/**
 * Where the address of the final destination stands, for a packet whose headers up to `transport` were found to be whole. A routing
 * header with segments left keeps it: the last address of types 0 and 2 (RFC 6275, 6.4), the first segment of type 4 (RFC 8754, 2).
 */
export function finalDestination(view: DataView, at: number, transport: number): number {
  let header = nextHeader(view, at);
  let position = at + HEADER;
  while (position < transport && isExtension(header)) {
    const length = extensionLength(view, position, header);
    if (header === ROUTING && view.getUint8(position + 3) > 0 && length >= 24) {
      const kind = view.getUint8(position + 2);
      if (kind === 0 || kind === 2) return position + 8 + ((length - 8) & ~15) - 16;
      if (kind === 4) return position + 8;
    }
    header = view.getUint8(position);
    position += length;
  }
  return at + DESTINATION;
}

/** True where an authentication header (RFC 4302) stands before `transport`: it seals every byte behind it, and the lengths. */
export function isAuthenticated(view: DataView, at: number, transport: number): boolean {
  let header = nextHeader(view, at);
  let position = at + HEADER;
  while (position < transport && isExtension(header)) {
    if (header === AUTHENTICATION) return true;
    const length = extensionLength(view, position, header);
    header = view.getUint8(position);
    position += length;
  }
  return false;
}

/** Reads the text of an address (RFC 4291, 2.2), without zone; null where it is none. */
export function parse(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = words(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? words(halves[1] ?? "", true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  // `::` stands for at least one group of zeros (RFC 5952, 4.2.2 asks no more of a reader).
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  head.forEach((word, i) => {
    view.setUint16(2 * i, word);
  });
  tail.forEach((word, i) => {
    view.setUint16(2 * (8 - tail.length + i), word);
  });
  return bytes;
}

function words(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === "") return [];
  const found: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (mayEndInIpv4 && i === groups.length - 1 && group.includes(".")) {
      const address = ipv4.parse(group);
      if (address === null) return null;
      found.push(address >>> 16, address & 0xffff);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
      found.push(Number.parseInt(group, 16));
    }
  }
  return found;
}

/** The canonical text of the address at `at` (RFC 5952); IPv4-mapped addresses in mixed notation (section 5). */
export function format(view: DataView, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(at + 2 * i));
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff) {
    return `::ffff:${ipv4.format(view.getUint32(at + 12))}`;
  }
  let from = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > length) [from, length] = [i, n];
  }
  const text = (part: number[]): string => part.map((g) => g.toString(16)).join(":");
  return from === -1 ? text(groups) : `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}
