import * as ipv4 from "./ipv4.js";
import * as ipv6 from "./ipv6.js";
import { fold, sum } from "./ones-complement.js";
import { ICMPV6, TCP, UDP } from "./protocol.js";

export { fold, sum };

/**
 * Corrects the checksum at `field` for one 16-bit word of what it covers that was `before` and is `now` (RFC 1624, equation 3). The word must
 * lie on an even offset from the start of the sum.
 */
export function replaceWord(view: DataView, field: number, before: number, now: number): void {
  view.setUint16(field, fold((~view.getUint16(field) & 0xffff) + (~before & 0xffff) + now));
}

/** The pseudo-header's sum over IPv4 (RFC 9293, 3.1); `length` is that of the transport header and payload. */
export function pseudoHeader4(view: DataView, ipAt: number, protocol: number, length: number): number {
  return sum(view, ipAt + ipv4.SOURCE, 8, protocol + length);
}

/**
 * The pseudo-header's sum over IPv6 (RFC 8200, 8.1). `destinationAt` is where the final destination stands: not in the fixed header
 * while a routing header has segments left.
 */
export function pseudoHeader6(
  view: DataView,
  ipAt: number,
  protocol: number,
  length: number,
  destinationAt = ipAt + ipv6.DESTINATION,
): number {
  return sum(
    view,
    destinationAt,
    16,
    sum(view, ipAt + ipv6.SOURCE, 16, protocol + (length & 0xffff) + (length >>> 16)),
  );
}

/**
 * The checksum that a transport header should carry, whatever stands in its checksum field now, which lies at `field`.
 * For UDP a result of 0 must be sent as 0xffff (RFC 768); this is done here.
 */
export function transportChecksum(
  view: DataView,
  version: number,
  network: number,
  protocol: number,
  transport: number,
  end: number,
  field: number,
): number {
  let length = end - transport;
  if (protocol === UDP) {
    // UDP counts by its own length: what the IP packet holds beyond it is no part of the datagram (RFC 9868).
    const own = view.getUint16(transport + 4);
    if (own >= 8 && own < length) length = own;
  }
  const pseudo =
    version === 4
      ? pseudoHeader4(view, network, protocol, length)
      : pseudoHeader6(view, network, protocol, length, ipv6.finalDestination(view, network, transport));
  // Taking the field's present value back out saves summing around it; in ones' complement that is adding its complement.
  const present = view.getUint16(field);
  const checksum = fold(sum(view, transport, length, pseudo) + (~present & 0xffff));
  return checksum === 0 && protocol === UDP ? 0xffff : checksum;
}

/** Where the checksum field of a protocol stands behind its header's start, or -1 for protocols without a pseudo-header's checksum. */
export function fieldOffset(protocol: number): number {
  return protocol === TCP ? 16 : protocol === UDP ? 6 : protocol === ICMPV6 ? 2 : -1;
}

/**
 * Writes the transport checksum that an offload left partial, for TCP, UDP and ICMPv6. False where there is none to write: another
 * protocol, or a header that does not fit. The caller keeps fragments away: their sum spans packets.
 */
export function completeChecksum(
  view: DataView,
  version: number,
  network: number,
  protocol: number,
  transport: number,
  end: number,
): boolean {
  const offset = fieldOffset(protocol);
  if (offset === -1 || transport + offset + 2 > end) return false;
  const field = transport + offset;
  view.setUint16(field, transportChecksum(view, version, network, protocol, transport, end, field));
  return true;
}

/** True where the transport checksum is right, or absent in UDP over IPv4 (RFC 768). */
export function transportValid(
  view: DataView,
  version: number,
  network: number,
  protocol: number,
  transport: number,
  end: number,
): boolean {
  const field = transport + fieldOffset(protocol);
  const present = view.getUint16(field);
  if (protocol === UDP && present === 0) return version === 4;
  const right = transportChecksum(view, version, network, protocol, transport, end, field);
  // 0 and 0xffff are the same number in ones' complement; both are met in practice.
  return present === right || (present === 0xffff && right === 0);
}
