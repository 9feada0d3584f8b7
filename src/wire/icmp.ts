import { fold, sum } from "./ones-complement.js";

/** Bytes of the header that every message has (RFC 792): type, code, checksum, and four bytes of its kind. */
export const HEADER = 8;

export const ECHO_REPLY = 0;
export const UNREACHABLE = 3;
export const SOURCE_QUENCH = 4;
export const REDIRECT = 5;
export const ECHO_REQUEST = 8;
export const TIME_EXCEEDED = 11;
export const PARAMETER_PROBLEM = 12;

/** Codes of UNREACHABLE. */
export const PORT_UNREACHABLE = 3;
export const FRAGMENTATION_NEEDED = 4;

/** True where the header lies before `end`. */
export function fits(at: number, end: number): boolean {
  return at + HEADER <= end;
}

export function type(view: DataView, at: number): number {
  return view.getUint8(at);
}

export function setType(view: DataView, at: number, value: number): void {
  view.setUint8(at, value);
}

export function code(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

export function setCode(view: DataView, at: number, value: number): void {
  view.setUint8(at + 1, value);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** Writes the checksum of the message that ends at `end` anew. */
export function updateChecksum(view: DataView, at: number, end: number): void {
  view.setUint16(at + 2, 0);
  view.setUint16(at + 2, fold(sum(view, at, end - at)));
}

/** The identifier of an echo request or reply. */
export function identifier(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function setIdentifier(view: DataView, at: number, value: number): void {
  view.setUint16(at + 4, value);
}

/** The sequence number of an echo request or reply. */
export function sequence(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function setSequence(view: DataView, at: number, value: number): void {
  view.setUint16(at + 6, value);
}

/** The next hop's MTU in a FRAGMENTATION_NEEDED (RFC 1191, 4); 0 from routers that do not say. */
export function nextHopMtu(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** True for messages that quote the start of the packet that caused them. */
export function isError(type: number): boolean {
  return (
    type === UNREACHABLE ||
    type === TIME_EXCEEDED ||
    type === PARAMETER_PROBLEM ||
    type === SOURCE_QUENCH ||
    type === REDIRECT
  );
}

/** Where the IP header that an error quotes starts; it must still be checked against the packet's end. */
export function quoted(at: number): number {
  return at + HEADER;
}
