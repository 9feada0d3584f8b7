import { payloadLength } from "../../flow/tcp-flows.js";
import type { Packet } from "../../packet/packet.js";
import { fold, replaceWord, sum } from "../../wire/checksum.js";
import { NOP } from "../../wire/option-list.js";
import { add, before, distance } from "../../wire/sequence.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";
import * as tcp from "../../wire/tcp.js";
import { PASS, SWALLOW, type Verdict } from "../defense.js";
import { after, seconds, type Micros } from "../../time/micros.js";
import type { MechanismModules } from "./mechanism.js";
import * as mark from "./tcp-marks.js";
import { WATCHED } from "./watched.js";

/** Who does not hear an acknowledgment sends again sooner: a retransmission timeout starts at a second (RFC 6298, 2). */
const SILENCE = seconds(3);
/** For how long a flow's acknowledgments are plain then. A delay looks the same, and connections last for days; whether it happens again, the destination's watch sees. */
const PLAIN_SPAN = seconds(30);
/** How long after a padded segment its reset may still come. */
const LATE = seconds(1);
const BLOCK = 8;
const SACK_HEADER = 2;
/** Timestamps and two no-operations, as nearly every segment carries them. */
const STAMPS = 12;
/** Flags of an acknowledgment that says nothing else. */
const OTHER_FLAGS = tcp.SYN | tcp.FIN | tcp.RST | tcp.URG | tcp.ECE | tcp.CWR;

/** What a DSACK block turned out to be. */
const NO_DUPLICATE = 0;
const STRIPPED = 1;
const EARNED = 2;

/**
 * What comes back of padded segments. The server reports what it had twice (RFC 2883): such a report goes, unless the device has earned it by
 * a retransmission; an acknowledgment that says nothing but that is swallowed, at most one for each that was padded.
 */
export class TcpClean {
  readonly #modules: MechanismModules;
  readonly #stripped: number;
  readonly #swallowed: number;
  readonly #resets: number;

  constructor(modules: MechanismModules) {
    this.#modules = modules;
    this.#stripped = modules.tally.place("dsacks_stripped");
    this.#swallowed = modules.tally.place("acks_swallowed");
    this.#resets = modules.tally.place("resets_swallowed");
  }

  /** A TCP segment on its way down; its header fits. */
  onPacket(packet: Packet, place: number, destination: number, now: Micros): Verdict {
    const { pool, memory, paths, tcp: flows, tally } = this.#modules;
    const { marks } = memory;
    const { view } = pool;
    const { transport: at } = packet;
    const flags = tcp.flags(view, at);
    if ((flags & tcp.RST) !== 0) return this.#onReset(packet, view, place, flags, destination, now);
    if ((flags & tcp.SYN) !== 0) {
      // A window of nothing: a proxy shakes hands for a server that it has yet to ask.
      if (tcp.window(view, at) === 0) marks.set(place, mark.ODD_START);
      return PASS;
    }
    const length = payloadLength(packet, view);
    const window = tcp.window(view, at);
    const sameWindow = marks.has(place, mark.HEARD) && marks.lastWindow[place] === window;
    marks.lastWindow[place] = window;
    marks.set(place, mark.HEARD);
    const probed = marks.has(place, mark.PROBED);
    marks.unset(place, mark.PROBED);
    if (!marks.has(place, mark.PADDED)) return PASS;
    this.#watch(packet, view, place, length, destination, now);
    const sack = tcp.option(view, at, tcp.OPTION_SACK);
    const blocks = sack === -1 ? 0 : tcp.sackBlocks(view, at);
    if (blocks === 0) return PASS;
    const repeated = distance(tcp.sackLeft(view, sack, 0), tcp.sackRight(view, sack, 0));
    const found = this.#onDuplicate(packet, view, place, sack, blocks);
    if (found === NO_DUPLICATE) return PASS;
    const bytes = this.#bytesAround(repeated, packet, view, place);
    // Of an acknowledgment, it may be: that one arrives says nothing of data, which has more bytes behind those.
    if (probed || (marks.owed[place] ?? 0) > 0) {
      marks.set(place, mark.ACKS_ARRIVED);
      paths.took(destination, bytes, now);
    } else this.#arrived(place, destination, bytes, now);
    if (found === EARNED) return PASS;
    tally.add(this.#stripped, 1);
    const owed = marks.settle(place);
    if (!owed || blocks > 1 || length > 0 || (flags & OTHER_FLAGS) !== 0) return PASS;
    // To a window of nothing it may be the answer that a probe waits for.
    if (!sameWindow || window === 0 || tcp.acknowledgment(view, at) !== flows.previousUnacknowledged) return PASS;
    tally.add(this.#swallowed, 1);
    return SWALLOW;
  }

  /**
   * A server that keeps no state before the handshake ends (SYN cookies, RFC 4987, 3.6) and did not hear its end takes a padded segment for
   * nobody's, and so whatever follows it: its cookie fits only what begins where the connection does. The device did nothing to be reset for; what it sends
   * again goes as it is, and once its first byte has, a reset is an answer to that.
   */
  #onReset(packet: Packet, view: DataView, place: number, flags: number, destination: number, now: Micros): Verdict {
    const { memory, tcp: flows, tally, trust } = this.#modules;
    const { marks } = memory;
    const { flow, transport: at } = packet;
    const early = marks.early[place] ?? 0;
    if (!marks.isEarly(place)) return PASS;
    // One that the device would not take for its own needs no care.
    if (tcp.sequence(view, at) !== flows.received(flow)) return PASS;
    const bare = (flags & tcp.ACK) === 0;
    if (flows.established(flow)) {
      // The handshake's end was overtaken by a padded segment, and the answer to that by all that came after.
      if (early === 0 || !bare || !marks.has(place, mark.FIRST_AGAIN) || now - (marks.earlyAt[place] ?? 0) > LATE)
        return PASS;
    } else {
      const first = add(flows.start(flow), 1);
      const hears = !bare && before(first, tcp.acknowledgment(view, at));
      if (hears || flows.unacknowledged(flow) !== first) return PASS;
      marks.set(place, mark.ODD_START | mark.STALLED | mark.RESET_EARLY);
      trust.refused(destination, WATCHED.tcpFiller, "reset", now);
    }
    marks.early[place] = Math.max(0, early - 1);
    tally.add(this.#resets, 1);
    return SWALLOW;
  }

  /** Sees what the server makes of padded segments. */
  #watch(packet: Packet, view: DataView, place: number, length: number, destination: number, now: Micros): void {
    const { memory, tcp: flows, trust, paths } = this.#modules;
    const { marks, peers } = memory;
    const { flow, transport: at } = packet;
    const paddedBytes = marks.paddedBytes[place] ?? 0;
    const [from, to] = [marks.paddedFrom[place] ?? 0, marks.paddedTo[place] ?? 0];
    if (from !== to && !before(flows.unacknowledged(flow), to)) {
      marks.forgetPadded(place);
      this.#arrived(place, destination, paddedBytes, now);
    }
    // Padding has arrived in this flow before, and what was lost is mended: that the loss came from padding is for the destination's watch to find.
    if (marks.has(place, mark.STALLED | mark.TAKEN) && flows.unacknowledged(flow) === flows.next(flow))
      marks.unset(place, mark.STALLED);
    // What did not arrive was longer than what the path takes, as was found since.
    if (marks.has(place, mark.STALLED) && flows.established(flow) && paddedBytes > paths.limit(destination, now))
      marks.unset(place, mark.STALLED);
    if ((marks.owed[place] ?? 0) === 0 && !marks.has(place, mark.ACKS_PADDED)) return;
    const stamps = tcp.timestamps(view, at);
    if (stamps !== -1 && marks.has(place, mark.STAMPED) && !marks.has(place, mark.ACKS_READ)) {
      // It echoes the time of a padded acknowledgment and of nothing else: it has hardly dropped that one unread (RFC 7323, 4.3).
      if (before(marks.plainStamp[place] ?? 0, tcp.timestampEcho(view, stamps))) marks.set(place, mark.ACKS_READ);
    }
    const received = flows.received(flow);
    const sequence = tcp.sequence(view, at);
    const heardPlain = marks.has(place, mark.ACKED_PLAIN) && !before(marks.plainAck[place] ?? 0, received);
    if (!before(sequence, received)) {
      const since = marks.confirmedAt[place] ?? 0;
      if (length === 0 || since === 0) return;
      marks.confirmedAt[place] = 0;
      if (heardPlain || now - since < SILENCE) return;
      peers.proveAcks(destination);
      trust.answered(destination, WATCHED.tcpAcks, marks.ackBytes[place] ?? 0, now);
      return;
    }
    const again = length > 0 && !before(received, add(sequence, length));
    if (heardPlain && length > 0) return;
    // It sends what the device has acknowledged, or asks whether anybody is there: it is told so plainly, whatever it has shown.
    marks.confirmedAt[place] = 0;
    marks.set(place, mark.NEXT_ACK_PLAIN);
    if (again) this.#unheard(place, destination, stamps !== -1, now);
  }

  /**
   * The remote side sends again what padded acknowledgments have acknowledged. Where it has reported what they repeated, they have arrived
   * and were not read. Else they were lost: by chance, as others are; because they were too long for the path; or since they were padded.
   */
  #unheard(place: number, destination: number, stamped: boolean, now: Micros): void {
    const { memory, trust, paths } = this.#modules;
    const { marks, peers } = memory;
    const bytes = marks.ackBytes[place] ?? 0;
    if (bytes === 0) return;
    marks.ackBytes[place] = 0;
    const arrived = marks.has(place, mark.ACKS_ARRIVED);
    const tooLong = bytes > paths.limit(destination, now) || !paths.takes(destination, bytes, now);
    const reads = marks.has(place, mark.ACKS_READ) || peers.readsAcks(destination);
    if (!reads && (arrived || !tooLong)) marks.acksPlainUntil[place] = after(now, PLAIN_SPAN);
    // With timestamps it had the chance to show that it reads them.
    if (arrived && stamped && !reads) trust.refused(destination, WATCHED.tcpAcks, "acknowledgments ignored", now);
    else trust.stalled(destination, WATCHED.tcpAcks, bytes, now, arrived ? "acknowledgments ignored" : "no answer");
  }

  /** Bytes that the IP packet had at least which held what was reported twice. Reports of several packets may have become one. */
  #bytesAround(repeated: number, packet: Packet, view: DataView, place: number): number {
    const { marks } = this.#modules.memory;
    const stamps = tcp.timestamps(view, packet.transport) === -1 ? 0 : STAMPS;
    const bytes = packet.version === 4 ? ipv4.HEADER : ipv6.HEADER;
    return Math.min(
      repeated + bytes + tcp.HEADER + stamps,
      Math.max(marks.paddedBytes[place] ?? 0, marks.ackBytes[place] ?? 0),
    );
  }

  #arrived(place: number, destination: number, bytes: number, now: Micros): void {
    const { memory, trust } = this.#modules;
    const { marks, peers } = memory;
    trust.answered(destination, WATCHED.tcpOverlap, bytes, now);
    marks.taken(place);
    peers.proveOverlap(destination);
  }

  /** Takes a report of a duplicate out of the SACK option, or narrows it to what the device has earned. */
  #onDuplicate(packet: Packet, view: DataView, place: number, sack: number, blocks: number): number {
    const { transport: at } = packet;
    const left = tcp.sackLeft(view, sack, 0);
    const right = tcp.sackRight(view, sack, 0);
    const below = !before(tcp.acknowledgment(view, at), right);
    const inside =
      !below &&
      blocks > 1 &&
      !before(left, tcp.sackLeft(view, sack, 1)) &&
      !before(tcp.sackRight(view, sack, 1), right);
    if (!below && !inside) return NO_DUPLICATE;
    const options = at + tcp.HEADER;
    const length = tcp.headerLength(view, at) - tcp.HEADER;
    const before16 = ~fold(sum(view, options, length)) & 0xffff;
    const earned = this.#modules.memory.marks.takeRepeat(place, left, right, inside);
    if (earned !== -1) view.setUint32(sack + SACK_HEADER + 4, earned);
    else strip(view, sack, blocks);
    replaceWord(view, at + tcp.CHECKSUM, before16, ~fold(sum(view, options, length)) & 0xffff);
    return earned === -1 ? STRIPPED : EARNED;
  }
}

/** Takes the first block out of a SACK option; the room that it leaves becomes no-operations. */
function strip(view: DataView, sack: number, blocks: number): void {
  const last = SACK_HEADER + BLOCK * blocks;
  let from = 0;
  if (blocks > 1) {
    from = last - BLOCK;
    for (let i = SACK_HEADER; i < from; i++) view.setUint8(sack + i, view.getUint8(sack + i + BLOCK));
    view.setUint8(sack + 1, from);
  }
  for (let i = from; i < last; i++) view.setUint8(sack + i, NOP);
}
