import { UP, type Packet } from "../packet/packet.js";
import type { Random } from "../random/random.js";
import type { Micros } from "../time/micros.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import type { FlowRecord } from "./flow-record.js";
import { halfSipHash } from "./half-sip-hash.js";
import { HashChains } from "./hash-chains.js";
import { UseOrder } from "./use-order.js";

export interface FlowTableOptions {
  /** Flows that are kept; the one idle for longest makes room for a new one. */
  readonly capacity: number;
  /** A flow without packets for longer than this is forgotten. */
  readonly idle: Micros;
}

/** Words of a key: device, version and protocol; ports; the first word of each address; for IPv6 the other three of each. */
const META = 0;
const PORTS = 1;
const DEVICE_ADDRESS = 2;
const REMOTE_ADDRESS = 3;
const DEVICE_REST = 4;
const REMOTE_REST = 7;
const KEY_4 = 4;
const KEY_6 = 10;

const NONE = -1;
/** No real META: versions are 4 and 6. */
const FREE = -1;
/** In META, for packets without a protocol. */
const NO_PROTOCOL = 0xff;
/** Flows that one look-up forgets at most, so that no packet pays for many. */
const EXPIRED_AT_ONCE = 8;

/**
 * A bounded table of flows: device, IP version, protocol, both addresses and both ports, where both directions are one flow. All of it lies
 * in typed arrays made once; the hash is keyed, so that nobody can force collisions.
 */
export class FlowTable {
  readonly #opts: FlowTableOptions;
  readonly #key0: number;
  readonly #key1: number;
  readonly #chains: HashChains;
  readonly #order: UseOrder;
  readonly #keys: Int32Array;
  readonly #wanted = new Int32Array(KEY_6);
  /** Two of each for a flow: up, down. */
  readonly #packets: Float64Array;
  readonly #bytes: Float64Array;
  readonly #first: Float64Array;
  readonly #last: Float64Array;
  readonly #generation: Uint32Array;

  /** Flows that were new. */
  created = 0;
  /** Flows forgotten because they were idle too long. */
  expired = 0;
  /** Flows forgotten because the table was full. */
  evicted = 0;

  constructor(opts: FlowTableOptions, modules: { random: Random }) {
    const { capacity } = opts;
    this.#opts = opts;
    this.#key0 = modules.random.word();
    this.#key1 = modules.random.word();
    this.#chains = new HashChains(capacity);
    this.#order = new UseOrder(capacity);
    this.#keys = new Int32Array(capacity * KEY_6).fill(FREE);
    this.#packets = new Float64Array(capacity * 2);
    this.#bytes = new Float64Array(capacity * 2);
    this.#first = new Float64Array(capacity);
    this.#last = new Float64Array(capacity);
    this.#generation = new Uint32Array(capacity);
  }

  /** Places for flows. */
  get capacity(): number {
    return this.#opts.capacity;
  }

  /** Flows in the table, those included that are idle too long but not forgotten yet. */
  get size(): number {
    return this.#order.size;
  }

  /** Finds the packet's flow or begins it, and counts the packet. Returns the flow's index, or -1 for what is not IP. */
  lookup(packet: Packet, view: DataView, now: Micros): number {
    if (packet.version === 0) return NONE;
    this.expire(now, EXPIRED_AT_ONCE);
    const words = this.#note(packet, view);
    let flow = this.#order.newest;
    // Packets come in trains: asking the flow used last first spares most of them the hash (test/bench/wire.ts).
    if (flow === NONE || !this.#matches(flow, words)) {
      const hash = halfSipHash(this.#key0, this.#key1, this.#wanted, words);
      flow = this.#chains.first(hash);
      while (flow !== NONE && !this.#matches(flow, words)) flow = this.#chains.next(flow);
      if (flow === NONE) flow = this.#begin(hash, now);
      if (flow === NONE) return NONE;
      this.#order.use(flow);
    }
    if (now - (this.#last[flow] ?? 0) > this.#opts.idle) {
      this.expired++;
      this.#reset(flow, now);
    }
    this.#last[flow] = now;
    const direction = flow * 2 + packet.direction;
    this.#packets[direction] = (this.#packets[direction] ?? 0) + 1;
    this.#bytes[direction] = (this.#bytes[direction] ?? 0) + packet.wireLength;
    return flow;
  }

  /**
   * The flow that a packet quoted in an ICMP error went up in, or -1. `deviceAt`, `remoteAt`: where its source and destination address
   * stand; `ports`: the device's in the high half, the remote one in the low. Finding is not using: nothing is counted.
   */
  find(
    device: number,
    version: 4 | 6,
    protocol: number,
    view: DataView,
    deviceAt: number,
    remoteAt: number,
    ports: number,
  ): number {
    const wanted = this.#wanted;
    wanted[META] = (device << 16) | (version << 8) | protocol;
    wanted[PORTS] = ports | 0;
    const words = this.#noteAddresses(version, view, deviceAt, remoteAt);
    let flow = this.#chains.first(halfSipHash(this.#key0, this.#key1, wanted, words));
    while (flow !== NONE && !this.#matches(flow, words)) flow = this.#chains.next(flow);
    return flow;
  }

  /** Forgets flows that are idle too long, at most `limit` of them, oldest first. */
  expire(now: Micros, limit = Number.POSITIVE_INFINITY): void {
    for (let n = 0; n < limit; n++) {
      const flow = this.#order.oldest;
      if (flow === NONE || now - (this.#last[flow] ?? 0) <= this.#opts.idle) return;
      this.expired++;
      this.#forget(flow);
    }
  }

  /** True where the device uses this port of its own in a flow of the protocol. Walks the table: for who makes decoys, not for each packet. */
  usesPort(device: number, protocol: number, devicePort: number): boolean {
    for (let at = 0; at < this.#keys.length; at += KEY_6) {
      const meta = this.#keys[at + META] ?? FREE;
      if (meta === FREE || meta >> 16 !== device || (meta & 0xff) !== protocol) continue;
      if ((this.#keys[at + PORTS] ?? 0) >>> 16 === devicePort) return true;
    }
    return false;
  }

  /**
   * Fills `into` with flows of the device whose remote addresses differ, last used first, and returns how many. `version` 0 takes both.
   * The flows are good until the next look-up.
   */
  remotes(device: number, version: 0 | 4 | 6, into: Int32Array): number {
    let found = 0;
    for (let flow = this.#order.newest; flow !== NONE && found < into.length; flow = this.#order.before(flow)) {
      const meta = this.#keys[flow * KEY_6 + META] ?? FREE;
      if (meta >> 16 !== device || (version !== 0 && ((meta >> 8) & 0xff) !== version)) continue;
      let seen = false;
      for (let i = 0; i < found && !seen; i++) seen = this.#sameRemote(flow, into[i] ?? NONE);
      if (!seen) into[found++] = flow;
    }
    return found;
  }

  /** Another number for every flow that has been in this place: who keeps things by a flow's index sees that it is a new one. Never 0. */
  generation(flow: number): number {
    return this.#generation[flow] ?? 0;
  }

  /** The IP version of a flow. */
  version(flow: number): 4 | 6 {
    return (((this.#keys[flow * KEY_6 + META] ?? 0) >> 8) & 0xff) === 4 ? 4 : 6;
  }

  /** Writes the remote address of a flow, 4 or 16 bytes. */
  copyRemote(flow: number, view: DataView, at: number): void {
    this.#copyAddress(flow, REMOTE_ADDRESS, REMOTE_REST, view, at);
  }

  /** Devices have other indices from now on: `indices[old]` is the new one, or -1 where the device and its flows are to be forgotten. */
  renumber(indices: readonly number[]): void {
    for (let flow = this.#order.newest; flow !== NONE;) {
      const before = this.#order.before(flow);
      const key = flow * KEY_6;
      const meta = this.#keys[key + META] ?? FREE;
      const device = indices[meta >> 16] ?? NONE;
      if (device === NONE) {
        this.#forget(flow);
      } else {
        this.#keys[key + META] = (device << 16) | (meta & 0xffff);
        const words = this.version(flow) === 4 ? KEY_4 : KEY_6;
        for (let i = 0; i < words; i++) this.#wanted[i] = this.#keys[key + i] ?? 0;
        this.#chains.remove(flow);
        this.#chains.add(flow, halfSipHash(this.#key0, this.#key1, this.#wanted, words));
      }
      flow = before;
    }
  }

  /** The flows, last used first, for people. */
  report(now: Micros): FlowRecord[] {
    this.expire(now);
    const records: FlowRecord[] = [];
    for (let flow = this.#order.newest; flow !== NONE; flow = this.#order.before(flow)) {
      records.push(this.#record(flow, now));
    }
    return records;
  }

  #record(flow: number, now: Micros): FlowRecord {
    const ports = this.#keys[flow * KEY_6 + PORTS] ?? 0;
    const meta = this.#keys[flow * KEY_6 + META] ?? 0;
    const protocol = meta & 0xff;
    return {
      device: meta >> 16,
      version: this.version(flow),
      protocol: protocol === NO_PROTOCOL ? -1 : protocol,
      deviceAddress: this.#formatAddress(flow, DEVICE_ADDRESS, DEVICE_REST),
      devicePort: ports >>> 16,
      remoteAddress: this.#formatAddress(flow, REMOTE_ADDRESS, REMOTE_REST),
      remotePort: ports & 0xffff,
      packetsUp: this.#packets[flow * 2] ?? 0,
      packetsDown: this.#packets[flow * 2 + 1] ?? 0,
      bytesUp: this.#bytes[flow * 2] ?? 0,
      bytesDown: this.#bytes[flow * 2 + 1] ?? 0,
      ageSeconds: (now - (this.#first[flow] ?? 0)) / 1e6,
      idleSeconds: (now - (this.#last[flow] ?? 0)) / 1e6,
    };
  }

  #formatAddress(flow: number, first: number, rest: number): string {
    const view = new DataView(new ArrayBuffer(16));
    this.#copyAddress(flow, first, rest, view, 0);
    return this.version(flow) === 4 ? ipv4.format(view.getUint32(0)) : ipv6.format(view, 0);
  }

  #copyAddress(flow: number, first: number, rest: number, view: DataView, at: number): void {
    const key = flow * KEY_6;
    view.setInt32(at, this.#keys[key + first] ?? 0);
    if (this.version(flow) === 4) return;
    for (let i = 0; i < 3; i++) view.setInt32(at + 4 + 4 * i, this.#keys[key + rest + i] ?? 0);
  }

  /** Notes the packet's key in `#wanted` and returns how many words it has. */
  #note(packet: Packet, view: DataView): number {
    const wanted = this.#wanted;
    const { network, version, sourcePort, destinationPort } = packet;
    const up = packet.direction === UP;
    const protocol = packet.protocol === -1 ? NO_PROTOCOL : packet.protocol;
    wanted[META] = (packet.device << 16) | (version << 8) | protocol;
    wanted[PORTS] = up ? (sourcePort << 16) | destinationPort : (destinationPort << 16) | sourcePort;
    const source = network + (version === 4 ? ipv4.SOURCE : ipv6.SOURCE);
    const destination = network + (version === 4 ? ipv4.DESTINATION : ipv6.DESTINATION);
    return this.#noteAddresses(version, view, up ? source : destination, up ? destination : source);
  }

  #noteAddresses(version: number, view: DataView, device: number, remote: number): number {
    const wanted = this.#wanted;
    wanted[DEVICE_ADDRESS] = view.getInt32(device);
    wanted[REMOTE_ADDRESS] = view.getInt32(remote);
    if (version === 4) return KEY_4;
    for (let i = 0; i < 3; i++) {
      wanted[DEVICE_REST + i] = view.getInt32(device + 4 + 4 * i);
      wanted[REMOTE_REST + i] = view.getInt32(remote + 4 + 4 * i);
    }
    return KEY_6;
  }

  #matches(flow: number, words: number): boolean {
    const key = flow * KEY_6;
    for (let i = 0; i < words; i++) if (this.#keys[key + i] !== this.#wanted[i]) return false;
    return true;
  }

  #sameRemote(a: number, b: number): boolean {
    const version = this.version(a);
    if (version !== this.version(b)) return false;
    const first = a * KEY_6;
    const second = b * KEY_6;
    if (this.#keys[first + REMOTE_ADDRESS] !== this.#keys[second + REMOTE_ADDRESS]) return false;
    for (let i = REMOTE_REST; version === 6 && i < KEY_6; i++) {
      if (this.#keys[first + i] !== this.#keys[second + i]) return false;
    }
    return true;
  }

  #begin(hash: number, now: Micros): number {
    let flow = this.#order.take();
    if (flow === NONE && this.#order.oldest !== NONE) {
      this.evicted++;
      this.#forget(this.#order.oldest);
      flow = this.#order.take();
    }
    if (flow === NONE) return NONE;
    const key = flow * KEY_6;
    for (let i = 0; i < KEY_6; i++) this.#keys[key + i] = this.#wanted[i] ?? 0;
    this.#chains.add(flow, hash);
    this.#last[flow] = now;
    this.#reset(flow, now);
    return flow;
  }

  #reset(flow: number, now: Micros): void {
    this.created++;
    this.#generation[flow] = this.created;
    this.#first[flow] = now;
    this.#packets[flow * 2] = this.#packets[flow * 2 + 1] = 0;
    this.#bytes[flow * 2] = this.#bytes[flow * 2 + 1] = 0;
  }

  #forget(flow: number): void {
    this.#chains.remove(flow);
    this.#order.release(flow);
    this.#keys[flow * KEY_6 + META] = FREE;
  }
}
