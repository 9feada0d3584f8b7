import { farIn } from "../packet/far-in.js";
import { UP, type Packet } from "../packet/packet.js";
import * as icmp from "../wire/icmp.js";
import * as icmpv6 from "../wire/icmpv6.js";
import type { Prefixes } from "../wire/prefix.js";
import { ICMP, ICMPV6, TCP } from "../wire/protocol.js";
import * as tcp from "../wire/tcp.js";
import { hopsLeft } from "./observer.js";

/** No system is known that begins with fewer hops than 32; one router may have taken one. */
const LEAST = 31;
/** TCP fast open (RFC 7413, 4.1.1). */
const FAST_OPEN = 34;

/**
 * By what decoys, and what answers them, differ from a device's own packets: they die early, and a SYN among them carries payload without asking for a
 * fast open. How many hops the device itself begins with, its TCP connections tell: a segment behind the handshake is no decoy. Before the first
 * one, what has fewer than any system begins with is one. What stays in the house may have few hops for good reasons.
 *
 * A decoy with as many hops as the device's own packets (`decoy.hops: 64`) passes: only what comes back, or does not, would tell, and later.
 */
export class DecoySigns {
  readonly #local: Prefixes;
  /** By IP version. */
  #least4 = LEAST;
  #least6 = LEAST;

  constructor(local: Prefixes) {
    this.#local = local;
  }

  /** A dissected IP packet on its way up. */
  isDecoy(packet: Packet, view: DataView): boolean {
    const four = packet.version === 4;
    const hops = hopsLeft(packet, view);
    if (packet.protocol === TCP) {
      const flags = tcp.flags(view, packet.transport);
      if ((flags & tcp.SYN) === 0) {
        if (four) this.#least4 = hops;
        else this.#least6 = hops;
        return false;
      }
      if ((flags & tcp.ACK) === 0 && hasStrayPayload(packet, view)) return true;
    }
    return hops < (four ? this.#least4 : this.#least6) && !farIn(packet, view, UP, this.#local);
  }

  /** True for what a router says that a packet died at: no speaker asks for it. The packet is on its way down. */
  isAnswer({ protocol, transport }: Packet, view: DataView): boolean {
    if (protocol === ICMP) return icmp.type(view, transport) === icmp.TIME_EXCEEDED;
    return protocol === ICMPV6 && icmpv6.type(view, transport) === icmpv6.TIME_EXCEEDED;
  }
}

function hasStrayPayload(packet: Packet, view: DataView): boolean {
  const at = packet.transport;
  if (packet.fragment || !tcp.fits(view, at, packet.end)) return false;
  return packet.end > at + tcp.headerLength(view, at) && tcp.option(view, at, FAST_OPEN) === -1;
}
