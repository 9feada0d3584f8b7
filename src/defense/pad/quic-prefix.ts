import { UP, type Packet } from "../../packet/packet.js";
import { noise } from "../../random/noise.js";
import type { Micros } from "../../time/micros.js";
import { fold, sum } from "../../wire/checksum.js";
import { UDP } from "../../wire/protocol.js";
import * as quic from "../../wire/quic.js";
import * as udp from "../../wire/udp.js";
import { PASS, type Verdict } from "../defense.js";
import { isDatagram } from "./datagram.js";
import { isWhole, lengthen, missing } from "./lengthen.js";
import type { Mechanism, MechanismModules } from "./mechanism.js";
import { WATCHED } from "./watched.js";

const PORT = 443;
/** A long header without its connection IDs: first byte, version, two lengths of IDs, and a length in two bytes. */
const HEADER = 9;
/** Bytes behind the header without which receivers take a packet for malformed: packet number, a sample to unmask it, a tag (RFC 9001, 5.4.2). */
const SEALED_LEAST = 24;
/** A variable-length integer of two bytes (RFC 9000, 16). */
const TWO_BYTES = 0x4000;

/**
 * A 0-RTT packet of random bytes before a 1-RTT packet, in the same datagram, of a QUIC connection. Receivers take each packet of a datagram
 * for itself and drop what they cannot decrypt (RFC 9000, 12.2); the 1-RTT packet has no length of its own and so stands last. Both connection
 * IDs must be the connection's own: with another, ngtcp2 drops the whole datagram.
 */
export class QuicPrefix implements Mechanism {
  readonly name = "quicPrefix";
  readonly #modules: MechanismModules;

  constructor(modules: MechanismModules) {
    this.#modules = modules;
  }

  grow(packet: Packet, target: number, destination: number, now: Micros): void {
    if (!isQuic(packet)) return;
    const { flows, pool, quic: connections, random, trust } = this.#modules;
    const { view, bytes } = pool;
    const { flow, transport, payload, end } = packet;
    const generation = flows.generation(flow);
    connections.up(packet, view, generation);
    const version = connections.version(flow, generation);
    if (version === 0 || payload >= end || quic.isLong(view, payload)) return;
    const room = missing(packet, target);
    const client = connections.clientLength(flow);
    const server = connections.serverLength(flow);
    const header = HEADER + server + client;
    if (room < header + SEALED_LEAST || payload + 1 + server > end) return;
    // Of what a capture cut, the bytes that would move are not there.
    if (!isDatagram(packet, view) || !isWhole(packet) || !trust.allows(destination, WATCHED.quicPrefix, now)) return;
    const length = end - payload;
    const moved = sum(view, payload, length);
    lengthen(packet, view, room);
    bytes.copyWithin(payload + room, payload, payload + length);
    let at = payload;
    view.setUint8(at, quic.firstByte(version, quic.ZERO_RTT, random.word()));
    view.setUint32(at + 1, version);
    view.setUint8(at + 5, server);
    bytes.copyWithin(at + 6, payload + room + 1, payload + room + 1 + server);
    at += 6 + server;
    view.setUint8(at, client);
    connections.copyClient(flow, view, at + 1);
    at += 1 + client;
    view.setUint16(at, TWO_BYTES | (room - header));
    noise(view, at + 2, payload + room, random);
    udp.setLength(view, transport, udp.HEADER + room + length);
    correct(view, transport, room, moved);
  }

  clean(packet: Packet): Verdict {
    if (isQuic(packet)) {
      const { flows, pool, quic: connections } = this.#modules;
      connections.down(packet, pool.view, flows.generation(packet.flow));
    }
    return PASS;
  }
}

function isQuic(packet: Packet): boolean {
  if (packet.protocol !== UDP || packet.fragment || packet.flow === -1) return false;
  return (packet.direction === UP ? packet.destinationPort : packet.sourcePort) === PORT;
}

/**
 * Corrects the UDP checksum (RFC 1624) for `bytes` that were put before a payload whose sum was `moved`. One that was wrong stays wrong: who
 * reads it is to notice.
 */
function correct(view: DataView, transport: number, bytes: number, moved: number): void {
  const before = udp.checksum(view, transport);
  if (before === 0) return;
  // UDP's length counts twice: in its header and in the pseudo-header.
  let change = 2 * bytes + sum(view, transport + udp.HEADER, bytes);
  if ((bytes & 1) === 1) {
    // What moved by an odd number of bytes has its halves swapped (RFC 1071, 2B).
    const was = ~fold(moved) & 0xffff;
    change += (((was & 0xff) << 8) | (was >> 8)) + (~was & 0xffff);
  }
  const after = fold((~before & 0xffff) + change);
  udp.setChecksum(view, transport, after === 0 ? 0xffff : after);
}
