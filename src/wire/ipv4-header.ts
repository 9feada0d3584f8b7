import * as ipv4 from "./ipv4.js";

/**
 * Writes a whole IPv4 header without options, checksum included, whatever stood there (RFC 791, 3.1): no DSCP, no fragment. `length`: bytes of
 * the packet, header and all. Addresses are 32-bit numbers. By default none may cut the packet, so that it needs no identification (RFC 6864, 4.1).
 */
export function writeIpv4Header(
  view: DataView,
  at: number,
  length: number,
  protocol: number,
  ttl: number,
  source: number,
  destination: number,
  identification = 0,
  dontFragment = true,
): void {
  ipv4.setHeaderLength(view, at, ipv4.HEADER);
  ipv4.setTrafficClass(view, at, 0);
  ipv4.setTotalLength(view, at, length);
  ipv4.setIdentification(view, at, identification);
  ipv4.setFragment(view, at, dontFragment, false, 0);
  ipv4.setTtl(view, at, ttl);
  ipv4.setProtocol(view, at, protocol);
  ipv4.setSource(view, at, source);
  ipv4.setDestination(view, at, destination);
  ipv4.updateChecksum(view, at);
}
