import * as netlink from "./netlink.js";

/** Messages of nf_tables for the bridge family (linux/netfilter/nf_tables.h), as many of them as hushbox needs. */

const SUBSYSTEM = 10;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const FAMILY_BRIDGE = 7;
const GENERIC = 4;

const NEW_TABLE = 0;
const GET_TABLE = 1;
const DELETE_TABLE = 2;
const NEW_CHAIN = 3;
const NEW_RULE = 6;
const NEW_SET = 9;
const NEW_ELEMENTS = 12;
const DELETE_ELEMENTS = 14;

const HOOK_FORWARD = 2;
/** NF_BR_PRI_FILTER_BRIDGED: what nft calls `filter` in the bridge family. */
const PRIORITY = -200;
const POLICY_ACCEPT = 1;
const SET_TIMEOUT = 0x10;
/** What nft calls the type `ether_addr`; the kernel keeps it for nft alone. */
const TYPE_ETHER = 9;
const NAME_BYTES = 16;
const REGISTER = 1;
const META_IN = 6;
const META_OUT = 7;

/** The table goes with the socket that made it, and nobody else may touch it (Linux 5.12). */
export const OWNER = 0x2;

function generic(resource = 0): Uint8Array {
  return Uint8Array.of(FAMILY_BRIDGE, 0, resource >> 8, resource & 0xff);
}

/** One step of a transaction: what to do, and the attributes that say to what. */
export interface Step {
  readonly type: number;
  readonly flags: number;
  readonly attributes: readonly Uint8Array[];
}

/** All steps or none. Step number `i` is answered under the sequence number `i + 1`. */
export function transaction(steps: readonly Step[]): Uint8Array {
  const edge = (type: number): Uint8Array =>
    netlink.message({ type, flags: netlink.REQUEST, sequence: 0 }, generic(SUBSYSTEM));
  const inner = steps.map(({ type, flags, attributes }, i) =>
    netlink.message(
      { type: (SUBSYSTEM << 8) | type, flags: netlink.REQUEST | flags, sequence: i + 1 },
      generic(),
      ...attributes,
    ),
  );
  return netlink.join(edge(BATCH_BEGIN), ...inner, edge(BATCH_END));
}

/** `only`: fails where there is one already. `comment` is what nft shows beside it. */
export function newTable(
  name: string,
  { flags = 0, only = false, comment = "" }: { flags?: number; only?: boolean; comment?: string } = {},
): Step {
  const note = netlink.text(comment);
  return {
    type: NEW_TABLE,
    flags: netlink.CREATE | (only ? netlink.EXCL : 0),
    attributes: [
      netlink.attribute(1, netlink.text(name)),
      netlink.attribute(2, netlink.be32(flags)),
      // libnftnl's form of user data: a type, a length, a value.
      ...(comment === "" ? [] : [netlink.attribute(6, Uint8Array.of(0, note.length, ...note))]),
    ],
  };
}

export function deleteTable(name: string): Step {
  return { type: DELETE_TABLE, flags: 0, attributes: [netlink.attribute(1, netlink.text(name))] };
}

/** A chain that sees what the bridge forwards from one port to another; what no rule drops passes. */
export function newForwardChain(table: string, name: string): Step {
  return {
    type: NEW_CHAIN,
    flags: netlink.CREATE,
    attributes: [
      netlink.attribute(1, netlink.text(table)),
      netlink.attribute(3, netlink.text(name)),
      netlink.nested(4, netlink.attribute(1, netlink.be32(HOOK_FORWARD)), netlink.attribute(2, netlink.be32(PRIORITY))),
      netlink.attribute(5, netlink.be32(POLICY_ACCEPT)),
      netlink.attribute(7, netlink.text("filter")),
    ],
  };
}

/** A set of Ethernet addresses; with a `timeout` (milliseconds) each leaves it by itself. */
export function newAddressSet(table: string, name: string, timeout: number | null): Step {
  return {
    type: NEW_SET,
    flags: netlink.CREATE,
    attributes: [
      netlink.attribute(1, netlink.text(table)),
      netlink.attribute(2, netlink.text(name)),
      netlink.attribute(3, netlink.be32(timeout === null ? 0 : SET_TIMEOUT)),
      netlink.attribute(4, netlink.be32(TYPE_ETHER)),
      netlink.attribute(5, netlink.be32(6)),
      netlink.attribute(10, netlink.be32(1)),
      ...(timeout === null ? [] : [netlink.attribute(11, netlink.be64(timeout))]),
    ],
  };
}

/** Empties a set. One that is empty already, or whose elements have all left, is no error. */
export function flushSet(table: string, set: string): Step {
  return {
    type: DELETE_ELEMENTS,
    flags: 0,
    attributes: [netlink.attribute(1, netlink.text(table)), netlink.attribute(2, netlink.text(set))],
  };
}

export function newAddresses(table: string, set: string, addresses: readonly number[]): Step {
  const elements = addresses.map((address) =>
    netlink.nested(1, netlink.nested(1, netlink.attribute(1, addressBytes(address)))),
  );
  return {
    type: NEW_ELEMENTS,
    flags: netlink.CREATE,
    attributes: [
      netlink.attribute(1, netlink.text(table)),
      netlink.attribute(2, netlink.text(set)),
      netlink.nested(3, ...elements),
    ],
  };
}

/** Which frames a rule drops. */
export interface Match {
  /** Names of the ports that a frame came in by, and would go out by; absent: any. */
  readonly from?: string;
  readonly to?: string;
  /** Which of a frame's addresses is in the set. */
  readonly address: "source" | "destination";
}

/** Drops and counts. */
export function newDropRule(table: string, chain: string, set: string, match: Match): Step {
  const expressions = [
    ...(match.from === undefined ? [] : isNamed(META_IN, match.from)),
    ...(match.to === undefined ? [] : isNamed(META_OUT, match.to)),
    expression(
      "payload",
      netlink.attribute(1, netlink.be32(REGISTER)),
      netlink.attribute(2, netlink.be32(0)),
      netlink.attribute(3, netlink.be32(match.address === "source" ? 6 : 0)),
      netlink.attribute(4, netlink.be32(6)),
    ),
    expression("lookup", netlink.attribute(1, netlink.text(set)), netlink.attribute(2, netlink.be32(REGISTER))),
    expression("counter"),
    expression(
      "immediate",
      netlink.attribute(1, netlink.be32(0)),
      netlink.nested(2, netlink.nested(2, netlink.attribute(1, netlink.be32(0)))),
    ),
  ];
  return {
    type: NEW_RULE,
    flags: netlink.CREATE | netlink.APPEND,
    attributes: [
      netlink.attribute(1, netlink.text(table)),
      netlink.attribute(2, netlink.text(chain)),
      netlink.nested(4, ...expressions),
    ],
  };
}

function isNamed(key: number, name: string): Uint8Array[] {
  const padded = new Uint8Array(NAME_BYTES);
  padded.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1));
  return [
    expression("meta", netlink.attribute(1, netlink.be32(REGISTER)), netlink.attribute(2, netlink.be32(key))),
    expression(
      "cmp",
      netlink.attribute(1, netlink.be32(REGISTER)),
      netlink.attribute(2, netlink.be32(0)),
      netlink.nested(3, netlink.attribute(1, padded)),
    ),
  ];
}

function expression(name: string, ...attributes: readonly Uint8Array[]): Uint8Array {
  return netlink.nested(1, netlink.attribute(1, netlink.text(name)), netlink.nested(2, ...attributes));
}

function addressBytes(address: number): Uint8Array {
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(address / 2 ** 32));
  view.setUint32(2, address % 2 ** 32);
  return bytes;
}

/** Asks for a table. */
export function getTable(name: string): Uint8Array {
  return netlink.message(
    { type: (SUBSYSTEM << 8) | GET_TABLE, flags: netlink.REQUEST | netlink.ACK, sequence: 1 },
    generic(),
    netlink.attribute(1, netlink.text(name)),
  );
}

/** What the kernel tells of a table. */
export interface TableFacts {
  /** A socket owns it. */
  readonly owned: boolean;
  readonly comment: string;
}

/** The table of an answer to `getTable`. */
export function tableOf(answer: netlink.Answer): TableFacts | null {
  const found = answer.messages.find(({ type }) => type === ((SUBSYSTEM << 8) | NEW_TABLE));
  if (found === undefined) return null;
  const attributes = netlink.attributesOf(found.body, GENERIC);
  const note = attributes.get(6);
  return {
    owned: ((attributes.get(2)?.getUint32(0) ?? 0) & OWNER) !== 0,
    comment:
      note === undefined || note.byteLength < 2
        ? ""
        : netlink.readText(new DataView(note.buffer, note.byteOffset + 2, note.byteLength - 2)),
  };
}
