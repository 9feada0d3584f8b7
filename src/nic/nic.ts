import type { Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import type { Bridge } from "./bridge.js";

/** What a card has counted since it was opened. Plain numbers, read by whoever wants to know. */
export interface NicCounters {
  /** Frames handed to us. */
  received: number;
  /** Frames the kernel or the file source dropped before we saw them (ring full). */
  dropped: number;
  /** Frames that found no free packet slot. */
  noSlot: number;
  /** Frames that arrived longer than a slot or the MTU allows: offloads on somewhere. */
  oversize: number;
  /** Frames whose transport checksum had been left to hardware. */
  partialChecksum: number;
  /** Frames sent. */
  sent: number;
  /** Frames that the card refused: too long, or the interface is down or gone. */
  refused: number;
  /** Times the interface went down or away. */
  downs: number;
}

/** Counters at zero. */
export function nicCounters(): NicCounters {
  return { received: 0, dropped: 0, noSlot: 0, oversize: 0, partialChecksum: 0, sent: 0, refused: 0, downs: 0 };
}

/** One side of the box: frames in, frames out. Never blocks. */
export interface Nic {
  /** The interface or file behind it, for messages. */
  readonly name: string;
  /** Largest network-layer packet, in bytes. */
  readonly mtu: number;
  /** Longest frame that it can send, in bytes; a longer one, or one cut on the way in to less than it was, is not passed on. */
  readonly longest: number;
  /** False while the interface is down or gone. */
  readonly up: boolean;
  readonly counters: NicCounters;
  /** Frames that `send` can take before the next turn. */
  readonly room: number;
  /** The next frame that has arrived, oldest first, or null. Sets slot bytes, `length`, `wireLength`, `arrivedAt`, `partialChecksum`. The caller owns the packet. */
  receive(): Packet | null;
  /** Takes the packet over: it leaves with `pad` zero bytes behind it at the next turn, at the latest, and goes back to the pool. */
  send(packet: Packet): void;
  close(): void;
}

/** Cards that are ports of a bridge of the kernel, and share its frames with it. */
export interface SharedCards {
  /**
   * Only frames of these devices (48-bit addresses) from now on; with a bridge, only those that it leaves to us. Where that one's inside port sends
   * frames back (`hairpin`), what stations there send to a device is among them.
   */
  filter(macs: readonly number[], bridge: Bridge | null): void;
  /** Gives back what came up to now: the kernel has forwarded it. How many frames that were, where the card knows. */
  discard(): number;
  /** Takes nothing any more that comes from now on. */
  finish(): void;
}

/** The two cards of the box and what makes time pass for both. */
export interface Cards {
  /** Toward the device. */
  readonly inside: Nic;
  /** Toward the world. */
  readonly outside: Nic;
  /**
   * Sends what was handed to `send`, gathers what has come, and waits, at most until `until`, while nothing has. Returns the time now.
   * Waking early is allowed. Virtual cards jump instead of waiting.
   */
  turn(until: Micros): Micros;
  /**
   * Sends what was handed to `send` now, before anything else is done, and returns the time then. Cards without it do that at the next turn:
   * later by whatever this turn still does.
   */
  flush?(): Micros;
  close(): void;
}
