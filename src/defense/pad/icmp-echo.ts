import { ipBytes } from "../../packet/ip-bytes.js";
import type { Packet } from "../../packet/packet.js";
import type { Micros } from "../../time/micros.js";
import { replaceWord, sum } from "../../wire/checksum.js";
import * as icmp from "../../wire/icmp.js";
import * as icmpv6 from "../../wire/icmpv6.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";
import { ICMP, ICMPV6 } from "../../wire/protocol.js";
import { PASS, type Verdict } from "../defense.js";
import { EchoTable } from "./echo-table.js";
import { isWhole, lengthen, missing } from "./lengthen.js";
import type { Mechanism, MechanismModules } from "./mechanism.js";
import { WATCHED } from "./watched.js";

/** 224.0.0.0/4 and above: groups and broadcast, whose replies come from other hosts than were asked. */
const FIRST_GROUP = 224;

/**
 * Zeros at the end of an echo request. The host sends them back (RFC 792; RFC 4443, 4.2), and the reply is cut to what the device sent.
 * Zeros change no Internet checksum; ICMPv6's covers the length too (RFC 4443, 2.3), which is replaced in it. So a checksum that was wrong
 * stays wrong.
 */
export class IcmpEcho implements Mechanism {
  readonly name = "icmpEcho";
  readonly #modules: MechanismModules;
  readonly #table = new EchoTable();
  readonly #trimmed: number;

  constructor(modules: MechanismModules) {
    this.#modules = modules;
    this.#trimmed = modules.tally.place("replies_trimmed");
  }

  grow(packet: Packet, target: number, destination: number, now: Micros): void {
    const { pool, trust } = this.#modules;
    if (packet.fragment || !isEcho(packet, pool.view, icmp.ECHO_REQUEST, icmpv6.ECHO_REQUEST)) return;
    const echo = pool.view.getUint32(packet.transport + 4);
    const host = this.#modules.destinations.generation(destination);
    const bytes = missing(packet, target);
    if (bytes <= 0 || toGroup(packet, pool.view) || !trust.allows(destination, WATCHED.icmpEcho, now)) {
      // The same identifier and number again, but as it is: its reply is to be left as it is too.
      const old = this.#table.find(host, echo, now);
      if (old !== -1) this.#table.forget(old);
      return;
    }
    const place = this.#table.add(host, echo, now);
    if (place === -1) return;
    const original = ipBytes(packet, pool.view);
    this.#table.set(place, original, original + bytes);
    const { end } = packet;
    changeLength(packet, pool.view, bytes);
    pool.bytes.fill(0, end, packet.end);
  }

  clean(packet: Packet, destination: number, now: Micros): Verdict {
    const { pool, destinations, paths, tally } = this.#modules;
    if (destination === -1 || !isEcho(packet, pool.view, icmp.ECHO_REPLY, icmpv6.ECHO_REPLY)) return PASS;
    const echo = pool.view.getUint32(packet.transport + 4);
    const place = this.#table.find(destinations.generation(destination), echo, now);
    if (place === -1) return PASS;
    this.#table.answer(place);
    if (packet.fragment) {
      // Its way back is narrower than its way there. What is in pieces cannot be cut; later ones shall come back in one.
      paths.lower(destination, ipBytes(packet, pool.view), now);
      return PASS;
    }
    if (ipBytes(packet, pool.view) !== this.#table.grown(place)) return PASS;
    const bytes = this.#table.original(place) - this.#table.grown(place);
    // What we sent were zeros. A host that answers otherwise shall be seen as it is.
    if (isWhole(packet) && sum(pool.view, packet.end + bytes, -bytes) !== 0) return PASS;
    changeLength(packet, pool.view, bytes);
    // Not padding of ours: the packet is what the device asked for.
    packet.added = 0;
    tally.add(this.#trimmed, 1);
    return PASS;
  }
}

/** True for a message, or its first fragment, of the type that its version has for it. */
function isEcho(packet: Packet, view: DataView, type4: number, type6: number): boolean {
  const { version, protocol, transport } = packet;
  const type = version === 4 && protocol === ICMP ? type4 : version === 6 && protocol === ICMPV6 ? type6 : -1;
  return type !== -1 && view.getUint16(transport) === type << 8;
}

function toGroup(packet: Packet, view: DataView): boolean {
  const at = packet.network + (packet.version === 4 ? ipv4.DESTINATION : ipv6.DESTINATION);
  return view.getUint8(at) >= (packet.version === 4 ? FIRST_GROUP : 0xff);
}

function changeLength(packet: Packet, view: DataView, bytes: number): void {
  const { version, network, transport } = packet;
  lengthen(packet, view, bytes);
  if (version !== 6) return;
  // The pseudo-header counts from here on: extension headers are no part of it (RFC 8200, 8.1).
  const length = ipv6.payloadLength(view, network) - (transport - network - ipv6.HEADER);
  replaceWord(view, transport + icmpv6.CHECKSUM, length - bytes, length);
}
