import type { Micros } from "../time/micros.js";
import type { DecoyKind } from "./defense.js";

/** `pad` in numbers. `target`: `"mtu"`: the largest frame of the outside card; `"max"`: the running maximum of the device's frames; or bytes of Ethernet frame. */
export interface PadOptions {
  readonly enabled: boolean;
  readonly target: "mtu" | "max" | number;
  /** Append zeros behind the IP packet, inside the Ethernet frame. */
  readonly trailer: boolean;
}

/** `jitter` in numbers. */
export interface JitterOptions {
  readonly enabled: boolean;
  /** ν: the variance of the drawn scale, as a multiple of the running variance of `std_ipt`. */
  readonly variance: number;
  readonly window: Micros;
  readonly maxDelay: Micros;
}

/** `decoy` in numbers. */
export interface DecoyOptions {
  readonly enabled: boolean;
  /** ν: the variance of the drawn number, as a multiple of the running variance of the feature. */
  readonly variance: number;
  readonly window: Micros;
  readonly kinds: readonly DecoyKind[];
  /** TTL or hop limit of each decoy, and the length of a traceroute series; 64 reaches the real hosts. */
  readonly hops: number;
  /** Bytes of the decoy's IP packet before padding. */
  readonly size: number;
}

/** Bounds on decoys, in numbers. */
export interface BudgetOptions {
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Decoy bytes as a share of the device's real bytes, both counted since the start; 1 allows as many again. A floor of `burst` bytes is always allowed. */
  readonly share: number;
  /** Bytes a calendar month (UTC), over restarts. */
  readonly perMonth: number;
}

/** All defenses of one device. Adding a defense adds a line here. */
export interface DefenseOptions {
  readonly pad: PadOptions;
  readonly jitter: JitterOptions;
  readonly decoy: DecoyOptions;
}
