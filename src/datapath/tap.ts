import type { Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";

/** Observation. One call each, nothing comes back; the packet must not be kept. */
export interface Tap {
  /** A frame as it came in, before any defense. */
  arrived(packet: Packet, now: Micros): void;
  /** A frame as it leaves, decoys too. */
  sent(packet: Packet, now: Micros): void;
}
