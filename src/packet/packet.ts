import type { Micros } from "../time/micros.js";

/** Device to world. */
export const UP = 0;
/** World to device. */
export const DOWN = 1;
export type Direction = typeof UP | typeof DOWN;

/** A packet that somebody meant to send. */
export const REAL = 0;
/** A packet with nothing in it for anyone. */
export const DECOY = 1;
export type Kind = typeof REAL | typeof DECOY;

/** Out by the other card. */
export const ACROSS = 0;
/** Out by the card that it came in by: it goes from one station behind the inside card to another. */
export const BACK = 1;
/** Out by the other card, and back out by its own: a group's, or a station's that nobody has seen yet. */
export const BOTH = 2;
export type Exit = typeof ACROSS | typeof BACK | typeof BOTH;

/** A slot's size in bytes: one Ethernet frame of MTU 1500 with two 802.1Q tags, and room to spare. */
export const SLOT_BYTES = 2048;

/**
 * A frame in a pool slot and what we know of it. Packets are made once with their pool and never again; whoever holds
 * one sends it or frees it. Offsets (`at`, `network`, `transport`, `payload`, `end`) are positions in the pool's one DataView.
 */
export class Packet {
  /** Index in the pool. */
  readonly slot: number;
  /** Where the frame starts. */
  readonly at: number;
  /** Bytes of the frame in the slot, without frame check sequence. */
  length = 0;
  /** Zero bytes that the card appends after `length` (the trailer); they lie in no slot. */
  pad = 0;
  /** Bytes of padding among `length` (and `wireLength`): what a defense put inside the frame. */
  added = 0;
  direction: Direction = UP;
  exit: Exit = ACROSS;
  kind: Kind = REAL;
  /** Index of the device in the configuration, or -1. */
  device = -1;
  /** True: the card handed us a frame whose transport checksum is still only the pseudo-header's sum. */
  partialChecksum = false;
  /** Bytes of the frame on the wire: more than `length` where a capture or a slot cut it. */
  wireLength = 0;
  /** When the card received it, or when it was made. */
  arrivedAt = 0 as Micros;
  /** When it is to leave. A defense may only move it later. */
  departAt = 0 as Micros;
  /** May pass delayed packets of its direction: traffic of the local network. */
  local = false;
  /** Of the local network, delayed or not: no router sees it. */
  home = false;

  // What dissect() found. All positions are inside [at, at + length].
  /** The EtherType behind any 802.1Q tags; an 802.3 length (< 1536) is kept as it is. */
  etherType = 0;
  /** 4, 6, or 0 where the frame holds no well-formed IP header. */
  version: 0 | 4 | 6 = 0;
  /** Start of what follows the Ethernet header and tags. */
  network = 0;
  /** End of the IP packet by its own length field: behind it lies only a trailer. For other frames `at + length`. */
  end = 0;
  /** The IP protocol of the transport header behind all extension headers, or -1 where there is none (no IP, later fragment, malformed). */
  protocol = -1;
  /** Start of the transport header; meaningful where `protocol` is not -1. */
  transport = 0;
  /** Start of the transport payload for TCP, UDP, ICMP and ICMPv6 whose headers fit; else equals `transport`. */
  payload = 0;
  /** TCP or UDP ports; 0 elsewhere. */
  sourcePort = 0;
  destinationPort = 0;
  /** True for any fragment, the first one too. */
  fragment = false;
  /** Index of the flow in the flow table, or -1. */
  flow = -1;

  constructor(slot: number) {
    this.slot = slot;
    this.at = slot * SLOT_BYTES;
  }

  /** Forgets all but the slot. */
  clear(): void {
    this.length = 0;
    this.pad = 0;
    this.added = 0;
    this.direction = UP;
    this.exit = ACROSS;
    this.kind = REAL;
    this.device = -1;
    this.partialChecksum = false;
    this.wireLength = 0;
    this.arrivedAt = 0 as Micros;
    this.departAt = 0 as Micros;
    this.local = false;
    this.home = false;
    this.flow = -1;
  }
}
