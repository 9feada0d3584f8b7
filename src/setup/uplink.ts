import { existsSync } from "node:fs";
import type { Host } from "./host.js";
import { Subnet } from "./subnet.js";

/** The card by which this machine reaches the world, and how it has its address. */
export interface Uplink {
  readonly name: string;
  readonly mac: string;
  /** IPv4 by DHCP, or these addresses (with prefix length) and this gateway by hand. */
  readonly address: "dhcp" | { readonly addresses: readonly string[]; readonly gateway: string | null };
  /** Whether it has an IPv4 address now. */
  readonly addressed: boolean;
  /** What systemd-networkd told the router beside the machine's identity (RFC 4361), by which the router knows the lease; null: it went by MAC. */
  readonly iaid: number | null;
}

interface Route {
  readonly dst?: string;
  readonly dev?: string;
  readonly gateway?: string;
  readonly metric?: number;
}

interface Link {
  readonly address?: string;
  readonly addr_info?: readonly { family?: string; local?: string; prefixlen?: number; dynamic?: boolean }[];
}

/** Networks that this machine has a way to, each with the card that leads there. */
export interface KnownRoute {
  readonly network: Subnet;
  readonly card: string;
}

async function listed<T>(host: Host, ...args: string[]): Promise<T[]> {
  const text = await host.ask("ip", "-j", ...args);
  try {
    return JSON.parse(text ?? "") as T[];
  } catch {
    // iproute2 prints nothing at all where there is nothing.
    return [];
  }
}

/** The card of the default route; the one that counts where there are several. IPv6 alone will do. */
export async function defaultCard(host: Host): Promise<string | null> {
  for (const family of ["-4", "-6"]) {
    const routes = await listed<Route>(host, family, "route", "show", "default");
    const best = [...routes].sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))[0]?.dev;
    if (best !== undefined) return best;
  }
  return null;
}

/** All IPv4 routes but the default one. */
export async function knownRoutes(host: Host): Promise<KnownRoute[]> {
  const routes = await listed<Route>(host, "-4", "route", "show");
  return routes.flatMap(({ dst = "default", dev = "" }) => {
    const network = Subnet.parse(dst);
    return network === null ? [] : [{ network, card: dev }];
  });
}

/** How a card has its address: what the kernel calls dynamic came with a lease. */
export async function readUplink(host: Host, name: string): Promise<Uplink> {
  const [link] = await listed<Link>(host, "-4", "address", "show", "dev", name);
  const [anyLink] = await listed<Link>(host, "link", "show", "dev", name);
  const addresses = (link?.addr_info ?? []).filter(({ family, local }) => family === "inet" && local !== undefined);
  const fixed = addresses.filter(({ dynamic }) => dynamic !== true);
  const routes = await listed<Route>(host, "-4", "route", "show", "default");
  const gateway = routes.find(({ dev }) => dev === name)?.gateway ?? null;
  const dhcp = addresses.length === 0 || fixed.length < addresses.length;
  return {
    name,
    mac: anyLink?.address ?? host.read(`/sys/class/net/${name}/address`)?.trim() ?? "",
    address: dhcp
      ? "dhcp"
      : { addresses: fixed.map(({ local, prefixlen }) => `${local ?? ""}/${prefixlen ?? 32}`), gateway },
    addressed: addresses.length > 0,
    iaid: leaseIaid(host, name),
  };
}

/** The client identifier of a lease of systemd-networkd: `ff`, four bytes of IAID, the machine's DUID. */
function leaseIaid(host: Host, name: string): number | null {
  const index = host.read(`/sys/class/net/${name}/ifindex`)?.trim() ?? "";
  const found = /^CLIENTID=ff([0-9a-f]{8})/im.exec(host.read(`/run/systemd/netif/leases/${index}`) ?? "")?.[1];
  return found === undefined ? null : Number.parseInt(found, 16);
}

/** What a card is besides a plain Ethernet card. */
export function kindOf(host: Host, card: string): "ethernet" | "wifi" | "bridge" | "tunnel" | "absent" {
  const folder = `/sys/class/net/${card}`;
  if (!existsSync(host.path(folder))) return "absent";
  if (existsSync(host.path(`${folder}/phy80211`)) || existsSync(host.path(`${folder}/wireless`))) return "wifi";
  if (existsSync(host.path(`${folder}/bridge`))) return "bridge";
  // if_arp.h: 1 is Ethernet.
  return host.read(`${folder}/type`)?.trim() === "1" ? "ethernet" : "tunnel";
}
