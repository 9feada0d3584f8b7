import { HushboxError } from "../../errors/hushbox-error.js";
import { DECOY, UP, type Packet } from "../../packet/packet.js";
import * as ethernet from "../../wire/ethernet.js";
import * as ipv4 from "../../wire/ipv4.js";
import { writeIpv4Header } from "../../wire/ipv4-header.js";
import * as ipv6 from "../../wire/ipv6.js";
import { parsePrefix, Prefixes, type Prefix } from "../../wire/prefix.js";
import { UDP } from "../../wire/protocol.js";
import * as udp from "../../wire/udp.js";
import type { DecoyKind } from "../defense.js";
import type { Tally } from "../tally.js";
import type { Decoys } from "./decoys.js";

/** Where decoys inside a tunnel come from and go to: two addresses of one IP version. */
export interface CoverOptions {
  /** One that the peer does not allow us, so that it drops the packet in silence once it has opened it. */
  readonly source: string;
  /** One that our own WireGuard sends to the peer (its AllowedIPs). */
  readonly destination: string;
}

/** Sources of decoys by default: kept for documentation (RFC 5737) and for discarding (RFC 6666), so that nobody is there. */
export const COVER_SOURCES = { 4: "192.0.2.1", 6: "100::1" } as const;

/** What comes out of a tunnel from these is a decoy of the far end, whose source our own WireGuard may have to allow. */
const FAR_DECOYS = ["192.0.2.0/24", "100::/64"];

/** Begins what decoys hold, with the version of what two hushboxes do with each other's packets; stock peers never see it. */
const MAGIC = 0x68757368; // "hush"
export const VERSION = 1;
const SIGN = 8;

/** RFC 863; nobody looks. */
const DISCARD_PORT = 9;
const HOPS = 64;

/**
 * Decoys inside a tunnel: outside all packets look the same, so that these need no shape, only a source by which the far end drops them
 * (measured: a stock peer counts 100 of 100 as received and answers none, padding.md A').
 */
export class CoverSource implements Decoys {
  readonly #source: Prefix;
  readonly #destination: Prefix;
  readonly #far: Prefixes;
  readonly #tally: Tally;
  readonly #ours: number;
  readonly #others: number;
  #bytes = 0;

  constructor({ source, destination }: CoverOptions, tally: Tally) {
    this.#tally = tally;
    this.#ours = tally.place("far_decoys");
    this.#others = tally.place("far_decoys_of_other_version");
    this.#source = address(source);
    this.#destination = address(destination);
    if (this.#source.version !== this.#destination.version)
      throw new HushboxError("config-invalid", `decoys from ${source} to ${destination}: not of one IP version`);
    this.#far = new Prefixes([...FAR_DECOYS, source]);
  }

  sawUp(): void {
    // Nothing is learned: where decoys go is fixed.
  }

  answers({ version, network, protocol, payload, end }: Packet, view: DataView): boolean {
    if (
      version === 4
        ? !this.#far.has4(ipv4.source(view, network))
        : version !== 6 || !this.#far.has6(view, network + ipv6.SOURCE)
    )
      return false;
    const signed = protocol === UDP && payload + SIGN <= end && view.getUint32(payload) === MAGIC;
    if (signed) this.#tally.add(view.getUint32(payload + 4) === VERSION ? this.#ours : this.#others, 1);
    return true;
  }

  prepare(_kind: DecoyKind, _fresh: boolean, _hops: number, size: number): number {
    const least = (this.#source.version === 6 ? ipv6.HEADER : ipv4.HEADER) + udp.HEADER + SIGN;
    this.#bytes = ethernet.HEADER + Math.max(least, size);
    return this.#bytes;
  }

  make(packet: Packet, view: DataView): void {
    const six = this.#source.version === 6;
    const network = packet.at + ethernet.HEADER;
    const end = packet.at + this.#bytes;
    const transport = network + (six ? ipv6.HEADER : ipv4.HEADER);
    packet.length = packet.wireLength = this.#bytes;
    packet.kind = DECOY;
    packet.direction = UP;
    // Zeros: what is inside is encrypted, and a slot may hold what somebody else has sent.
    for (let i = packet.at; i < end; i++) view.setUint8(i, 0);
    view.setUint16(network - 2, six ? ethernet.IPV6 : ethernet.IPV4);
    if (six) {
      ipv6.setVersion(view, network, 0, 0);
      ipv6.setPayloadLength(view, network, end - transport);
      ipv6.setNextHeader(view, network, UDP);
      ipv6.setHopLimit(view, network, HOPS);
      write(view, network + ipv6.SOURCE, this.#source);
      write(view, network + ipv6.DESTINATION, this.#destination);
    } else {
      writeIpv4Header(view, network, end - network, UDP, HOPS, number(this.#source), number(this.#destination));
    }
    udp.setSourcePort(view, transport, DISCARD_PORT);
    udp.setDestinationPort(view, transport, DISCARD_PORT);
    udp.setLength(view, transport, end - transport);
    view.setUint32(transport + udp.HEADER, MAGIC);
    view.setUint32(transport + udp.HEADER + 4, VERSION);
  }
}

function address(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new HushboxError("config-invalid", `decoys: "${text}" is no IP address`);
  return prefix;
}

/** An IPv4 address as a number. */
function number({ bytes }: Prefix): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

function write(view: DataView, at: number, { bytes }: Prefix): void {
  for (let i = 0; i < bytes.length; i++) view.setUint8(at + i, bytes[i] ?? 0);
}
