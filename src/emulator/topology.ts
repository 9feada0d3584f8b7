import { CLOUD_ADDRESSES } from "./endpoints.js";

/** The places of every laboratory, each a network namespace. */
export const PLACES = ["speaker", "box", "router", "isp", "world"] as const;
/** With a tunnel there is one more: its far end. */
export const TUNNEL_PLACES = [...PLACES, "gateway"] as const;
export type Place = (typeof TUNNEL_PLACES)[number];

/**
 * Interfaces and addresses of the laboratory. Cloud addresses are from the ranges kept for benchmarks and documentation
 * (RFC 2544, RFC 3849), so that nothing here is anybody's even where a packet gets out.
 *
 *     speaker eth0 ── in0 box out0 ── lan0 router wan0 ── down0 isp up0 ── net0 world (lo: all cloud addresses)
 *       .77.10         no address      .77.1  NAT   .100.2    .100.1 .101.1   .101.2
 *
 * With a tunnel the box's cards are ports of a bridge, br0 with .77.2, and the provider has one more customer:
 *
 *     isp far0 ── net0 gateway
 *       100.64.2.1  .2.2
 */
export const TOPOLOGY = {
  speaker: { interface: "eth0", mac: "02:68:62:00:00:10", v4: "192.168.77.10", v6: "fd77::10" },
  box: { inside: "in0", outside: "out0", bridge: "br0", mac: "02:68:62:00:00:02", v4: "192.168.77.2", v6: "fd77::2" },
  router: {
    lan: "lan0",
    wan: "wan0",
    mac: "02:68:62:00:00:01",
    v4: "192.168.77.1",
    v6: "fd77::1",
    wan4: "198.51.100.2",
    wan6: "2001:db8:100::2",
  },
  isp: {
    down: "down0",
    up: "up0",
    v4: "198.51.100.1",
    v6: "2001:db8:100::1",
    world4: "203.0.113.1",
    world6: "2001:db8:101::1",
    far: "far0",
    far4: "100.64.2.1",
    far6: "2001:db8:102::1",
  },
  gateway: { net: "net0", v4: "100.64.2.2", v6: "2001:db8:102::2", port: 51820 },
  tunnel: {
    box: { v4: "10.77.9.2", v6: "fd77:9::2" },
    gateway: { v4: "10.77.9.1", v6: "fd77:9::1" },
  },
  world: { net: "net0", v4: "203.0.113.2", v6: "2001:db8:101::2" },
} as const;

/** Where an observer of design.md sits in the laboratory. */
export const OBSERVERS: Record<"inside" | "lan" | "wan", { place: Place; interface: string }> = {
  inside: { place: "speaker", interface: TOPOLOGY.speaker.interface },
  lan: { place: "router", interface: TOPOLOGY.router.lan },
  wan: { place: "isp", interface: TOPOLOGY.isp.down },
};

// No router advertisements, no duplicate address detection, no link-local chatter; ICMP errors are not rate-limited, so that
// every decoy that dies on its way is answered and a reply that leaks to the speaker is seen.
const QUIET = {
  "ipv4/icmp_ratelimit": "0",
  "ipv4/icmp_ratemask": "0",
  "ipv4/conf/all/rp_filter": "0",
  "ipv4/conf/default/rp_filter": "0",
  "ipv6/icmp/ratelimit": "0",
  "ipv6/conf/all/accept_ra": "0",
  "ipv6/conf/default/accept_ra": "0",
  "ipv6/conf/default/autoconf": "0",
  "ipv6/conf/default/accept_dad": "0",
  "ipv6/conf/default/dad_transmits": "0",
  "ipv6/conf/default/router_solicitations": "0",
};

const ROUTES = {
  ...QUIET,
  "ipv4/ip_forward": "1",
  "ipv6/conf/all/forwarding": "1",
  "ipv4/conf/all/send_redirects": "0",
};

// Buffers without auto-tuning bring the advertised windows near the measured ones (calibration 3.6: speaker scaled
// 14,656-40,704 with scale 64, cloud 30,080-35,840 with scale 128). The routes' initrwnd sets the window in the SYN, the
// speaker's route also the scale (by a largest window below 4 MB; the buffer's limit alone cannot, see docs/emulator.md).
const SPEAKER_WINDOW = { "ipv4/tcp_rmem": "4096 65536 4000000", "ipv4/tcp_moderate_rcvbuf": "0" };
const CLOUD_WINDOW = { "ipv4/tcp_rmem": "4096 59392 6291456", "ipv4/tcp_moderate_rcvbuf": "0" };

/** Kernel settings of each place, as paths under /proc/sys/net; written before any interface exists, so that `default` takes hold. */
export const SETTINGS: Record<Place, Record<string, string>> = {
  speaker: { ...QUIET, ...SPEAKER_WINDOW },
  box: { "ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1" },
  router: ROUTES,
  isp: ROUTES,
  world: { ...QUIET, ...CLOUD_WINDOW },
  gateway: ROUTES,
};

/** What is different of the box where it bridges and routes: IPv6 is there, and rules for routing are not asked about what is bridged. */
export const TUNNEL_BOX_SETTINGS = {
  ...QUIET,
  "bridge/bridge-nf-call-iptables": "0",
  "bridge/bridge-nf-call-ip6tables": "0",
  "bridge/bridge-nf-call-arptables": "0",
};

const t = TOPOLOGY;

/** What a laboratory with a tunnel has beside `links`. */
export function tunnelLinks(names: Record<Place, string>): Partial<Record<Place, string[]>> {
  const { box, router, isp, gateway } = t;
  return {
    box: [
      `link add ${box.bridge} address ${box.mac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `link set ${box.inside} master ${box.bridge}`,
      `link set ${box.outside} master ${box.bridge}`,
      `link set ${box.bridge} up`,
      `addr add ${box.v4}/24 dev ${box.bridge}`,
      `addr add ${box.v6}/64 dev ${box.bridge} nodad`,
      `route add default via ${router.v4}`,
      `-6 route add default via ${router.v6}`,
    ],
    isp: [
      `link add ${isp.far} type veth peer name ${gateway.net} netns ${names.gateway}`,
      `link set ${isp.far} up`,
      `addr add ${isp.far4}/30 dev ${isp.far}`,
      `addr add ${isp.far6}/64 dev ${isp.far} nodad`,
    ],
    gateway: [
      "link set lo up",
      `link set ${gateway.net} up`,
      `addr add ${gateway.v4}/30 dev ${gateway.net}`,
      `addr add ${gateway.v6}/64 dev ${gateway.net} nodad`,
      `route add default via ${isp.far4}`,
      `-6 route add default via ${isp.far6}`,
    ],
  };
}

/** Commands for `ip -batch` that build the links, addresses and routes between namespaces with these full names. */
export function links(names: Record<Place, string>): Record<(typeof PLACES)[number], string[]> {
  const { speaker, box, router, isp, world } = t;
  return {
    speaker: [
      `link add ${speaker.interface} address ${speaker.mac} type veth peer name ${box.inside} netns ${names.box}`,
      "link set lo up",
      `link set ${speaker.interface} up`,
      `addr add ${speaker.v4}/24 dev ${speaker.interface}`,
      `addr add ${speaker.v6}/64 dev ${speaker.interface} nodad`,
      `route add default via ${router.v4} initrwnd 10 window 4000000`,
      `-6 route add default via ${router.v6} initrwnd 10 window 4000000`,
    ],
    router: [
      `link add ${router.lan} address ${router.mac} type veth peer name ${box.outside} netns ${names.box}`,
      `link add ${router.wan} type veth peer name ${isp.down} netns ${names.isp}`,
      "link set lo up",
      `link set ${router.lan} up`,
      `link set ${router.wan} up`,
      `addr add ${router.v4}/24 dev ${router.lan}`,
      `addr add ${router.v6}/64 dev ${router.lan} nodad`,
      `addr add ${router.wan4}/30 dev ${router.wan}`,
      `addr add ${router.wan6}/64 dev ${router.wan} nodad`,
      `route add default via ${isp.v4}`,
      `-6 route add default via ${isp.v6}`,
    ],
    box: ["link set lo up", `link set ${box.inside} up`, `link set ${box.outside} up`],
    isp: [
      `link add ${isp.up} type veth peer name ${world.net} netns ${names.world}`,
      "link set lo up",
      `link set ${isp.down} up`,
      `link set ${isp.up} up`,
      `addr add ${isp.v4}/30 dev ${isp.down}`,
      `addr add ${isp.v6}/64 dev ${isp.down} nodad`,
      `addr add ${isp.world4}/30 dev ${isp.up}`,
      `addr add ${isp.world6}/64 dev ${isp.up} nodad`,
      `route add default via ${world.v4}`,
      `-6 route add default via ${world.v6}`,
    ],
    world: [
      "link set lo up",
      `link set ${world.net} up`,
      `addr add ${world.v4}/30 dev ${world.net}`,
      `addr add ${world.v6}/64 dev ${world.net} nodad`,
      ...CLOUD_ADDRESSES.map((address) => `addr add ${address} dev lo`),
      `route add default via ${isp.world4} initrwnd 20`,
      `-6 route add default via ${isp.world6} initrwnd 20`,
    ],
  };
}

/** The router's rules: what a home router does, network address translation for IPv4 and IPv6 alike and a stateful filter. */
export const ROUTER_RULES = `
table inet hushbox_lab {
  chain translate {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${t.router.wan}" masquerade
  }
  chain pass {
    type filter hook forward priority filter; policy accept;
    ct state invalid counter drop
    iifname "${t.router.wan}" ct state new counter drop
  }
}
`;

/** Interfaces whose offloads are turned off; the box's own cards are its own business. */
export const PLAIN_INTERFACES: Partial<Record<Place, readonly string[]>> = {
  speaker: [t.speaker.interface],
  router: [t.router.lan, t.router.wan],
  isp: [t.isp.down, t.isp.up],
  world: [t.world.net],
};
export const TUNNEL_PLAIN_INTERFACES: Partial<Record<Place, readonly string[]>> = {
  ...PLAIN_INTERFACES,
  isp: [t.isp.down, t.isp.up, t.isp.far],
  gateway: [t.gateway.net],
};
