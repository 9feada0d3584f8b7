import type { Packet } from "../../packet/packet.js";
import type { Pool } from "../../packet/pool.js";
import * as ethernet from "../../wire/ethernet.js";
import * as ipv4 from "../../wire/ipv4.js";
import { writeIpv4Header } from "../../wire/ipv4-header.js";
import { NO_NEXT_HEADER, TCP } from "../../wire/protocol.js";

/** IP and TCP header: what each segment has of its own. */
const HEADERS = 40;
/** Behind the IPv4 header: the number of the packet (4 bytes), and which piece of how many it is (2 and 2). */
const LABEL = ipv4.HEADER;
const LEAST = LABEL + 8;

/** The IP bytes of the pieces that a packet becomes: all of one length but the last. Filled again and again. */
export interface Pieces {
  count: number;
  each: number;
  last: number;
}

/**
 * What the packets of a capture would have been had a smaller MSS been agreed on: TCP's larger segments are cut, and what is short of a full one goes with
 * the flow's next. Other packets are cut by themselves, as fragments.
 */
export class Cutter {
  readonly pieces: Pieces = { count: 1, each: 0, last: 0 };
  readonly #largest: number;
  readonly #segment: number;
  /** Bytes of each flow that wait for its next segment. */
  readonly #carried = new Map<string, number>();

  /** IP bytes: `largest` of any packet, `segment` of a TCP segment. */
  constructor(largest: number, segment: number) {
    this.#largest = largest;
    this.#segment = segment;
  }

  cut({ protocol, direction, sourcePort, destinationPort }: Packet, ipBytes: number): Pieces {
    const { pieces } = this;
    pieces.count = 1;
    pieces.each = pieces.last = Math.max(LEAST, ipBytes);
    if (protocol !== TCP) {
      if (ipBytes > this.#largest) this.#split(ipBytes - HEADERS, this.#largest - HEADERS, true);
      return pieces;
    }
    const key = `${String(direction)} ${String(sourcePort)} ${String(destinationPort)}`;
    const carried = this.#carried.get(key) ?? 0;
    const full = ipBytes > this.#segment;
    if (!full && carried === 0) return pieces;
    const left = this.#split(ipBytes - HEADERS + carried, this.#segment - HEADERS, !full);
    if (left > 0) this.#carried.set(key, left);
    else this.#carried.delete(key);
    return pieces;
  }

  /** Sets the pieces for so much payload; answers what is left of it, where only full ones go. */
  #split(payload: number, most: number, all: boolean): number {
    const { pieces } = this;
    pieces.count = Math.max(1, all ? Math.ceil(payload / most) : Math.floor(payload / most));
    pieces.each = most + HEADERS;
    const rest = payload - (pieces.count - 1) * most;
    pieces.last = Math.max(LEAST, Math.min(rest, most) + HEADERS);
    return Math.max(0, rest - most);
  }
}

/** Writes one of a packet's pieces as an IP packet of its length, whatever the capture kept of it. Answers its IP bytes. */
export function writePiece(packet: Packet, { view }: Pool, number: number, piece: number, pieces: Pieces): number {
  const at = packet.at + ethernet.HEADER;
  const length = piece < pieces.count - 1 ? pieces.each : pieces.last;
  // From nobody to nobody: only its length and its label are looked at.
  writeIpv4Header(view, at, length, NO_NEXT_HEADER, 64, 0, 0);
  view.setUint32(at + LABEL, number);
  view.setUint16(at + LABEL + 4, piece);
  view.setUint16(at + LABEL + 6, pieces.count);
  packet.network = at;
  packet.length = packet.wireLength = ethernet.HEADER + length;
  packet.end = at + length;
  return length;
}

/** The number of the packet of which a piece at `at` is the last one, or -1 where more follow. */
export function completes(view: DataView, at: number): number {
  return view.getUint16(at + LABEL + 4) + 1 === view.getUint16(at + LABEL + 6) ? view.getUint32(at + LABEL) : -1;
}
