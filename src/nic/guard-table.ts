import { createHash } from "node:crypto";
import { NETLINK_NETFILTER, NetlinkSocket } from "./netlink.js";
import {
  deleteTable,
  getTable,
  newAddresses,
  newAddressSet,
  newDropRule,
  newForwardChain,
  newTable,
  tableOf,
  transaction,
  type Step,
} from "./nf-tables.js";
import { refusal } from "./nf-error.js";

const SET = "devices";
const CHAIN = "guard";
const ENOENT = 2;

/** What does not pass without hushbox. */
export interface Guarded {
  /** The port towards the router. */
  readonly outside: string;
  /** The port towards the devices, where it sends frames back (`isolate`): nothing of a device goes that way either. */
  readonly inside?: string;
  /** 48-bit addresses. */
  readonly devices: readonly number[];
}

/**
 * The table of `onFailure: closed`: whatever bridge the card outside is a port of forwards nothing that a device sends through it, and nothing for
 * the device alone that came from there, by whichever other port; with an inside port, nor what goes between a device and another station behind
 * that. It belongs to nobody and stays until it is removed, or the machine restarts.
 */
export class GuardTable {
  static readonly NAME = "hushbox_guard";

  /** Loads it, or puts this one in another's place without a gap. Throws HushboxError: take-over, permission, host. */
  load(guarded: Guarded): void {
    this.#ask((socket) => {
      const answer = socket.ask(transaction(GuardTable.steps(guarded)));
      if (answer.errno !== 0)
        throw refusal(
          "loading the guard (onFailure: closed)",
          GuardTable.NAME,
          answer,
          () => this.#at(socket) !== null,
        );
    });
  }

  /** False where there was none. Throws as `load`. */
  remove(): boolean {
    return this.#ask((socket) => {
      const answer = socket.ask(transaction([deleteTable(GuardTable.NAME)]));
      if (answer.errno !== 0 && answer.errno !== ENOENT)
        throw refusal("removing the guard (onFailure: open)", GuardTable.NAME, answer, () => this.#at(socket) !== null);
      return answer.errno === 0;
    });
  }

  /** Whether it is there, and made for these; null where there is none. */
  look(guarded: Guarded): "as wanted" | "another" | null {
    const found = this.#ask((socket) => this.#at(socket));
    if (found === null) return null;
    return found.comment === commentOf(guarded) ? "as wanted" : "another";
  }

  #at(socket: NetlinkSocket) {
    return tableOf(socket.ask(getTable(GuardTable.NAME)));
  }

  #ask<T>(what: (socket: NetlinkSocket) => T): T {
    const socket = new NetlinkSocket(NETLINK_NETFILTER);
    try {
      return what(socket);
    } finally {
      socket.close();
    }
  }

  /** What makes the table, as steps of one transaction: an old one goes in it. */
  static steps(guarded: Guarded): Step[] {
    const { NAME } = GuardTable;
    const { inside, outside, devices } = guarded;
    return [
      newTable(NAME),
      deleteTable(NAME),
      newTable(NAME, { comment: commentOf(guarded) }),
      newForwardChain(NAME, CHAIN),
      newAddressSet(NAME, SET, null),
      newAddresses(NAME, SET, devices),
      newDropRule(NAME, CHAIN, SET, { to: outside, address: "source" }),
      newDropRule(NAME, CHAIN, SET, { from: outside, address: "destination" }),
      ...(inside === undefined
        ? []
        : (["source", "destination"] as const).map((address) =>
            newDropRule(NAME, CHAIN, SET, { from: inside, to: inside, address }),
          )),
    ];
  }
}

/** By which a table is known again: what it was made for, short enough for nft's comment. */
function commentOf({ inside, outside, devices }: Guarded): string {
  const what = JSON.stringify([outside, [...devices].sort((a, b) => a - b), ...(inside === undefined ? [] : [inside])]);
  return `hushbox, onFailure: closed, ${createHash("sha256").update(what).digest("base64url").slice(0, 22)}`;
}
