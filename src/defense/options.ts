import type { Micros } from "../time/micros.js";
import type { DecoyKind } from "./defense.js";

/** The ways to grow an IP packet, in the order in which they are asked. */
export const MECHANISM_NAMES = [
  "icmpEcho",
  "quicPrefix",
  "udpSurplus",
  "tcpOverlap",
  "tcpReset",
  "ipv6Options",
] as const;
export type MechanismName = (typeof MECHANISM_NAMES)[number];

/**
 * What a destination may refuse: each mechanism, and apart from data, acknowledgments in segments that repeat what is known, and filler
 * before it has shown itself.
 */
export const WATCHED_NAMES = [...MECHANISM_NAMES, "tcpAcks", "tcpFiller"] as const;
export type WatchedName = (typeof WATCHED_NAMES)[number];

/**
 * `pad` in numbers. `target`: `"mtu"`: the largest frame of the outside card; `"max"`: the running maximum of the device's frames; or bytes
 * of Ethernet frame. What routers see (all but the trailer) never exceeds the path's MTU.
 */
export interface PadOptions {
  readonly enabled: boolean;
  readonly target: "mtu" | "max" | number;
  /** Append zeros behind the IP packet, inside the Ethernet frame. */
  readonly trailer: boolean;
  /** The same toward the device, up to `target` and the inside card's largest frame. */
  readonly inside: boolean;
  /** Zeros behind a UDP datagram, inside the IP packet, with their own checksum (RFC 9868). */
  readonly udpSurplus: boolean;
  /** A packet that nobody can decrypt before a QUIC packet, in the same datagram. */
  readonly quicPrefix: boolean;
  /** TCP segments with payload or FIN begin with bytes that were sent before. */
  readonly tcpOverlap: boolean;
  /** So do acknowledgments without payload, where both sides know SACK and the remote side has shown that it is there. */
  readonly tcpAcks: boolean;
  /** Where nothing was sent before, random bytes below the first sequence number stand in. */
  readonly tcpFiller: boolean;
  /** Zeros in a RST. */
  readonly tcpReset: boolean;
  /** Zeros in echo requests; replies are cut back. */
  readonly icmpEcho: boolean;
  /** A destination options header of an unknown, skippable type. Some networks drop it: off unless asked for. */
  readonly ipv6Options: boolean;
  /** Lower the maximum segment size in SYNs to what padded segments leave room for. */
  readonly clampMss: boolean;
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

/** `window` in numbers. */
export interface WindowOptions {
  readonly enabled: boolean;
  /** Bytes; the device's windows are lowered to it, never raised. */
  readonly size: number;
}

/** `pace` in numbers. */
export interface PaceOptions {
  readonly enabled: boolean;
  /** Packets leave on a grid of this spacing, one at a time. */
  readonly interval: Micros;
  /** No packet is delayed for longer: what would be shares the last slot within it. */
  readonly maxDelay: Micros;
  /** A decoy is asked for where nothing has left for so long; 0 never. Bounds `max_diff_time`. */
  readonly maxGap: Micros;
}

/** What a tunnel may end at: any WireGuard peer, or another hushbox, with the same schedule for the way down. */
export const PEERS = ["stock", "hushbox"] as const;

/** `episode` in numbers: the schedule of a tunnel, which the room `tunnel` runs. */
export interface EpisodeOptions {
  readonly enabled: boolean;
  readonly peer: (typeof PEERS)[number];
  /** One endless episode: slots day and night. */
  readonly always: boolean;
  /** Bytes of the plaintext in every slot. */
  readonly size: number;
  /** Between two slots on the way up, and on the way down; at the beginning of a plan, for as long as `burst`, so many times less. */
  readonly up: Micros;
  readonly down: Micros;
  readonly burst: Micros;
  readonly faster: number;
  /** How long the shortest plan takes. */
  readonly duration: Micros;
  /** How many there are, each the shortest one twice as often as the one before. */
  readonly plans: number;
  /** Bytes that must wait for an episode to begin. */
  readonly demand: number;
  /** Between two slots while idle; 0: none, and what is less than a demand waits for the next episode. */
  readonly heartbeat: Micros;
  /** Whether the device's TCP keep-alives are answered here while they wait for a heartbeat. */
  readonly keepAlives: boolean;
  /** Whether episodes begin without a demand, too, as often as the month's budget allows. */
  readonly decoys: boolean;
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
  readonly pace: PaceOptions;
  readonly window: WindowOptions;
  readonly episode: EpisodeOptions;
}
