import { createRequire } from "node:module";
import { join } from "node:path";
import { HushboxError } from "../errors/hushbox-error.js";

/** Byte offsets of the ring's control block, as native/ring.c lays it out. */
export interface RingLayout {
  readonly bytes: number;
  readonly portBytes: number;
  readonly rxBatch: number;
  readonly txBatch: number;
  readonly maxPad: number;
  readonly now: number;
  readonly until: number;
  readonly spin: number;
  readonly wall: number;
  readonly woken: number;
  readonly port: number;
  readonly bare_header: number;
  readonly received: number;
  readonly dropped: number;
  readonly sent: number;
  readonly refused: number;
  readonly downs: number;
  readonly state: number;
  readonly rx_count: number;
  readonly tx_count: number;
  readonly mtu: number;
  readonly tx_slot: number;
  readonly tx_length: number;
  readonly tx_pad: number;
  readonly rx_slot: number;
  readonly rx_length: number;
  readonly rx_wire: number;
  readonly rx_flags: number;
  readonly rx_at: number;
}

/** An open ring; only the addon looks inside. */
export type Ring = object & { readonly __ring: true };

/** What the kernel says of an interface, in the network namespace of this process. */
export interface InterfaceFacts {
  readonly index: number;
  readonly mtu: number;
  /** ARP hardware type (linux/if_arp.h); 1 is Ethernet, and what Wi-Fi in managed or access point mode shows too. */
  readonly type: number;
  /** Set up by the administrator. */
  readonly up: boolean;
  /** Has a carrier. */
  readonly running: boolean;
  /** `aa:bb:cc:dd:ee:ff`, lower case. */
  readonly mac: string;
}

/** The part of the native addon (native/offload.c) about interfaces. Failures are negative errno values. */
export interface InterfaceCalls {
  interfaceNames(): string[] | number;
  interfaceFacts(name: string): InterfaceFacts | number;
  /** Per feature name a sum of ACTIVE, REQUESTED, AVAILABLE, FIXED. */
  offloadRead(name: string): Readonly<Record<string, number>> | number;
  offloadSet(name: string, features: readonly string[], on: boolean): number;
}

/** The part of the native addon (native/netlink.c) about netlink sockets. */
export interface NetlinkCalls {
  netlinkOpen(protocol: number, groups: number): number;
  netlinkTalk(fd: number, request: Uint8Array, answer: Uint8Array): number;
  netlinkClose(fd: number): void;
}

/** The part of the native addon (native/keeper.c) about a socket in a thread of its own. */
export interface KeeperCalls {
  keeperOpen(protocol: number): number;
  keeperTalk(keeper: number, request: Uint8Array, answer: Uint8Array): number;
  keeperKeep(keeper: number, request: Uint8Array, keptAt: Float64Array, sure: number): void;
  keeperBeat(keeper: number): void;
  keeperClose(keeper: number): void;
}

/** The addon's functions; each is described at its definition under native/. */
export interface Native extends InterfaceCalls, NetlinkCalls, KeeperCalls {
  ringOpen(slots: ArrayBuffer, slotBytes: number, free: ArrayBufferLike, control: ArrayBuffer, wake: number): Ring;
  ringPort(ring: Ring, port: 0 | 1, name: string, slots: number, filter: Uint8Array): void;
  ringFilter(ring: Ring, port: 0 | 1, filter: Uint8Array): void;
  ringTurn(ring: Ring): void;
  ringFlush(ring: Ring): void;
  ringCheck(ring: Ring): void;
  ringDiscard(ring: Ring): number;
  ringClose(ring: Ring): void;
  readonly layout: RingLayout;
  notify(text: string): boolean;
  eventOpen(): number;
  eventWake(fd: number): void;
  eventClose(fd: number): void;
  threadPriority(priority: number): void;
  threadName(text: string): void;
}

let loaded: Native | undefined;

/** Node's names for machines of 32 bits that Debian has it for. */
const NARROW: readonly string[] = ["arm", "ia32"];

/** What is the matter with this kind of machine, or null. Counters that two threads share are written in one piece on 64 bits alone. */
export function tooNarrow(architecture: string): string | null {
  return NARROW.includes(architecture)
    ? `hushbox needs a 64-bit system, and this Node is for ${architecture}: a Raspberry Pi 3 or newer takes Raspberry Pi OS (64-bit)`
    : null;
}

/** What was compiled on this machine comes before what a package brought along. */
const FILES = ["ring.node", `ring-${process.arch}.node`];

/** The addon, loaded once a thread. Throws `native-missing` where none is for this machine. */
export function native(): Native {
  if (loaded !== undefined) return loaded;
  const narrow = tooNarrow(process.arch);
  if (narrow !== null) throw new HushboxError("native-missing", narrow);
  const load = createRequire(import.meta.url);
  let cause: unknown;
  for (const file of FILES) {
    try {
      loaded = load(`../../native/${file}`) as Native;
      return loaded;
    } catch (error) {
      // One that is there and does not load says more than one that is not there.
      if (cause === undefined || !isMissing(error)) cause = error;
    }
  }
  const folder = join(import.meta.dirname, "../../..");
  throw new HushboxError(
    "native-missing",
    `the packet ring (build/native/ring.node) is not compiled for this machine: run \`sh ${folder}/native/build\` (it needs gcc and libc6-dev), or set \`nic.card: libpcap\``,
    cause,
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND";
}
