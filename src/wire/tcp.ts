import { find } from "./option-list.js";

/** Bytes of the header without options (RFC 9293, 3.1). */
export const HEADER = 20;
/** Where the checksum stands in it. */
export const CHECKSUM = 16;

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;
export const ECE = 0x40;
export const CWR = 0x80;

export const OPTION_MSS = 2;
export const OPTION_WINDOW_SCALE = 3;
export const OPTION_SACK_PERMITTED = 4;
export const OPTION_SACK = 5;
export const OPTION_TIMESTAMPS = 8;

/** True where the header with its options lies before `end`. */
export function fits(view: DataView, at: number, end: number): boolean {
  if (at + HEADER > end) return false;
  const header = headerLength(view, at);
  return header >= HEADER && at + header <= end;
}

export function sourcePort(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function setSourcePort(view: DataView, at: number, value: number): void {
  view.setUint16(at, value);
}

export function destinationPort(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function setDestinationPort(view: DataView, at: number, value: number): void {
  view.setUint16(at + 2, value);
}

export function sequence(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

export function setSequence(view: DataView, at: number, value: number): void {
  view.setUint32(at + 4, value);
}

export function acknowledgment(view: DataView, at: number): number {
  return view.getUint32(at + 8);
}

export function setAcknowledgment(view: DataView, at: number, value: number): void {
  view.setUint32(at + 8, value);
}

/** Bytes of the header with its options. */
export function headerLength(view: DataView, at: number): number {
  return (view.getUint8(at + 12) >> 4) << 2;
}

/** Writes the header's length in bytes, a multiple of 4; the reserved bits beside it become 0. */
export function setHeaderLength(view: DataView, at: number, bytes: number): void {
  view.setUint8(at + 12, (bytes >> 2) << 4);
}

/** The eight control bits, CWR to FIN. */
export function flags(view: DataView, at: number): number {
  return view.getUint8(at + 13);
}

export function setFlags(view: DataView, at: number, value: number): void {
  view.setUint8(at + 13, value);
}

/** The window as it stands in the header, not scaled. */
export function window(view: DataView, at: number): number {
  return view.getUint16(at + 14);
}

export function setWindow(view: DataView, at: number, value: number): void {
  view.setUint16(at + 14, value);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + CHECKSUM);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + CHECKSUM, value);
}

export function urgent(view: DataView, at: number): number {
  return view.getUint16(at + 18);
}

export function setUrgent(view: DataView, at: number, value: number): void {
  view.setUint16(at + 18, value);
}

/** Where the first whole option of a kind starts, or -1. The header must fit. */
export function option(view: DataView, at: number, kind: number): number {
  return find(view, at + HEADER, at + headerLength(view, at), kind);
}

/** The maximum segment size (RFC 9293, 3.7.1), or -1 where it is not given. */
export function mss(view: DataView, at: number): number {
  const found = option(view, at, OPTION_MSS);
  return found === -1 || view.getUint8(found + 1) !== 4 ? -1 : view.getUint16(found + 2);
}

/** The window scale's shift count (RFC 7323, 2.2), at most 14 as a receiver must read it, or -1 where it is not given. */
export function windowScale(view: DataView, at: number): number {
  const found = option(view, at, OPTION_WINDOW_SCALE);
  return found === -1 || view.getUint8(found + 1) !== 3 ? -1 : Math.min(view.getUint8(found + 2), 14);
}

/** True where SACK is permitted (RFC 2018, 2). */
export function sackPermitted(view: DataView, at: number): boolean {
  const found = option(view, at, OPTION_SACK_PERMITTED);
  return found !== -1 && view.getUint8(found + 1) === 2;
}

/** How many blocks the SACK option has (RFC 2018, 3); 0 without one. */
export function sackBlocks(view: DataView, at: number): number {
  const found = option(view, at, OPTION_SACK);
  return found === -1 ? 0 : (view.getUint8(found + 1) - 2) >> 3;
}

/** The left edge of a SACK block; `sack` is where the option starts. */
export function sackLeft(view: DataView, sack: number, block: number): number {
  return view.getUint32(sack + 2 + 8 * block);
}

export function sackRight(view: DataView, sack: number, block: number): number {
  return view.getUint32(sack + 6 + 8 * block);
}

/** Where the timestamps option starts (RFC 7323, 3.2), or -1. */
export function timestamps(view: DataView, at: number): number {
  const found = option(view, at, OPTION_TIMESTAMPS);
  return found === -1 || view.getUint8(found + 1) !== 10 ? -1 : found;
}

/** TSval; `option` is where the timestamps option starts. */
export function timestampValue(view: DataView, option: number): number {
  return view.getUint32(option + 2);
}

/** TSecr. */
export function timestampEcho(view: DataView, option: number): number {
  return view.getUint32(option + 6);
}
