import { Quote } from "../defense/pad/quote.js";
import { farIn } from "../packet/far-in.js";
import { UP, type Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import type { Prefixes } from "../wire/prefix.js";
import { ICMP, ICMPV6, protocolName, UDP } from "../wire/protocol.js";
import * as udp from "../wire/udp.js";
import { CaptureTail } from "./capture-tail.js";
import type { TunnelSeen } from "./report.js";

// Types of WireGuard's messages, the first byte of the datagram (whitepaper, 5.4).
const INITIATION = 1;
const RESPONSE = 2;
const COOKIE = 3;
const DATA = 4;
/** Data of no packet: header and tag alone. */
const KEEPALIVE = 32;
/** Who has nothing to send when the response comes confirms the new keys by an empty packet: the third of the handshake. In µs. */
const CONFIRMS = 100_000;
/** Leaks that are described. */
const STRAYS = 5;

export interface OuterOptions {
  /** Captures: between router and provider, and between box and router. */
  readonly files: { readonly wan: string; readonly lan: string };
  /** WireGuard's port at the far end. */
  readonly port: number;
  /** The device's MAC address, as a number. */
  readonly device: number;
  readonly local: Prefixes;
}

/** What an observer of a tunnel sees: sizes of WireGuard's packets, handshakes, and whatever went another way. Grows as the captures do. */
export class OuterView {
  readonly #options: OuterOptions;
  readonly #wan: CaptureTail;
  readonly #lan: CaptureTail;
  readonly #sizes = { up: new Map<number, number>(), down: new Map<number, number>() };
  #handshakes = 0;
  #keepalives = 0;
  #fragments = 0;
  #errors = 0;
  #respondedAt = -Infinity;
  #leaked = 0;
  readonly #quote = new Quote();
  readonly #strays: string[] = [];

  constructor(options: OuterOptions) {
    this.#options = options;
    this.#wan = new CaptureTail(options.files.wan);
    this.#lan = new CaptureTail(options.files.lan);
  }

  poll(): void {
    this.#wan.poll((packet, view, at) => {
      this.#beyond(packet, view, at);
    });
    this.#lan.poll((packet, view) => {
      if (this.#leaves(packet, view)) this.#leak(packet, view);
    });
  }

  close(): void {
    this.#wan.close();
    this.#lan.close();
  }

  seen(): TunnelSeen {
    return {
      sizes: { up: Object.fromEntries(this.#sizes.up), down: Object.fromEntries(this.#sizes.down) },
      handshake_packets: this.#handshakes,
      keepalives: this.#keepalives,
      fragments: this.#fragments,
      errors: this.#errors,
      leaked: this.#leaked,
      strays: this.#strays,
    };
  }

  /** Behind the router there is nobody but this household: whatever is not WireGuard is a leak. */
  #beyond(packet: Packet, view: DataView, at: Micros): void {
    if (packet.version === 0 || isNeighbour(packet)) return;
    const { port } = this.#options;
    if (packet.fragment) this.#fragments++;
    const up = packet.destinationPort === port;
    if (packet.protocol !== UDP || (!up && packet.sourcePort !== port)) {
      if (this.#isError(packet, view)) this.#errors++;
      else if (!packet.fragment) this.#leak(packet, view);
      return;
    }
    const bytes = packet.end - packet.payload;
    const type = bytes > 0 ? view.getUint8(packet.payload) : 0;
    const empty = type === DATA && packet.wireLength - (packet.payload - packet.at) === KEEPALIVE;
    if (type === RESPONSE) this.#respondedAt = at;
    if (type >= INITIATION && type <= COOKIE) this.#handshakes++;
    else if (empty && at - this.#respondedAt < CONFIRMS) this.#handshakes++;
    else if (empty) this.#keepalives++;
    else {
      const sizes = up ? this.#sizes.up : this.#sizes.down;
      sizes.set(packet.wireLength, (sizes.get(packet.wireLength) ?? 0) + 1);
    }
  }

  /** True for an error about WireGuard's own packets, as a host sends one while WireGuard restarts: it quotes what is encrypted. */
  #isError(packet: Packet, view: DataView): boolean {
    const quote = this.#quote;
    if (packet.protocol !== ICMP || !quote.read(packet, view) || quote.protocol !== UDP) return false;
    const { port } = this.#options;
    return udp.sourcePort(view, quote.transport) === port || udp.destinationPort(view, quote.transport) === port;
  }

  #leak({ version, network, protocol, wireLength }: Packet, view: DataView): void {
    this.#leaked++;
    if (this.#strays.length === STRAYS) return;
    const [from, to] =
      version === 4
        ? [ipv4.format(ipv4.source(view, network)), ipv4.format(ipv4.destination(view, network))]
        : [ipv6.format(view, network + ipv6.SOURCE), ipv6.format(view, network + ipv6.DESTINATION)];
    this.#strays.push(`${protocolName(protocol)} ${from} > ${to}, ${wireLength} bytes`);
  }

  /** True where the device's own packet goes beyond the local network, or asks a resolver there, which would ask on in the open. */
  #leaves(packet: Packet, view: DataView): boolean {
    const { device, local } = this.#options;
    if (ethernet.source(view, packet.at) !== device || packet.version === 0) return false;
    return packet.destinationPort === 53 || !farIn(packet, view, UP, local);
  }
}

/** Neighbours look for each other, and say which multicast they want. */
function isNeighbour({ version, protocol }: Packet): boolean {
  return version === 6 && protocol === ICMPV6;
}
