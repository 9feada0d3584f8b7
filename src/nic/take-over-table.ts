import { HushboxError } from "../errors/hushbox-error.js";
import { millis, type Micros } from "../time/micros.js";
import { native, type NetlinkCalls } from "./native.js";
import { NETLINK_NETFILTER, NetlinkSocket } from "./netlink.js";
import {
  deleteTable,
  flushSet,
  getTable,
  newAddresses,
  newAddressSet,
  newDropRule,
  newForwardChain,
  newTable,
  OWNER,
  tableOf,
  transaction,
  type Step,
  type TableFacts,
} from "./nf-tables.js";
import { refusal, taken } from "./nf-error.js";

const SET = "devices";
/** Those of them whose frames from the inside port back to it are ours too. */
const BETWEEN = "between";
const CHAIN = "take_over";
/** What a process that was killed leaves is removed with its socket, some milliseconds later: a new one tries again, in milliseconds. */
const TRIES = 20;
const TRY_EVERY = 50;

/** Between which ports the kernel leaves the frames of devices to us. */
export interface Ports {
  readonly inside: string;
  readonly outside: string;
}

/**
 * The table by which the kernel's bridge leaves the devices' frames to hushbox: what a device sends outside, all of it, and what comes from there
 * for it alone; where the inside port sends frames back, what goes between a device and another station there too. It belongs to a socket, so it goes
 * when the process does; and its addresses leave it after `LIFETIME` where nobody puts them in again, so that a process that hangs is passed by.
 * Frames between other ports, and the bridge's own, are not touched.
 */
export class TakeOverTable {
  static readonly NAME = "hushbox";
  /** Milliseconds after which the kernel forwards again where nothing is heard of us. */
  static readonly LIFETIME = 700;
  /** So long after it was kept the table surely holds, in microseconds: the kernel counts in ticks of up to 10 ms (CONFIG_HZ=100), and may begin within one. */
  static readonly SURE = millis(TakeOverTable.LIFETIME - 20);
  readonly #ports: Ports;
  readonly #keptAt = new Float64Array(1);
  #socket: NetlinkSocket | null = null;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /**
   * The kernel leaves the frames of these devices (48-bit addresses) to us from now on, and of those in `between` what goes from the inside port back
   * to it. Throws HushboxError: take-over, permission, host.
   */
  arm(devices: readonly number[], between: readonly number[]): void {
    this.disarm();
    const socket = new NetlinkSocket(NETLINK_NETFILTER, 0, keeper());
    try {
      const request = transaction(TakeOverTable.steps(this.#ports, devices, between));
      let at = monotonic();
      let answer = socket.ask(request);
      for (let i = 0; i < TRIES && taken(answer) && TakeOverTable.#at(socket)?.owned === true; i++) {
        sleep(TRY_EVERY);
        at = monotonic();
        answer = socket.ask(request);
      }
      if (answer.errno !== 0)
        throw refusal(
          `taking over from the bridge (nftables table bridge ${TakeOverTable.NAME})`,
          TakeOverTable.NAME,
          answer,
          () => TakeOverTable.#at(socket) !== null,
        );
      this.#keptAt[0] = at;
      native().keeperKeep(socket.number, keeping(devices, between), this.#keptAt, TakeOverTable.SURE);
    } catch (error) {
      socket.close();
      throw error;
    }
    this.#socket = socket;
  }

  /** The same for these devices from now on. False where the kernel did not take it. */
  change(devices: readonly number[], between: readonly number[]): boolean {
    if (this.#socket === null) return false;
    const request = keeping(devices, between);
    const at = monotonic();
    if (this.#socket.ask(request).errno !== 0) return false;
    this.#keptAt[0] = at;
    native().keeperKeep(this.#socket.number, request, this.#keptAt, TakeOverTable.SURE);
    return true;
  }

  /** The loop lives: the addresses stay for another `LIFETIME`, unless `SURE` has passed since the last time. Waits for nothing. */
  beat(): void {
    if (this.#socket !== null) native().keeperBeat(this.#socket.number);
  }

  /** When the addresses were last put in, by CLOCK_MONOTONIC. */
  get keptAt(): Micros {
    return (this.#keptAt[0] ?? 0) as Micros;
  }

  /** The kernel forwards again. Idempotent. */
  disarm(): void {
    // The socket takes 14 ms to close, and would take the table with it at some time within; removing it takes 0.1 ms.
    this.#socket?.ask(transaction([deleteTable(TakeOverTable.NAME)]));
    this.#socket?.close();
    this.#socket = null;
  }

  /** Tries with a table of another name, without effect on any frame. Throws as `arm`. */
  static probe(ports: Ports): void {
    const name = `${TakeOverTable.NAME}_check`;
    const socket = new NetlinkSocket(NETLINK_NETFILTER);
    try {
      const answer = socket.ask(transaction(TakeOverTable.steps(ports, [], [], name)));
      if (answer.errno !== 0)
        throw refusal(
          `trying a table of nftables for bridges`,
          name,
          answer,
          () => TakeOverTable.#at(socket, name) !== null,
        );
    } finally {
      socket.close();
    }
  }

  /** Whether there is such a table, and whether a process owns it; null where there is none. */
  static look(): TableFacts | null {
    const socket = new NetlinkSocket(NETLINK_NETFILTER);
    try {
      return TakeOverTable.#at(socket);
    } finally {
      socket.close();
    }
  }

  static #at(socket: NetlinkSocket, name = TakeOverTable.NAME): TableFacts | null {
    return tableOf(socket.ask(getTable(name)));
  }

  /** What makes the table, as steps of one transaction. */
  static steps(
    { inside, outside }: Ports,
    devices: readonly number[],
    between: readonly number[],
    name = TakeOverTable.NAME,
  ): Step[] {
    if (inside === outside) throw new HushboxError("internal", "a take-over stands between two ports");
    return [
      newTable(name, { flags: OWNER, only: true }),
      newForwardChain(name, CHAIN),
      newAddressSet(name, SET, TakeOverTable.LIFETIME),
      newAddressSet(name, BETWEEN, TakeOverTable.LIFETIME),
      ...(devices.length > 0 ? [newAddresses(name, SET, devices)] : []),
      ...(between.length > 0 ? [newAddresses(name, BETWEEN, between)] : []),
      newDropRule(name, CHAIN, SET, { from: inside, to: outside, address: "source" }),
      newDropRule(name, CHAIN, SET, { from: outside, to: inside, address: "destination" }),
      newDropRule(name, CHAIN, BETWEEN, { from: inside, to: inside, address: "source" }),
      newDropRule(name, CHAIN, BETWEEN, { from: inside, to: inside, address: "destination" }),
    ];
  }
}

/** The transaction that puts the addresses in again. */
function keeping(devices: readonly number[], between: readonly number[]): Uint8Array {
  const { NAME } = TakeOverTable;
  const steps: Step[] = [flushSet(NAME, SET), flushSet(NAME, BETWEEN)];
  if (devices.length > 0) steps.push(newAddresses(NAME, SET, devices));
  if (between.length > 0) steps.push(newAddresses(NAME, BETWEEN, between));
  return transaction(steps);
}

/** The addon's calls for a socket that a thread of its own keeps, so that it goes the moment the process is killed (native/keeper.c). */
function keeper(): NetlinkCalls {
  const addon = native();
  return {
    netlinkOpen: (protocol) => addon.keeperOpen(protocol),
    netlinkTalk: (socket, request, answer) => addon.keeperTalk(socket, request, answer),
    netlinkClose: (socket) => {
      addon.keeperClose(socket);
    },
  };
}

function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e3;
}

/** Blocks; only while starting. */
function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
