import { UP, type Direction } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";

/** Where the destination starts in `addresses`; the source starts at 0. */
export const DESTINATION = 16;

/**
 * One packet as one observer saw it. An observer fills the same object again and again: whoever wants to keep it copies it.
 */
export class Observation {
  at = 0 as Micros;
  direction: Direction = UP;
  /** Bytes of the frame as this observer sees it: with the trailer before the router, without it behind. */
  length = 0;
  /** 4, 6, or 0 where the frame is not IP. */
  version: 0 | 4 | 6 = 0;
  /** The IP protocol behind all extension headers, in later fragments too; -1 where the frame is not IP or is malformed. */
  protocol = -1;
  /** Source and destination address, 16 bytes each; IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). Zeros where the frame is not IP. */
  readonly addresses = new DataView(new ArrayBuffer(32));
  /** True where a TCP or UDP header was there to read. */
  hasPorts = false;
  /** TCP or UDP ports; 0 elsewhere. */
  sourcePort = 0;
  destinationPort = 0;
  /** The window field of the TCP header as it stands there; -1 where there is no TCP header. */
  rawWindow = -1;
  /** The window shifted by the scale of its handshake (RFC 7323, 2); the raw one where that was not seen. */
  scaledWindow = -1;
}

/** What takes a trace in, packet by packet. */
export interface TraceSink {
  /** The observation is the observer's own: it is not to be kept. */
  seen(observation: Observation): void;
}
