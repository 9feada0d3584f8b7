/** Bytes of the header (RFC 768). */
export const HEADER = 8;

/** True where the header lies before `end`. The length field may still say something else: see `lengthFits`. */
export function fits(at: number, end: number): boolean {
  return at + HEADER <= end;
}

/** True where the datagram, by its own length, ends at or before `end`. */
export function lengthFits(view: DataView, at: number, end: number): boolean {
  const own = length(view, at);
  return own >= HEADER && at + own <= end;
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

/** Bytes of header and payload. */
export function length(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function setLength(view: DataView, at: number, value: number): void {
  view.setUint16(at + 4, value);
}

/** 0 means: none. */
export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 6, value);
}
