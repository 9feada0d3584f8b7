/** Bytes of type, code, checksum and the four bytes that nearly every message has behind them (RFC 4443, 2.1). */
export const HEADER = 8;
/** Where the checksum stands in it. */
export const CHECKSUM = 2;

export const UNREACHABLE = 1;
export const PACKET_TOO_BIG = 2;
export const TIME_EXCEEDED = 3;
export const PARAMETER_PROBLEM = 4;
export const ECHO_REQUEST = 128;
export const ECHO_REPLY = 129;
export const LISTENER_QUERY = 130;
export const LISTENER_DONE = 132;
export const ROUTER_SOLICITATION = 133;
export const ROUTER_ADVERTISEMENT = 134;
export const NEIGHBOR_SOLICITATION = 135;
export const NEIGHBOR_ADVERTISEMENT = 136;
export const REDIRECT = 137;
export const LISTENER_REPORT_2 = 143;

/** Code of UNREACHABLE. */
export const PORT_UNREACHABLE = 4;

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

/** Covers a pseudo-header too: `completeChecksum` in checksum.ts writes it. */
export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + CHECKSUM);
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

/** The next hop's MTU in a PACKET_TOO_BIG (RFC 4443, 3.2). */
export function mtu(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

/** True for messages that quote the packet that caused them: types below 128 (RFC 4443, 2.1). */
export function isError(type: number): boolean {
  return type < 128;
}

/** True for router and neighbour discovery (RFC 4861), which belongs to the link and must not be delayed or touched. */
export function isNeighborDiscovery(type: number): boolean {
  return type >= ROUTER_SOLICITATION && type <= REDIRECT;
}

/** Where the IPv6 header that an error quotes starts; it must still be checked against the packet's end. */
export function quoted(at: number): number {
  return at + HEADER;
}
