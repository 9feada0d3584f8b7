import type { Packet } from "../../packet/packet.js";
import type { Micros } from "../../time/micros.js";
import type { DecoyKind } from "../defense.js";

/** Makes the decoys of one device and knows what comes of them. */
export interface Decoys {
  /** A real packet of the device on its way beyond the local network. */
  sawUp(packet: Packet, view: DataView): void;
  /** True where a packet to the device is there because of a decoy: it must not reach the device. */
  answers(packet: Packet, view: DataView, now: Micros): boolean;
  /** Chooses a decoy's shape. Answers its frame bytes, or -1 where none can be made. `step`: which packet of a traceroute series, from 1. */
  prepare(kind: DecoyKind, fresh: boolean, hops: number, size: number, step: number): number;
  /** Writes what `prepare` chose into a free packet. */
  make(packet: Packet, view: DataView, now: Micros): void;
}
