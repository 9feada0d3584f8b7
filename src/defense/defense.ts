import type { Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";

/** What a decoy looks like from outside. `traceroute` is a series of echo requests with rising TTL. */
export type DecoyKind = "tcp" | "udp" | "icmp" | "traceroute";

/** What a defense may ask of the datapath; the budget answers. */
export interface Asks {
  /**
   * Asks for one decoy to leave at `departAt`. `fresh`: on ports not used before; else on a tuple that an earlier decoy used.
   * Returns false where the budget or the lack of a destination refuses; that is counted there.
   */
  decoy(kind: DecoyKind, departAt: Micros, fresh: boolean): boolean;
  /** Decoys that the budget's rate would grant over a coming span: to spread what can be had, not what was wished for. */
  affordable(span: Micros): number;
  /** What the device's decoys may look like. */
  readonly kinds: readonly DecoyKind[];
}

/** The packet goes on. */
export const PASS = 0;
/** The packet ends here: it answers something that only hushbox sent. Only for packets on the way down. */
export const SWALLOW = 1;
export type Verdict = typeof PASS | typeof SWALLOW;

/** Decides; never sends, never reads a clock, never draws from Math.random. One per device, kept for as long as it is switched on. */
export interface Defense {
  readonly name: string;
  /**
   * Called for each packet of its device, in chain order: real ones of both directions, and decoys (`packet.kind`). May move `departAt`
   * of a real packet later, raise `pad`, rewrite bytes.
   */
  onPacket(packet: Packet, now: Micros): Verdict;
  /** Called for a decoy that it has just seen and that does not leave after all, since the budget refused it. */
  refused?(packet: Packet): void;
  /** When this defense next wants onTick, or NEVER. */
  wakeAt(): Micros;
  onTick(now: Micros, asks: Asks): void;
}
