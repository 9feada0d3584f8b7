import type { Packet } from "../../packet/packet.js";
import { after, seconds, type Micros } from "../../time/micros.js";
import * as icmp from "../../wire/icmp.js";
import * as icmpv6 from "../../wire/icmpv6.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../wire/protocol.js";

const CAPACITY = 4096;
const BUCKETS = 8192;
/** How long an answer may take: conntrack's own patience with an unanswered SYN is 120 s (nf_conntrack_tcp_timeout_syn_sent). */
const PATIENCE = seconds(120);

/**
 * The tuples of decoys sent lately, to know an answer to one when it comes back: TCP and UDP by both ports, echo by its identifier, ICMP
 * errors by the packet that they quote. Fixed size, oldest overwritten. A tuple that the device itself begins to use is struck out, so that
 * what was meant for the device always reaches it.
 */
export class Ledger {
  /** Words of an entry: remote address (4), protocol, the device's port or the identifier, the remote port. */
  readonly #words = new Uint32Array(CAPACITY * 7);
  readonly #until = new Float64Array(CAPACITY);
  readonly #bucket = new Int32Array(BUCKETS).fill(-1);
  readonly #next = new Int32Array(CAPACITY).fill(-1);
  readonly #used = new Uint8Array(CAPACITY);
  #cursor = 0;
  /** False until the first decoy: nothing to look up. */
  active = false;

  /** Notes a decoy to `remote` (16 bytes at `at` in `view`; IPv4 in the first four). */
  add(
    view: DataView,
    at: number,
    version: number,
    protocol: number,
    devicePort: number,
    remotePort: number,
    now: Micros,
  ): void {
    this.#load(view, at, version, protocol, devicePort, remotePort);
    let entry = this.#find();
    if (entry === -1) {
      entry = this.#cursor;
      this.#cursor = (entry + 1) % CAPACITY;
      if (this.#used[entry] === 1) this.#unlink(entry);
      for (let i = 0; i < 7; i++) this.#words[entry * 7 + i] = this.#key[i] ?? 0;
      const b = this.#hash();
      this.#next[entry] = this.#bucket[b] ?? -1;
      this.#bucket[b] = entry;
      this.#used[entry] = 1;
    }
    this.#until[entry] = after(now, PATIENCE);
    this.active = true;
  }

  /** True while a decoy's tuple is remembered and the device has not begun to use it. */
  has(view: DataView, at: number, version: number, protocol: number, devicePort: number, remotePort: number): boolean {
    this.#load(view, at, version, protocol, devicePort, remotePort);
    return this.#find() !== -1;
  }

  /** A real packet on its way up: its tuple is the device's own from now on. */
  claim(packet: Packet, view: DataView): void {
    const { version, network, protocol } = packet;
    if (protocol !== TCP && protocol !== UDP && protocol !== ICMP && protocol !== ICMPV6) return;
    const remote = version === 6 ? network + ipv6.DESTINATION : network + 16;
    const echo = protocol === ICMP || protocol === ICMPV6;
    const local = echo ? icmp.identifier(view, packet.transport) : packet.sourcePort;
    this.#load(view, remote, version, protocol, local, packet.destinationPort);
    const entry = this.#find();
    if (entry !== -1) this.#unlink(entry);
  }

  /** True where a packet on its way down answers a decoy and nothing else. */
  answers(packet: Packet, view: DataView, now: Micros): boolean {
    const { version, network, protocol, transport } = packet;
    if (protocol === TCP || protocol === UDP) {
      const remote = version === 6 ? network + ipv6.SOURCE : network + 12;
      return this.#known(view, remote, version, protocol, packet.destinationPort, packet.sourcePort, now);
    }
    if (protocol === ICMP) {
      const type = icmp.type(view, transport);
      if (type === icmp.ECHO_REPLY)
        return this.#known(view, network + 12, 4, ICMP, icmp.identifier(view, transport), 0, now);
      return icmp.isError(type) && this.#quotes4(view, icmp.quoted(transport), packet.end, now);
    }
    if (protocol === ICMPV6) {
      const type = icmpv6.type(view, transport);
      if (type === icmpv6.ECHO_REPLY)
        return this.#known(view, network + ipv6.SOURCE, 6, ICMPV6, icmpv6.identifier(view, transport), 0, now);
      return icmpv6.isError(type) && this.#quotes6(view, icmpv6.quoted(transport), packet.end, now);
    }
    return false;
  }

  #quotes4(view: DataView, at: number, end: number, now: Micros): boolean {
    if (at + ipv4.HEADER > end || ipv4.version(view, at) !== 4) return false;
    const transport = at + ipv4.headerLength(view, at);
    if (transport + 8 > end || ipv4.fragmentOffset(view, at) !== 0) return false;
    return this.#quoted(view, at + 16, 4, ipv4.protocol(view, at), transport, now);
  }

  #quotes6(view: DataView, at: number, end: number, now: Micros): boolean {
    const transport = at + ipv6.HEADER;
    if (transport + 8 > end || ipv6.version(view, at) !== 6) return false;
    return this.#quoted(view, at + ipv6.DESTINATION, 6, ipv6.nextHeader(view, at), transport, now);
  }

  #quoted(view: DataView, remote: number, version: number, protocol: number, transport: number, now: Micros): boolean {
    if (protocol === ICMP || protocol === ICMPV6)
      return this.#known(view, remote, version, protocol, icmp.identifier(view, transport), 0, now);
    if (protocol !== TCP && protocol !== UDP) return false;
    return this.#known(view, remote, version, protocol, view.getUint16(transport), view.getUint16(transport + 2), now);
  }

  #known(
    view: DataView,
    remote: number,
    version: number,
    protocol: number,
    devicePort: number,
    remotePort: number,
    now: Micros,
  ): boolean {
    this.#load(view, remote, version, protocol, devicePort, remotePort);
    const entry = this.#find();
    return entry !== -1 && (this.#until[entry] ?? 0) >= now;
  }

  readonly #key = new Uint32Array(7);

  #load(view: DataView, at: number, version: number, protocol: number, devicePort: number, remotePort: number): void {
    const key = this.#key;
    key[0] = view.getUint32(at);
    if (version === 6) {
      key[1] = view.getUint32(at + 4);
      key[2] = view.getUint32(at + 8);
      key[3] = view.getUint32(at + 12);
    } else {
      key[1] = key[2] = key[3] = 0;
    }
    key[4] = protocol;
    key[5] = devicePort;
    key[6] = remotePort;
  }

  #hash(): number {
    let h = 0;
    for (let i = 0; i < 7; i++) h = Math.imul(h ^ (this.#key[i] ?? 0), 0x9e3779b1) ^ (h >>> 15);
    return (h ^ (h >>> 16)) & (BUCKETS - 1);
  }

  #find(): number {
    let entry = this.#bucket[this.#hash()] ?? -1;
    while (entry !== -1) {
      let same = true;
      for (let i = 0; i < 7 && same; i++) same = this.#words[entry * 7 + i] === this.#key[i];
      if (same) return entry;
      entry = this.#next[entry] ?? -1;
    }
    return -1;
  }

  /** Takes an entry out of its bucket. Leaves `#key` as it is. */
  #unlink(entry: number): void {
    const wanted = this.#key.slice();
    for (let i = 0; i < 7; i++) this.#key[i] = this.#words[entry * 7 + i] ?? 0;
    const b = this.#hash();
    this.#key.set(wanted);
    let at = this.#bucket[b] ?? -1;
    if (at === entry) this.#bucket[b] = this.#next[entry] ?? -1;
    while (at !== -1 && at !== entry) {
      const next = this.#next[at] ?? -1;
      if (next === entry) this.#next[at] = this.#next[entry] ?? -1;
      at = next;
    }
    this.#used[entry] = 0;
  }
}
