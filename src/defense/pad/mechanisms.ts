import { MECHANISM_NAMES, type MechanismName, type PadOptions } from "../options.js";
import { IcmpEcho } from "./icmp-echo.js";
import { Ipv6Options } from "./ipv6-options.js";
import type { Mechanism, MechanismModules } from "./mechanism.js";
import { QuicPrefix } from "./quic-prefix.js";
import { TcpOverlap } from "./tcp-overlap.js";
import { TcpReset } from "./tcp-reset.js";
import { UdpSurplus } from "./udp-surplus.js";

/** The registry of mechanisms. */
const MECHANISMS: Readonly<Record<MechanismName, (options: PadOptions, modules: MechanismModules) => Mechanism>> = {
  icmpEcho: (_, modules) => new IcmpEcho(modules),
  quicPrefix: (_, modules) => new QuicPrefix(modules),
  tcpOverlap: (options, modules) => new TcpOverlap(options, modules),
  tcpReset: (_, modules) => new TcpReset(modules),
  udpSurplus: (_, modules) => new UdpSurplus(modules),
  ipv6Options: (_, modules) => new Ipv6Options(modules),
};

/** The mechanisms that are switched on, in the order in which packets meet them. */
export function mechanismsOf(options: PadOptions, modules: MechanismModules): Mechanism[] {
  return MECHANISM_NAMES.filter((name) => options[name]).map((name) => MECHANISMS[name](options, modules));
}
