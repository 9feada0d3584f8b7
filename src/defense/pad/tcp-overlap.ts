import { payloadLength } from "../../flow/tcp-flows.js";
import type { Packet } from "../../packet/packet.js";
import type { Micros } from "../../time/micros.js";
import { completeChecksum, transportValid } from "../../wire/checksum.js";
import { TCP } from "../../wire/protocol.js";
import { add, before, distance } from "../../wire/sequence.js";
import * as tcp from "../../wire/tcp.js";
import { PASS, type Verdict } from "../defense.js";
import type { PadOptions } from "../options.js";
import { isWhole, lengthen } from "./lengthen.js";
import type { Mechanism, MechanismModules } from "./mechanism.js";
import { TcpClean } from "./tcp-clean.js";
import * as mark from "./tcp-marks.js";
import { tcpRoom } from "./tcp-room.js";
import { WATCHED } from "./watched.js";

const LARGEST_URGENT = 0xffff;

/**
 * Segments begin with bytes that the flow has sent before: a receiver trims what it has (RFC 9293, 3.10.7.4) and takes the rest. What the
 * server may not have yet is repeated exactly; below what it has acknowledged anything does. The SYN, the acknowledgment that ends the
 * handshake, retransmissions and window probes stay as they are.
 */
export class TcpOverlap implements Mechanism {
  readonly name = "tcpOverlap";
  readonly #acks: boolean;
  readonly #filler: boolean;
  readonly #modules: MechanismModules;
  readonly #clean: TcpClean;

  constructor(options: PadOptions, modules: MechanismModules) {
    this.#acks = options.tcpAcks;
    this.#filler = options.tcpFiller;
    this.#modules = modules;
    this.#clean = new TcpClean(modules);
  }

  grow(packet: Packet, target: number, destination: number, now: Micros): void {
    const { pool, flows, memory, tcp: seen } = this.#modules;
    const { view } = pool;
    const { flow, transport: at } = packet;
    if (packet.protocol !== TCP || packet.fragment || flow === -1 || !tcp.fits(view, at, packet.end)) return;
    const flags = tcp.flags(view, at);
    const generation = flows.generation(flow);
    if ((flags & tcp.SYN) !== 0) this.#begin(packet, view, generation);
    if ((flags & (tcp.SYN | tcp.RST)) !== 0 || (flags & tcp.ACK) === 0) return;
    const whole = isWhole(packet);
    // What its receiver will not believe is neither learned nor made believable.
    if (whole && !transportValid(view, packet.version, packet.network, TCP, at, packet.end)) return;
    const sequence = tcp.sequence(view, at);
    const place = memory.place(flow, generation, sequence);
    const length = payloadLength(packet, view);
    const fin = (flags & tcp.FIN) !== 0;
    const pure = length === 0 && !fin;
    // An acknowledgment behind a FIN that the server may not have repeats the FIN with the bytes before it.
    const finAgain = pure && this.#finIsOut(flow, place, sequence);
    // A keep-alive repeats a byte at most (RFC 9293, 3.8.4): its answer comes for all that it may repeat as well.
    const keepAlive = pure && !finAgain && this.#isKeepAlive(flow, place, sequence);
    const from = add(sequence, finAgain ? -1 : keepAlive ? 1 : 0);
    let bytes: number;
    if (pure) {
      bytes = this.#ackRoom(packet, view, place, keepAlive ? from : sequence, from, target, destination, now);
    } else {
      bytes = this.#dataRoom(packet, view, place, sequence, target, destination, now);
      this.#learn(packet, place, sequence, length, fin, destination, now);
    }
    if (bytes > 0 && (flags & tcp.URG) !== 0 && tcp.urgent(view, at) + bytes > LARGEST_URGENT) bytes = 0;
    if (!pure || bytes === 0) this.#notePlain(view, at, place);
    if (bytes === 0) {
      if (length > 0 && memory.marks.isEarly(place) && sequence === add(seen.start(flow), 1))
        memory.marks.startAgain(place);
      return;
    }
    if (finAgain) tcp.setFlags(view, at, flags | tcp.FIN);
    this.#prepend(packet, view, place, from, bytes, whole);
    memory.marks.set(place, mark.PADDED);
    const end = add(sequence, length + (fin ? 1 : 0));
    const grown = packet.wireLength - (packet.network - packet.at);
    if (keepAlive) memory.marks.probe(place);
    else if (pure) memory.marks.owe(place, seen.received(flow) === seen.downNext(flow) ? now : 0, grown);
    else memory.marks.padded(place, sequence, end, grown);
  }

  clean(packet: Packet, destination: number, now: Micros): Verdict {
    const { pool, flows, memory } = this.#modules;
    const { flow } = packet;
    if (packet.protocol !== TCP || packet.fragment || flow === -1) return PASS;
    if (!tcp.fits(pool.view, packet.transport, packet.end)) return PASS;
    const place = memory.history.find(flow, flows.generation(flow));
    return place === -1 ? PASS : this.#clean.onPacket(packet, place, destination, now);
  }

  #begin(packet: Packet, view: DataView, generation: number): void {
    const { memory } = this.#modules;
    const { history, marks } = memory;
    const first = add(tcp.sequence(view, packet.transport), 1);
    let place = history.find(packet.flow, generation);
    const again = place !== -1 && history.base(place) === first && history.end(place) === first;
    if (!again) place = memory.restart(packet.flow, generation, first);
    // A second SYN, or one with data (RFC 7413): who knows which of them the server answers.
    if (again || payloadLength(packet, view) > 0) marks.set(place, mark.ODD_START);
  }

  /** Bytes that a segment with payload or FIN may get; it is not learned yet. */
  #dataRoom(
    packet: Packet,
    view: DataView,
    place: number,
    sequence: number,
    target: number,
    destination: number,
    now: Micros,
  ): number {
    const { memory, tcp: flows, trust } = this.#modules;
    const { marks } = memory;
    const { flow } = packet;
    // Sent again: if padding was why the first one did not arrive, this one does.
    if (before(sequence, flows.previousNext) || marks.has(place, mark.STALLED)) return 0;
    const room = tcpRoom(packet, view, target, flows);
    if (room === 0 || !trust.allows(destination, WATCHED.tcpOverlap, now)) return 0;
    const known = this.#known(place, sequence);
    if (known >= room) return room;
    if (flows.established(flow)) return this.#mayFill(flow, sequence, known) ? room : known;
    const early =
      this.#filler &&
      marks.has(place, mark.SHAKEN) &&
      !marks.has(place, mark.ODD_START) &&
      flows.sack(flow) &&
      flows.unacknowledged(flow) === add(sequence, -known) &&
      trust.allows(destination, WATCHED.tcpFiller, now);
    if (!early) return known;
    marks.startEarly(place, now);
    return room;
  }

  /** True where `sequence` stands right behind a FIN that was not acknowledged. */
  #finIsOut(flow: number, place: number, sequence: number): boolean {
    const { memory, tcp: flows } = this.#modules;
    return (
      memory.marks.has(place, mark.FINISHED) &&
      memory.history.end(place) === add(sequence, -1) &&
      before(flows.unacknowledged(flow), sequence)
    );
  }

  /** True for the question whether the other side is still there; asked again, it goes as it is. */
  #isKeepAlive(flow: number, place: number, sequence: number): boolean {
    const { memory, tcp: flows } = this.#modules;
    const { marks } = memory;
    const next = flows.next(flow);
    const idle = flows.unacknowledged(flow) === next && add(sequence, 1) === next;
    // To a window of nothing it asks for room.
    return idle && marks.has(place, mark.HEARD) && !marks.has(place, mark.PROBED) && (marks.lastWindow[place] ?? 0) > 0;
  }

  /** Bytes that an acknowledgment without payload may get before `from`. */
  #ackRoom(
    packet: Packet,
    view: DataView,
    place: number,
    sequence: number,
    from: number,
    target: number,
    destination: number,
    now: Micros,
  ): number {
    const { memory, tcp: flows, trust } = this.#modules;
    const { marks } = memory;
    const { flow } = packet;
    if (!flows.established(flow)) {
      if (sequence === add(flows.start(flow), 1)) marks.set(place, mark.SHAKEN);
      return 0;
    }
    // Window probes stand before what comes next.
    if (!this.#acks || !flows.sack(flow) || sequence !== flows.next(flow)) return 0;
    if (marks.has(place, mark.STALLED) || now < (marks.acksPlainUntil[place] ?? 0)) return 0;
    if (marks.has(place, mark.NEXT_ACK_PLAIN)) {
      marks.unset(place, mark.NEXT_ACK_PLAIN);
      return 0;
    }
    const room = tcpRoom(packet, view, target, flows);
    if (room === 0 || !trust.allows(destination, WATCHED.tcpOverlap, now)) return 0;
    if (!trust.allows(destination, WATCHED.tcpAcks, now)) return 0;
    const known = this.#known(place, from);
    return known >= room || this.#mayFill(flow, from, known) ? room : known;
  }

  #known(place: number, sequence: number): number {
    return this.#modules.memory.history.bytesBefore(place, sequence);
  }

  /** True where all that lies before the `known` bytes before `sequence` is acknowledged. */
  #mayFill(flow: number, sequence: number, known: number): boolean {
    return this.#filler && distance(add(sequence, -known), this.#modules.tcp.unacknowledged(flow)) >= 0;
  }

  #learn(
    packet: Packet,
    place: number,
    sequence: number,
    length: number,
    fin: boolean,
    destination: number,
    now: Micros,
  ): void {
    const { pool, memory, tcp: flows } = this.#modules;
    const { history, marks } = memory;
    const end = add(sequence, length + (fin ? 1 : 0));
    if (before(sequence, flows.previousNext)) {
      marks.repeated(place, sequence, end);
      if (marks.overlapsPadded(place, sequence, end)) this.#stalled(place, destination, now);
    }
    history.append(place, sequence, length, pool.bytes, packet.payload, packet.end - packet.payload);
    if (fin && history.end(place) === add(sequence, length)) marks.set(place, mark.FINISHED);
  }

  /** A padded segment was sent again: lost on its way, as others are, or because it was padded. */
  #stalled(place: number, destination: number, now: Micros): void {
    const { memory, paths, trust } = this.#modules;
    const { marks, peers } = memory;
    const bytes = marks.paddedBytes[place] ?? 0;
    // A router has said why, and what is padded from now on is shorter.
    if (bytes > paths.limit(destination, now)) {
      marks.forgetPadded(place);
      return;
    }
    trust.stalled(destination, WATCHED.tcpOverlap, bytes, now);
    const known = marks.has(place, mark.TAKEN) || peers.takesOverlap(destination);
    if (marks.stall(place) > 1 || !known) marks.set(place, mark.STALLED);
    // Whatever is acknowledged now may be what was sent again.
    marks.forgetPadded(place);
  }

  /** Notes what the server hears without having to read a padded acknowledgment. */
  #notePlain(view: DataView, at: number, place: number): void {
    const { marks } = this.#modules.memory;
    const stamps = tcp.timestamps(view, at);
    marks.plain(place, tcp.acknowledgment(view, at), stamps === -1 ? null : tcp.timestampValue(view, stamps));
  }

  #prepend(packet: Packet, view: DataView, place: number, sequence: number, bytes: number, whole: boolean): void {
    const { pool, memory } = this.#modules;
    const { version, network, transport: at, payload } = packet;
    const end = packet.end;
    lengthen(packet, view, bytes);
    tcp.setSequence(view, at, add(sequence, -bytes));
    if ((tcp.flags(view, at) & tcp.URG) !== 0) tcp.setUrgent(view, at, tcp.urgent(view, at) + bytes);
    if (!whole) return;
    pool.bytes.copyWithin(payload + bytes, payload, end);
    memory.history.copyBefore(place, sequence, bytes, pool.bytes, payload);
    completeChecksum(view, version, network, TCP, at, packet.end);
  }
}
