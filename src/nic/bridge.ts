import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import * as netlink from "./netlink.js";

/** What rtnetlink(7) tells of bridges and their ports. */

const GET_LINK = 18;
const NEW_LINK = 16;
const GET_NEIGHBOURS = 30;
const NEW_NEIGHBOUR = 28;
const LINK_BYTES = 16;
const NEIGHBOUR_BYTES = 12;
const FAMILY_BRIDGE = 7;
const PERMANENT = 0x80;

const LINK_NAME = 3;
const LINK_MASTER = 10;
const LINK_INFO = 18;
const INFO_PORT_KIND = 4;
const INFO_PORT = 5;
const PORT_HAIRPIN = 4;
const NEIGHBOUR_ADDRESS = 2;
/** 01:80:c2:00:00:00, and the fifteen behind it: spanning tree, pause frames, EAPOL, LLDP. */
const RESERVED = 0x0180c2000000;

/** The bridge of the kernel that joins two cards, and which way it knows addresses (48-bit numbers) to be. */
export interface Bridge {
  readonly name: string;
  /** The bridge's own addresses and its ports': frames to them are for this machine and forwarded to nobody. Sorted. */
  readonly own: readonly number[];
  /** Addresses of stations behind the inside port. Sorted. */
  readonly inside: readonly number[];
  /** Addresses of stations behind the outside port; told only where the inside port is a hairpin one. Sorted. */
  readonly outside: readonly number[];
  /** Addresses of stations behind other ports than these two. Sorted. */
  readonly elsewhere: readonly number[];
  /** The inside port sends frames back to where they came from (`bridge link set dev … hairpin on`). */
  readonly hairpin: boolean;
}

/** The filters that br_netfilter passes bridged frames through: iptables, ip6tables, arptables. `proc`: another root in tests. */
export function bridgeFilters(proc = "/proc"): string[] {
  return ["iptables", "ip6tables", "arptables"].filter((table) => {
    const knob = `${proc}/sys/net/bridge/bridge-nf-call-${table}`;
    return existsSync(knob) && readFileSync(knob, "utf8").trim() !== "0";
  });
}

/** The bridge that an interface is a port of, or null, also where there is no such interface. `sys`: another machine's tree, or a test's. */
export function masterOf(name: string, sys = "/sys"): string | null {
  try {
    return basename(readlinkSync(`${sys}/class/net/${name}/master`));
  } catch {
    return null;
  }
}

/** How to pass them by. */
export function withoutFilters(filters: readonly string[]): string {
  return `sysctl -w ${filters.map((table) => `net.bridge.bridge-nf-call-${table}=0`).join(" ")}`;
}

/**
 * Addresses to which a device's frames are the kernel's: they are this machine's, or the bridge knows them to be elsewhere. Where the inside port
 * sends frames back, those between two of its stations are ours.
 */
export function keptAddresses({ own, inside, elsewhere, hairpin }: Bridge): ReadonlySet<number> {
  return new Set([...own, ...(hairpin ? [] : inside), ...elsewhere]);
}

/** True where a frame to this address is one that a bridge forwards to nobody (link-local groups, IEEE 802.1Q 8.6.3), or itself. */
export function keptByKernel(to: number, kept: ReadonlySet<number>): boolean {
  return (to >= RESERVED && to < RESERVED + 16) || kept.has(to);
}

/** An interface as a port of something. */
interface Port {
  readonly index: number;
  readonly name: string;
  /** Index of what it is a port of; 0: of nothing. */
  readonly master: number;
  /** It is a port of a bridge, not of a bond or a router. */
  readonly bridged: boolean;
  readonly hairpin: boolean;
}

/** RTMGRP_LINK and RTMGRP_NEIGH: ports that come and go, and stations of which a bridge learns. */
const ANNOUNCED = 0x5;

/** Hears of changes to bridges, so that they need not be read again and again. */
export class BridgeListener {
  readonly #socket = new netlink.NetlinkSocket(netlink.NETLINK_ROUTE, ANNOUNCED);

  /** True where something changed since the last time; cheap. */
  heard(): boolean {
    return this.#socket.heard();
  }

  close(): void {
    this.#socket.close();
  }
}

/** The bridge that has both cards as ports, or null. One of them may be missing. */
export function readBridge(inside: string, outside: string): Bridge | null {
  const socket = new netlink.NetlinkSocket(netlink.NETLINK_ROUTE);
  try {
    const from = readPort(socket, { name: inside });
    const to = readPort(socket, { name: outside });
    if (from === null || to === null || !from.bridged || !to.bridged || from.master !== to.master) return null;
    const bridge = readPort(socket, { index: from.master });
    if (bridge === null) return null;
    const known = readNeighbours(socket, from.master);
    const unicast = known.filter(({ address }) => Math.floor(address / 2 ** 40) % 2 === 0);
    const pick = (which: (neighbour: Neighbour) => boolean): number[] =>
      [...new Set(unicast.filter(which).map(({ address }) => address))].sort((a, b) => a - b);
    return {
      name: bridge.name,
      own: pick(({ own }) => own),
      inside: pick(({ own, port }) => !own && port === from.index),
      outside: from.hairpin ? pick(({ own, port }) => !own && port === to.index) : [],
      elsewhere: pick(({ own, port }) => !own && port !== from.index && port !== to.index),
      hairpin: from.hairpin,
    };
  } finally {
    socket.close();
  }
}

function readPort(socket: netlink.NetlinkSocket, which: { name: string } | { index: number }): Port | null {
  const head = new Uint8Array(LINK_BYTES);
  if ("index" in which) head.set(netlink.u32(which.index), 4);
  const answer = socket.ask(
    netlink.message(
      { type: GET_LINK, flags: netlink.REQUEST | netlink.ACK, sequence: 1 },
      head,
      ...("name" in which ? [netlink.attribute(LINK_NAME, netlink.text(which.name))] : []),
    ),
  );
  const found = answer.messages.find(({ type }) => type === NEW_LINK);
  return found === undefined ? null : portOf(found.body);
}

/** The port of an RTM_NEWLINK. */
export function portOf(body: DataView): Port {
  const attributes = netlink.attributesOf(body, LINK_BYTES);
  const [name, master, info] = [LINK_NAME, LINK_MASTER, LINK_INFO].map((type) => attributes.get(type));
  const inner = info === undefined ? new Map<number, DataView>() : netlink.attributesOf(info, 0);
  const kind = inner.get(INFO_PORT_KIND);
  const port = inner.get(INFO_PORT);
  const bridged = kind !== undefined && netlink.readText(kind) === "bridge";
  return {
    index: netlink.readU32(body, 4),
    name: name === undefined ? "" : netlink.readText(name),
    master: master === undefined ? 0 : netlink.readU32(master),
    bridged,
    hairpin: bridged && port !== undefined && netlink.attributesOf(port, 0).get(PORT_HAIRPIN)?.getUint8(0) === 1,
  };
}

interface Neighbour {
  readonly address: number;
  /** Index of the port. */
  readonly port: number;
  /** Of this machine. */
  readonly own: boolean;
}

function readNeighbours(socket: netlink.NetlinkSocket, bridge: number): Neighbour[] {
  // The kernel takes the form of a link here since before it took any other (rtnl_fdb_dump).
  const head = new Uint8Array(LINK_BYTES);
  head[0] = FAMILY_BRIDGE;
  const answer = socket.ask(
    netlink.message(
      { type: GET_NEIGHBOURS, flags: netlink.REQUEST | netlink.DUMP, sequence: 2 },
      head,
      netlink.attribute(LINK_MASTER, netlink.u32(bridge)),
    ),
  );
  return answer.messages.filter(({ type }) => type === NEW_NEIGHBOUR).flatMap(({ body }) => neighbourOf(body) ?? []);
}

/** The Ethernet address of an RTM_NEWNEIGH and where it is, or null where it says none. */
export function neighbourOf(body: DataView): Neighbour | null {
  const address = netlink.attributesOf(body, NEIGHBOUR_BYTES).get(NEIGHBOUR_ADDRESS);
  if (address?.byteLength !== 6) return null;
  return {
    address: address.getUint16(0) * 2 ** 32 + address.getUint32(2),
    port: netlink.readU32(body, 4),
    own: (netlink.readU16(body, 8) & PERMANENT) !== 0,
  };
}
