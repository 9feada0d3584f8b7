import type { Packet } from "../../packet/packet.js";
import { integer, type Random } from "../../random/random.js";
import type { Micros } from "../../time/micros.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../wire/protocol.js";
import * as tcp from "../../wire/tcp.js";
import type { DecoyKind } from "../defense.js";
import { PacketTooBig, type PacketTooBigModules } from "../pad/packet-too-big.js";
import { Quote } from "../pad/quote.js";
import type { Decoys } from "./decoys.js";
import { forge, forgedBytes, type Shape } from "./forge.js";
import { Ledger } from "./ledger.js";
import { REMOTE_ADDRESS, Remotes, VERSION } from "./remotes.js";

/** Tuples kept for decoys that are to add a packet but no port. */
const REUSED = 8;
/** IANA's dynamic ports (RFC 6335): where a device's own short-lived ports lie too. */
const DEVICE_PORTS = [49152, 65535] as const;
/** Above the well-known ports, so that a decoy that does reach a host (`hops` high) knocks at no service's door. */
const REMOTE_PORTS = [1024, 65535] as const;

/** A tuple that an earlier decoy used. */
interface Tuple {
  remote: number;
  devicePort: number;
  remotePort: number;
  sequence: number;
}

/**
 * Makes the decoys of one device and knows their answers. Lives as long as the device is configured, longer than any setting of the
 * `decoy` defense: answers come back after it was switched off.
 */
export class DecoySource implements Decoys {
  readonly #random: Random;
  readonly #destinations: PacketTooBigModules["destinations"];
  readonly #tooBig: PacketTooBig;
  readonly #quote = new Quote();
  readonly #remotes = new Remotes();
  readonly #ledger = new Ledger();
  readonly #tuples = { tcp: [] as Tuple[], udp: [] as Tuple[] };
  readonly #shape: Shape = { protocol: UDP, hops: 0, size: 0, devicePort: 0, remotePort: 0, sequence: 0, window: 0 };
  /** The window of the device's last segment: decoys leave the feature as it is, and none stands out by it. */
  #window = 14_600;
  #remote = -1;

  constructor(modules: PacketTooBigModules & { readonly random: Random }) {
    this.#random = modules.random;
    this.#destinations = modules.destinations;
    this.#tooBig = new PacketTooBig(modules);
  }

  /** A real packet of the device on its way beyond the local network. */
  sawUp(packet: Packet, view: DataView): void {
    if (packet.version === 0 || packet.protocol === -1) return;
    this.#remotes.learn(packet, view);
    if (packet.protocol === TCP) this.#note(packet, view);
    if (this.#ledger.active) this.#ledger.claim(packet, view);
  }

  /** True where a packet to the device answers one of its decoys: it must not reach the device. */
  answers(packet: Packet, view: DataView, now: Micros): boolean {
    if (!this.#ledger.active || packet.version === 0 || !this.#ledger.answers(packet, view, now)) return false;
    this.#learn(packet, view, now);
    return true;
  }

  /**
   * Chooses a decoy's shape. Answers its frame bytes, or -1 while the device has talked to nobody. `step`: which packet of a traceroute
   * series, from 1; the series keeps its identifier.
   */
  prepare(kind: DecoyKind, fresh: boolean, hops: number, size: number, step: number): number {
    const shape = this.#shape;
    shape.size = size;
    shape.window = this.#window;
    shape.hops = kind === "traceroute" ? step : hops;
    if (kind === "traceroute" && step > 1) {
      shape.remotePort = step;
    } else {
      this.#remote = this.#remotes.pick(this.#random);
      if (this.#remote === -1) return -1;
      if (kind === "tcp" || kind === "udp") this.#tuple(kind, fresh);
      else {
        shape.protocol = ICMP;
        shape.devicePort = this.#random.word() & 0xffff;
        shape.remotePort = 1;
      }
    }
    return forgedBytes(this.#remotes.view, this.#remote, shape);
  }

  /** Writes what `prepare` chose into a packet and remembers it, to know its answer. */
  make(packet: Packet, view: DataView, now: Micros): void {
    const shape = this.#shape;
    const entries = this.#remotes.view;
    forge(packet, view, entries, this.#remote, shape, this.#random);
    const version = entries.getUint8(this.#remote + VERSION);
    const echo = shape.protocol === ICMP;
    const protocol = echo && version === 6 ? ICMPV6 : shape.protocol;
    this.#ledger.add(
      entries,
      this.#remote + REMOTE_ADDRESS,
      version,
      protocol,
      shape.devicePort,
      echo ? 0 : shape.remotePort,
      now,
    );
  }

  /** What is too big of a decoy is too big of a padded packet. */
  #learn(packet: Packet, view: DataView, now: Micros): void {
    const quote = this.#quote;
    if (!quote.read(packet, view)) return;
    const mtu = this.#tooBig.mtu(packet, view, quote);
    if (mtu !== 0) this.#tooBig.learn(this.#destinations.known(view, quote.destination, quote.version), mtu, now);
  }

  #note(packet: Packet, view: DataView): void {
    const window = tcp.window(view, packet.transport);
    // The window of a SYN is not scaled, that of a RST means nothing, and none begins with one of zero.
    if (window > 0 && (tcp.flags(view, packet.transport) & (tcp.SYN | tcp.RST)) === 0) this.#window = window;
  }

  #tuple(kind: "tcp" | "udp", fresh: boolean): void {
    const shape = this.#shape;
    shape.protocol = kind === "tcp" ? TCP : UDP;
    const tuples = this.#tuples[kind];
    const old = fresh ? undefined : tuples[integer(this.#random, 0, REUSED - 1)];
    // A place in Remotes may hold another host by now, and the device may have begun to use the tuple: then it is no longer ours.
    if (old !== undefined && this.#ours(old, shape.protocol)) {
      this.#remote = old.remote;
      shape.devicePort = old.devicePort;
      shape.remotePort = old.remotePort;
      shape.sequence = old.sequence;
      return;
    }
    shape.devicePort = integer(this.#random, ...DEVICE_PORTS);
    shape.remotePort = integer(this.#random, ...REMOTE_PORTS);
    shape.sequence = this.#random.word();
    const tuple = {
      remote: this.#remote,
      devicePort: shape.devicePort,
      remotePort: shape.remotePort,
      sequence: shape.sequence,
    };
    if (tuples.length < REUSED) tuples.push(tuple);
    else tuples[integer(this.#random, 0, REUSED - 1)] = tuple;
  }

  #ours(tuple: Tuple, protocol: number): boolean {
    const entries = this.#remotes.view;
    const version = entries.getUint8(tuple.remote + VERSION);
    return this.#ledger.has(
      entries,
      tuple.remote + REMOTE_ADDRESS,
      version,
      protocol,
      tuple.devicePort,
      tuple.remotePort,
    );
  }
}
