import type { Packet } from "../../packet/packet.js";
import type { Micros } from "../../time/micros.js";
import * as icmpv6 from "../../wire/icmpv6.js";
import * as ipv6 from "../../wire/ipv6.js";
import { DESTINATION_OPTIONS, ICMPV6, TCP, UDP } from "../../wire/protocol.js";
import { isWhole, lengthen, missing } from "./lengthen.js";
import type { Mechanism, MechanismModules } from "./mechanism.js";
import { WATCHED } from "./watched.js";

/**
 * For experiments (RFC 4727, 3.6), so that no host knows it; its two highest bits say that who does not know it skips it (RFC 8200, 4.2).
 * PadN is known everywhere, and dropped where it is longer than 7 bytes (Linux: Ip6InHdrErrors).
 */
const OPTION = 0x1e;
/** Of an option: kind, length, and what the length can count. */
const LONGEST_OPTION = 2 + 255;
/** Extension headers are counted in units of 8 bytes, 256 at most: 8 options fill that, which is what Linux takes (`max_dst_opts_number`). */
const GRAIN = 8;
const LONGEST = 256 * GRAIN;

/**
 * A destination options header before the transport header of an IPv6 packet, filled with options that every host skips. For what nothing
 * else can fill: a SYN, the handshake's last ACK. Part of the Internet drops such packets (RFC 7872), so it must be asked for.
 */
export class Ipv6Options implements Mechanism {
  readonly name = "ipv6Options";
  readonly #modules: MechanismModules;

  constructor(modules: MechanismModules) {
    this.#modules = modules;
  }

  grow(packet: Packet, target: number, destination: number, now: Micros): void {
    const { pool, trust } = this.#modules;
    const { network, transport, end } = packet;
    if (!isPlain(packet, pool.view)) return;
    const bytes = Math.min(missing(packet, target), LONGEST) & -GRAIN;
    if (bytes < GRAIN || !trust.allows(destination, WATCHED.ipv6Options, now, packet.protocol)) return;
    const next = ipv6.nextHeader(pool.view, network);
    lengthen(packet, pool.view, bytes);
    pool.bytes.copyWithin(transport + bytes, transport, end);
    ipv6.setNextHeader(pool.view, network, DESTINATION_OPTIONS);
    writeHeader(pool, transport, next, bytes);
    packet.transport += bytes;
    packet.payload += bytes;
  }
}

/**
 * True for a transport header right behind the fixed one: no other extension header (hop-by-hop, fragment, what is authenticated), no
 * discovery of neighbours or listeners, no error, which has a size of its own (RFC 4443, 2.4).
 */
function isPlain(packet: Packet, view: DataView): boolean {
  const { version, network, transport, protocol } = packet;
  if (version !== 6 || packet.fragment || transport !== network + ipv6.HEADER || !isWhole(packet)) return false;
  if (protocol !== ICMPV6) return protocol === TCP || protocol === UDP;
  const type = icmpv6.type(view, transport);
  return type === icmpv6.ECHO_REQUEST || type === icmpv6.ECHO_REPLY;
}

/** Writes a destination options header of `bytes`, a multiple of 8. */
function writeHeader(pool: MechanismModules["pool"], at: number, next: number, bytes: number): void {
  pool.bytes.fill(0, at, at + bytes);
  pool.view.setUint8(at, next);
  pool.view.setUint8(at + 1, bytes / GRAIN - 1);
  for (let option = at + 2, left = bytes - 2; left > 0;) {
    let length = Math.min(left, LONGEST_OPTION);
    // One byte alone is no option of this kind.
    if (left - length === 1) length--;
    pool.view.setUint8(option, OPTION);
    pool.view.setUint8(option + 1, length - 2);
    option += length;
    left -= length;
  }
}
