/** Versions whose long headers are known here (RFC 9000; RFC 9369). */
export const VERSION_1 = 1;
export const VERSION_2 = 0x6b33_43cf;

/** Types of long header packets, as version 1 numbers them (RFC 9000, 17.2). */
export const INITIAL = 0;
export const ZERO_RTT = 1;
export const HANDSHAKE = 2;
export const RETRY = 3;

/** Bytes of the longest connection ID in these versions. */
export const ID_MOST = 20;
/** A client's Initial comes in a datagram of so many bytes at least (RFC 9000, 14.1). */
export const INITIAL_LEAST = 1200;

const LONG = 0x80;
/** Set by whoever does not grease it (RFC 9287). */
const FIXED = 0x40;

/** True for a packet with a long header; `at` must be readable. */
export function isLong(view: DataView, at: number): boolean {
  return (view.getUint8(at) & LONG) !== 0;
}

/** True where the part of a long header that all versions share lies before `end` (RFC 8999, 5.1), with connection IDs of lengths that are known here. */
export function longFits(view: DataView, at: number, end: number): boolean {
  if (at + 7 > end || !isLong(view, at)) return false;
  const destination = destinationLength(view, at);
  if (destination > ID_MOST || at + 7 + destination > end) return false;
  const source = sourceLength(view, at);
  return source <= ID_MOST && at + 7 + destination + source <= end;
}

/** 0 in a version negotiation. */
export function version(view: DataView, at: number): number {
  return view.getUint32(at + 1);
}

export function isKnown(version: number): boolean {
  return version === VERSION_1 || version === VERSION_2;
}

/** A long header's type in the numbers of version 1; version 2 turned them by one (RFC 9369, 3.2). */
export function type(view: DataView, at: number): number {
  const bits = (view.getUint8(at) >> 4) & 3;
  return version(view, at) === VERSION_2 ? (bits + 3) & 3 : bits;
}

/** The first byte of a long header; `low`: its four lower bits. */
export function firstByte(version: number, type: number, low: number): number {
  return LONG | FIXED | ((version === VERSION_2 ? (type + 1) & 3 : type) << 4) | (low & 0xf);
}

export function destinationLength(view: DataView, at: number): number {
  return view.getUint8(at + 5);
}

/** Where the destination's connection ID stands. */
export function destination(at: number): number {
  return at + 6;
}

export function sourceLength(view: DataView, at: number): number {
  return view.getUint8(at + 6 + destinationLength(view, at));
}

/** Where the source's connection ID stands. */
export function source(view: DataView, at: number): number {
  return at + 7 + destinationLength(view, at);
}
