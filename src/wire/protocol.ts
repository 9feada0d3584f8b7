/** Protocol numbers of IPv4, next-header values of IPv6 (IANA "Assigned Internet Protocol Numbers"). */
export const HOP_BY_HOP = 0;
export const ICMP = 1;
export const IGMP = 2;
export const TCP = 6;
export const UDP = 17;
export const ROUTING = 43;
export const FRAGMENT = 44;
export const ESP = 50;
export const AUTHENTICATION = 51;
export const ICMPV6 = 58;
export const NO_NEXT_HEADER = 59;
export const DESTINATION_OPTIONS = 60;
export const MOBILITY = 135;
export const HIP = 139;
export const SHIM6 = 140;

const PROTOCOL_NAMES = new Map([
  [ICMP, "icmp"],
  [IGMP, "igmp"],
  [TCP, "tcp"],
  [UDP, "udp"],
  [ESP, "esp"],
  [ICMPV6, "icmpv6"],
]);

/** A protocol's name for people: `tcp`, or its number; `none` for -1. */
export function protocolName(protocol: number): string {
  return PROTOCOL_NAMES.get(protocol) ?? (protocol === -1 ? "none" : String(protocol));
}
