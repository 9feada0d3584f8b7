import { HashChains } from "../../flow/hash-chains.js";
import { halfSipHash } from "../../flow/half-sip-hash.js";
import { UseOrder } from "../../flow/use-order.js";
import { UP, type Packet } from "../../packet/packet.js";
import type { Random } from "../../random/random.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";

const WORDS = 5;
const NONE = -1;

/**
 * The remote hosts that devices talk to, each with a place: what is learned of a host (its path's MTU, which padding it takes) is kept by
 * that place elsewhere. Bounded; the host not used for longest makes room, and whoever keeps things by place sees it at the generation.
 */
export class Destinations {
  readonly capacity: number;
  readonly #key0: number;
  readonly #key1: number;
  readonly #chains: HashChains;
  readonly #order: UseOrder;
  /** Version, then the address; IPv4 in the first word. */
  readonly #words: Int32Array;
  readonly #wanted = new Int32Array(WORDS);
  readonly #generation: Uint32Array;
  #created = 0;

  constructor(capacity: number, modules: { random: Random }) {
    this.capacity = capacity;
    this.#key0 = modules.random.word();
    this.#key1 = modules.random.word();
    this.#chains = new HashChains(capacity);
    this.#order = new UseOrder(capacity);
    this.#words = new Int32Array(capacity * WORDS);
    this.#generation = new Uint32Array(capacity);
  }

  get size(): number {
    return this.#order.size;
  }

  /**
   * The place of the packet's remote host; made where a packet goes up to a new one. -1 for what is not IP, and on the way down for a host
   * that no device has sent to: strangers must not push known ones out.
   */
  of(packet: Packet, view: DataView): number {
    const { version, network, direction } = packet;
    if (version === 0) return NONE;
    const up = direction === UP;
    if (version === 4) this.#want4(view, network + (up ? ipv4.DESTINATION : ipv4.SOURCE));
    else this.#want6(view, network + (up ? ipv6.DESTINATION : ipv6.SOURCE));
    return this.#find(up);
  }

  /** The place of the host whose IPv4 address stands at `at`, found or made. */
  at4(view: DataView, at: number): number {
    this.#want4(view, at);
    return this.#find(true);
  }

  /** The place of the host whose IPv6 address stands at `at`, found or made. */
  at6(view: DataView, at: number): number {
    this.#want6(view, at);
    return this.#find(true);
  }

  /** The place of the host whose address stands at `at`, or -1 where it is not known. */
  known(view: DataView, at: number, version: 4 | 6): number {
    if (version === 4) this.#want4(view, at);
    else this.#want6(view, at);
    return this.#find(false);
  }

  /** The IP version of the host in a place. */
  version(place: number): 4 | 6 {
    return this.#words[place * WORDS] === 6 ? 6 : 4;
  }

  /** The place of the host with this address; -1 where it is none. */
  named(address: string): number {
    const view = new DataView(new ArrayBuffer(16));
    const four = ipv4.parse(address);
    if (four !== null) {
      view.setUint32(0, four);
      return this.at4(view, 0);
    }
    const six = ipv6.parse(address);
    if (six === null) return NONE;
    six.forEach((byte, i) => {
      view.setUint8(i, byte);
    });
    return this.at6(view, 0);
  }

  /** Another number for every host that has been in this place. Never 0. */
  generation(place: number): number {
    return this.#generation[place] ?? 0;
  }

  /** The host's address as text. */
  address(place: number): string {
    const view = new DataView(new ArrayBuffer(16));
    for (let i = 0; i < 4; i++) view.setInt32(4 * i, this.#words[place * WORDS + 1 + i] ?? 0);
    return this.#words[place * WORDS] === 4 ? ipv4.format(view.getUint32(0)) : ipv6.format(view, 0);
  }

  /** All places in use, last used first. */
  places(): number[] {
    const found: number[] = [];
    for (let place = this.#order.newest; place !== NONE; place = this.#order.before(place)) found.push(place);
    return found;
  }

  #want4(view: DataView, at: number): void {
    const wanted = this.#wanted;
    wanted[0] = 4;
    wanted[1] = view.getInt32(at);
    wanted[2] = wanted[3] = wanted[4] = 0;
  }

  #want6(view: DataView, at: number): void {
    const wanted = this.#wanted;
    wanted[0] = 6;
    for (let i = 0; i < 4; i++) wanted[i + 1] = view.getInt32(at + 4 * i);
  }

  #find(make: boolean): number {
    const newest = this.#order.newest;
    if (newest !== NONE && this.#matches(newest)) return newest;
    const hash = halfSipHash(this.#key0, this.#key1, this.#wanted, WORDS);
    let place = this.#chains.first(hash);
    while (place !== NONE && !this.#matches(place)) place = this.#chains.next(place);
    if (place !== NONE) this.#order.use(place);
    else if (make) place = this.#begin(hash);
    return place;
  }

  #matches(place: number): boolean {
    for (let i = 0; i < WORDS; i++) if (this.#words[place * WORDS + i] !== this.#wanted[i]) return false;
    return true;
  }

  #begin(hash: number): number {
    let place = this.#order.take();
    if (place === NONE) {
      const oldest = this.#order.oldest;
      this.#chains.remove(oldest);
      this.#order.release(oldest);
      place = this.#order.take();
    }
    for (let i = 0; i < WORDS; i++) this.#words[place * WORDS + i] = this.#wanted[i] ?? 0;
    this.#generation[place] = ++this.#created;
    this.#chains.add(place, hash);
    this.#order.use(place);
    return place;
  }
}
