import type { Packet, Direction } from "../../packet/packet.js";
import { UP } from "../../packet/packet.js";
import { dissect } from "../../packet/dissect.js";
import type { Pool } from "../../packet/pool.js";
import { noise } from "../../random/noise.js";
import type { Random } from "../../random/random.js";
import * as ethernet from "../../wire/ethernet.js";
import * as ipv4 from "../../wire/ipv4.js";
import { writeIpv4Header } from "../../wire/ipv4-header.js";
import { UDP } from "../../wire/protocol.js";
import * as udp from "../../wire/udp.js";

/** Both outer ends, of the ranges for documentation (RFC 5737): no capture has them, and no network at home. */
const BOX = ipv4.parse("192.0.2.10") ?? 0;
const PEER = ipv4.parse("198.51.100.20") ?? 0;
const BOX_MAC = 0x0268_6200_0001;
const ROUTER_MAC = 0x0268_6200_0002;
const BOX_PORT = 49_600;
const PEER_PORT = 51_820;

/** WireGuard's message types (WireGuard paper, 5.4). */
export const INITIATES = 1;
export const RESPONDS = 2;
export const DATA = 4;

/** Bytes of a frame that are written: all headers, and the beginning of what is sealed. The rest is as random. */
const KEPT = 32;

/** Frames between box and peer, as an observer finds them: one UDP flow with WireGuard in it. */
export class OuterFrames {
  readonly #pool: Pool;
  readonly #random: Random;
  readonly #packet: Packet;
  readonly #counters = [0, 0];
  readonly #indices: readonly [number, number];

  /** Takes one packet out of the pool, and keeps it. */
  constructor(packet: Packet, pool: Pool, random: Random) {
    this.#pool = pool;
    this.#random = random;
    this.#packet = packet;
    this.#indices = [random.word(), random.word()];
  }

  /** A frame whose IP packet has so many bytes. It is good until the next call. */
  frame(direction: Direction, type: number, ipBytes: number): Packet {
    const packet = this.#packet;
    const { view } = this.#pool;
    const { at } = packet;
    packet.clear();
    packet.direction = direction;
    const up = direction === UP;
    ethernet.setSource(view, at, up ? BOX_MAC : ROUTER_MAC);
    ethernet.setDestination(view, at, up ? ROUTER_MAC : BOX_MAC);
    ethernet.setType(view, at, ethernet.IPV4);
    const ip = at + ethernet.HEADER;
    writeIpv4Header(view, ip, ipBytes, UDP, 64, up ? BOX : PEER, up ? PEER : BOX, 0, false);
    const u = ip + ipv4.HEADER;
    udp.setSourcePort(view, u, up ? BOX_PORT : PEER_PORT);
    udp.setDestinationPort(view, u, up ? PEER_PORT : BOX_PORT);
    udp.setLength(view, u, ipBytes - ipv4.HEADER);
    udp.setChecksum(view, u, 0);
    const body = u + udp.HEADER;
    noise(view, body, body + KEPT, this.#random);
    view.setUint32(body, type << 24);
    if (type === DATA) {
      const counter = (this.#counters[direction] ?? 0) + 1;
      this.#counters[direction] = counter;
      view.setUint32(body + 4, this.#indices[direction]);
      view.setUint32(body + 8, counter, true);
      view.setUint32(body + 12, 0, true);
    }
    packet.length = body + KEPT - at;
    packet.wireLength = ethernet.HEADER + ipBytes;
    dissect(packet, view);
    return packet;
  }
}
