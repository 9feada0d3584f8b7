import { fold, sum } from "./ones-complement.js";
import { find } from "./option-list.js";

/** Bytes of the header without options (RFC 791, 3.1). */
export const HEADER = 20;
/** Where the addresses stand in it. */
export const SOURCE = 12;
export const DESTINATION = 16;
/** Where the checksum stands. */
export const CHECKSUM = 10;

export const OPTION_ROUTER_ALERT = 148;

/** True where the header lies before `end` and its lengths agree with each other; the packet itself may end later (a cut capture). */
export function fits(view: DataView, at: number, end: number): boolean {
  if (at + HEADER > end) return false;
  if (version(view, at) !== 4) return false;
  const header = headerLength(view, at);
  return header >= HEADER && at + header <= end && totalLength(view, at) >= header;
}

export function version(view: DataView, at: number): number {
  return view.getUint8(at) >> 4;
}

/** Bytes of the header with its options. */
export function headerLength(view: DataView, at: number): number {
  return (view.getUint8(at) & 0x0f) << 2;
}

/** Writes version 4 and the header's length in bytes, a multiple of 4. */
export function setHeaderLength(view: DataView, at: number, bytes: number): void {
  view.setUint8(at, 0x40 | (bytes >> 2));
}

/** The DSCP and ECN bits (RFC 2474, RFC 3168). */
export function trafficClass(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

export function setTrafficClass(view: DataView, at: number, value: number): void {
  view.setUint8(at + 1, value);
}

/** Bytes of the whole packet. 0 from a card that segments for us. */
export function totalLength(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function setTotalLength(view: DataView, at: number, value: number): void {
  view.setUint16(at + 2, value);
}

export function identification(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function setIdentification(view: DataView, at: number, value: number): void {
  view.setUint16(at + 4, value);
}

export function dontFragment(view: DataView, at: number): boolean {
  return (view.getUint8(at + 6) & 0x40) !== 0;
}

export function moreFragments(view: DataView, at: number): boolean {
  return (view.getUint8(at + 6) & 0x20) !== 0;
}

/** In bytes. */
export function fragmentOffset(view: DataView, at: number): number {
  return (view.getUint16(at + 6) & 0x1fff) << 3;
}

/** True for every fragment, the first one too. */
export function isFragment(view: DataView, at: number): boolean {
  return (view.getUint16(at + 6) & 0x3fff) !== 0;
}

/** Writes the two flags and the offset in bytes, a multiple of 8. */
export function setFragment(view: DataView, at: number, dont: boolean, more: boolean, offset: number): void {
  view.setUint16(at + 6, (dont ? 0x4000 : 0) | (more ? 0x2000 : 0) | (offset >> 3));
}

export function ttl(view: DataView, at: number): number {
  return view.getUint8(at + 8);
}

export function setTtl(view: DataView, at: number, value: number): void {
  view.setUint8(at + 8, value);
}

export function protocol(view: DataView, at: number): number {
  return view.getUint8(at + 9);
}

export function setProtocol(view: DataView, at: number, value: number): void {
  view.setUint8(at + 9, value);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + CHECKSUM);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + CHECKSUM, value);
}

/** Writes the header's checksum anew. */
export function updateChecksum(view: DataView, at: number): void {
  setChecksum(view, at, 0);
  setChecksum(view, at, fold(sum(view, at, headerLength(view, at))));
}

/** True where the header's checksum is right. */
export function checksumValid(view: DataView, at: number): boolean {
  return fold(sum(view, at, headerLength(view, at))) === 0;
}

export function source(view: DataView, at: number): number {
  return view.getUint32(at + SOURCE);
}

export function setSource(view: DataView, at: number, value: number): void {
  view.setUint32(at + SOURCE, value);
}

export function destination(view: DataView, at: number): number {
  return view.getUint32(at + DESTINATION);
}

export function setDestination(view: DataView, at: number, value: number): void {
  view.setUint32(at + DESTINATION, value);
}

/** Where the first whole option of a kind starts, or -1. */
export function option(view: DataView, at: number, kind: number): number {
  return find(view, at + HEADER, at + headerLength(view, at), kind);
}

/** Reads `192.0.2.1`; null where it is none. Leading zeros are refused, since some read them as octal. */
export function parse(text: string): number | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null;
    address = address * 256 + Number(part);
  }
  return address;
}

/** `192.0.2.1` */
export function format(address: number): string {
  return [address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff].join(".");
}
