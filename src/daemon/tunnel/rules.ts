import { isIPv4, isIPv6 } from "node:net";
import { DATAPATH_END, KERNEL_END, MARK, NFT_TABLE } from "./names.js";

/** What the rules are made from. */
export interface RuleOptions {
  readonly role: "box" | "gateway";
  /** WireGuard's interface. */
  readonly tunnel: string;
  /** Where the devices' packets reach the kernel's network layer: the inside interface, or the bridge that it is a port of. Of a gateway: where the world is. */
  readonly near: string;
  /** Where the inside is a port of a bridge: that bridge's MAC address. */
  readonly bridgeMac: string | null;
  readonly macs: readonly string[];
  readonly local: readonly string[];
  /** Our addresses inside the tunnel, without prefix length. */
  readonly addresses: readonly string[];
  /** Servers that all DNS queries of the devices go to; none: queries to local resolvers are refused. */
  readonly dns: readonly string[];
  /** The largest packet with a TCP segment that devices and servers are to agree on. */
  readonly segment: number;
}

const IPV4_AND_TCP = 40;
const IPV6_AND_TCP = 60;

/**
 * The rules of nft, as one transaction that replaces what was there: at no moment is there none. They are the kill switch, so they stay when
 * the daemon ends; `hushbox tunnel down` takes them away.
 *
 *     device ── inside ─steer─> routing ─mark─> hush0 ══ hush1 [datapath] WireGuard ── outside
 *
 * Whatever a device sends beyond the local network has only this way, DNS to a resolver in the local network too (which would ask on, in the
 * open), IPv6 too. The kernel itself never puts a packet into WireGuard's interface nor takes one out: that is the datapath's.
 */
export function rulesOf(options: RuleOptions): string {
  const { role, bridgeMac } = options;
  const inet = role === "box" ? boxRules(options) : gatewayRules(options);
  return [
    `add table inet ${NFT_TABLE}`,
    `delete table inet ${NFT_TABLE}`,
    `table inet ${NFT_TABLE} {`,
    ...inet,
    ...tunnelOnly(options),
    "}",
    `add table bridge ${NFT_TABLE}`,
    `delete table bridge ${NFT_TABLE}`,
    ...(role === "box" && bridgeMac !== null ? bridgeRules(options, bridgeMac) : []),
    "",
  ].join("\n");
}

/** Takes all of it away. */
export const NO_RULES = ["inet", "bridge"]
  .flatMap((family) => [`add table ${family} ${NFT_TABLE}`, `delete table ${family} ${NFT_TABLE}`])
  .join("\n")
  .concat("\n");

/**
 * Rules for before the network is there, when no interface has its name yet: what a device sends stays in the local network, and asks no
 * resolver. `rulesOf` takes their place.
 */
export function bootRules(options: Pick<RuleOptions, "macs" | "local">): string {
  return ["inet", "bridge"]
    .flatMap((family) => [
      `add table ${family} ${NFT_TABLE}`,
      `delete table ${family} ${NFT_TABLE}`,
      `table ${family} ${NFT_TABLE} {`,
      ...sets(options),
      "chain guard {",
      "type filter hook forward priority filter; policy accept;",
      "ether saddr != @defended accept",
      "meta l4proto { tcp, udp } th dport { 53, 853 } counter drop",
      ...LOCAL,
      ...(family === "bridge" ? ["ether type { arp, 0x888e } accept"] : []),
      "counter drop",
      "}",
      "}",
    ])
    .concat("")
    .join("\n");
}

const LOCAL = ["ip daddr @local4 accept", "ip6 daddr @local6 accept"];

function sets({ macs, local }: Pick<RuleOptions, "macs" | "local">): string[] {
  const [four, six] = [local.filter(isFour), local.filter(isSix)];
  return [
    set("defended", "ether_addr", "", macs),
    set("local4", "ipv4_addr", "flags interval; auto-merge; ", four),
    set("local6", "ipv6_addr", "flags interval; auto-merge; ", six),
  ];
}

function boxRules(options: RuleOptions): string[] {
  const { near, addresses, dns } = options;
  const of = `iifname "${near}" ether saddr @defended`;
  const [dns4, dns6] = [dns.find(isIPv4), dns.find(isIPv6)];
  const [own4, own6] = [addresses.find(isIPv4), addresses.find(isIPv6)];
  return [
    ...sets(options),
    "chain mark_packets {",
    "type filter hook prerouting priority mangle; policy accept;",
    ...(own4 === undefined ? [`${of} ip daddr != @local4 counter drop`] : []),
    ...(own6 === undefined ? [`${of} ip6 daddr != @local6 counter drop`] : []),
    `${of} ip daddr != @local4 meta mark set ${MARK} return`,
    `${of} ip6 daddr != @local6 meta mark set ${MARK} return`,
    `${of} meta l4proto { tcp, udp } th dport 53 meta mark set ${MARK}`,
    "}",
    "chain resolve {",
    "type nat hook prerouting priority dstnat; policy accept;",
    ...(dns4 === undefined
      ? []
      : [`meta mark ${MARK} meta nfproto ipv4 meta l4proto { tcp, udp } th dport 53 dnat ip to ${dns4}`]),
    ...(dns6 === undefined
      ? []
      : [`meta mark ${MARK} meta nfproto ipv6 meta l4proto { tcp, udp } th dport 53 dnat ip6 to ${dns6}`]),
    "}",
    "chain refuse {",
    "type filter hook input priority filter; policy accept;",
    `${of} meta l4proto { tcp, udp } th dport { 53, 853 } counter drop`,
    "}",
    "chain guard {",
    "type filter hook forward priority filter; policy accept;",
    ...clamp(options),
    `${of} goto from_device`,
    `oifname "${KERNEL_END}" counter drop`,
    "}",
    "chain from_device {",
    `meta mark ${MARK} oifname "${KERNEL_END}" accept`,
    "meta l4proto { tcp, udp } th dport { 53, 853 } counter drop",
    ...LOCAL,
    "counter drop",
    "}",
    "chain translate {",
    "type nat hook postrouting priority srcnat; policy accept;",
    ...(own4 === undefined ? [] : [`oifname "${KERNEL_END}" meta nfproto ipv4 snat ip to ${own4}`]),
    ...(own6 === undefined ? [] : [`oifname "${KERNEL_END}" meta nfproto ipv6 snat ip6 to ${own6}`]),
    "}",
  ];
}

function gatewayRules(options: RuleOptions): string[] {
  return [
    "chain guard {",
    "type filter hook forward priority filter; policy accept;",
    ...clamp(options),
    `iifname "${KERNEL_END}" oifname "${KERNEL_END}" counter drop`,
    `oifname "${KERNEL_END}" ct state new counter drop`,
    "}",
    "chain translate {",
    "type nat hook postrouting priority srcnat; policy accept;",
    `iifname "${KERNEL_END}" oifname "${options.near}" masquerade`,
    "}",
  ];
}

/** Segments that fit: padding must not make them too long, and a path that is narrower than the device's is not found out by loss. */
function clamp({ segment }: RuleOptions): string[] {
  const to = (protocol: string, mss: number): string[] =>
    ["iifname", "oifname"].map(
      (side) =>
        `${side} "${KERNEL_END}" meta nfproto ${protocol} tcp flags & (syn | rst) == syn tcp option maxseg size > ${mss} tcp option maxseg size set ${mss}`,
    );
  return [...to("ipv4", segment - IPV4_AND_TCP), ...to("ipv6", segment - IPV6_AND_TCP)];
}

/**
 * Taps see what comes out of WireGuard before these chains do, and what the datapath sends passes none. Before fragments are put together
 * (-400): the kernel would put those from WireGuard together with the same ones from the datapath.
 */
function tunnelOnly({ tunnel }: RuleOptions): string[] {
  return [
    "chain taken {",
    "type filter hook prerouting priority -450; policy accept;",
    `iifname { "${tunnel}", "${DATAPATH_END}" } counter drop`,
    "}",
    "chain kernel_speaks {",
    "type filter hook postrouting priority 300; policy accept;",
    `oifname { "${tunnel}", "${DATAPATH_END}" } counter drop`,
    "}",
  ];
}

/** What leaves the local network goes to this machine's routing instead of over the bridge; the rest is bridged as ever. */
function bridgeRules(options: RuleOptions, mac: string): string[] {
  return [
    `table bridge ${NFT_TABLE} {`,
    ...sets(options),
    "chain steer {",
    "type filter hook prerouting priority dstnat; policy accept;",
    "ether saddr != @defended accept",
    `ether daddr ${mac} accept`,
    "meta l4proto { tcp, udp } th dport 53 goto to_routing",
    "ether type ip ip daddr != @local4 goto to_routing",
    "ether type ip6 ip6 daddr != @local6 goto to_routing",
    "}",
    "chain to_routing {",
    `counter meta pkttype set host ether daddr set ${mac}`,
    "}",
    "chain guard {",
    "type filter hook forward priority filter; policy accept;",
    "ether saddr != @defended accept",
    "meta l4proto { tcp, udp } th dport { 53, 853 } counter drop",
    "ether type { arp, 0x888e } accept",
    ...LOCAL,
    "counter drop",
    "}",
    "}",
  ];
}

function set(name: string, type: string, flags: string, elements: readonly string[]): string {
  const content = elements.length === 0 ? "" : `elements = { ${elements.join(", ")} }`;
  return `set ${name} {\ntype ${type}; ${flags}\n${content}\n}`;
}

function isFour(network: string): boolean {
  return isIPv4(network.split("/")[0] ?? "");
}

function isSix(network: string): boolean {
  return isIPv6(network.split("/")[0] ?? "");
}
