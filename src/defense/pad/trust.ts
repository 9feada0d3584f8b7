import { after, earlier, seconds, type Micros } from "../../time/micros.js";
import { ICMP, ICMPV6, TCP } from "../../wire/protocol.js";
import { WATCHED_NAMES, type WatchedName } from "../options.js";
import type { Tally } from "../tally.js";
import { Answers, ANSWERED, LANES, REFUSED } from "./answers.js";
import type { Destinations } from "./destinations.js";
import { Known } from "./known.js";
import { SAFE_SIZE, type Paths } from "./paths.js";
import { REASONS, Verdicts, VERDICT_SPAN, type Reason, type Refusal } from "./verdicts.js";
import { WATCHED, type Watched } from "./watched.js";

const ICMP_LANE = 0;
const UDP_LANE = 1;
const TCP_LANE = 2;
const COUNT = WATCHED_NAMES.length;
/** A destination that took grown packets in this span needs more than one loss to be doubted. */
const PROOF_SPAN = seconds(3600);
/**
 * Evidence in a row, without an answered grown packet between, that switches off what was proven. Where 3 of 100 packets are lost by chance, 3
 * in a row are lost once in 37,000, which a device sends in a few days; 5 in a row once in 41 million.
 */
const PROVEN_MISSES = 5;
/** The same for TCP where nothing was proven: any segment may be lost. */
const UNPROVEN_STALLS = 2;
/** Retransmissions so close together are one loss: Linux waits no shorter before it retransmits by the clock. */
const EPISODE = 200e3;
/** A retransmission says nothing of padding where the destination is silent for so long after it: the way there was down. */
const STALE = seconds(5);

/** What Trust works with. */
export interface TrustModules {
  readonly destinations: Destinations;
  readonly paths: Paths;
  readonly tally: Tally;
}

/**
 * Which mechanisms each destination takes: all of them, until packets that were grown get no further where plain ones do. Their length is
 * doubted first: a path may be too narrow without a word, and then it is Paths that learns. Mechanisms ask before they grow a packet. `pad`
 * tells of every packet but TCP's mechanisms', which know themselves what was acknowledged. Nothing is held back: the first grown packets
 * are the probe.
 */
export class Trust {
  readonly #known: Known;
  readonly #paths: Paths;
  readonly #tally: Tally;
  readonly #verdicts: Verdicts;
  readonly #answers: Answers;
  /** By place, lane and mechanism: when a grown packet was answered last (0: never), and evidence since. */
  readonly #provenAt: Float64Array;
  readonly #misses: Uint8Array;
  /** TCP, by place: mechanisms, as bits, of segments that were retransmitted while the destination was not heard since. */
  readonly #doubted: Uint16Array;
  /** TCP, by place and mechanism: bytes of a segment that was retransmitted, until the destination is heard again; why; when; and when one counted last. */
  readonly #stalledBytes: Float64Array;
  readonly #stallReason: Uint8Array;
  readonly #stalledAt: Float64Array;
  readonly #missedAt: Float64Array;
  readonly #givenUp: readonly number[];
  readonly #learned: number;

  constructor({ destinations, paths, tally }: TrustModules) {
    const { capacity } = destinations;
    this.#known = new Known(destinations);
    this.#paths = paths;
    this.#tally = tally;
    this.#verdicts = new Verdicts(capacity);
    this.#answers = new Answers(capacity);
    this.#provenAt = new Float64Array(capacity * LANES * COUNT);
    this.#misses = new Uint8Array(capacity * LANES * COUNT);
    this.#doubted = new Uint16Array(capacity);
    this.#stalledBytes = new Float64Array(capacity * COUNT);
    this.#stallReason = new Uint8Array(capacity * COUNT);
    this.#stalledAt = new Float64Array(capacity * COUNT);
    this.#missedAt = new Float64Array(capacity * COUNT);
    this.#givenUp = WATCHED_NAMES.map((name) => tally.place(`given_up_${name}`));
    this.#learned = tally.place("paths_learned");
  }

  /** True where packets to the destination may be grown by the mechanism. `protocol`: only for a mechanism that grows several. */
  allows(destination: number, mechanism: Watched, now: Micros, protocol = -1): boolean {
    if (destination === -1) return false;
    if (!this.#known.has(destination)) return true;
    if (this.#verdicts.isOff(destination, mechanism, now)) return false;
    const lane = protocol === -1 ? (LANE_OF[mechanism] ?? UDP_LANE) : laneOf(protocol);
    if (this.#answers.wantsPlain(destination * LANES + lane, now)) return false;
    // Where nothing speaks for the mechanism yet, a doubt keeps all segments plain until the destination is heard.
    const doubted = this.#stalledBytes[destination * COUNT + mechanism] !== 0;
    return !doubted || this.#isProven(destination, TCP_LANE, mechanism, now);
  }

  /** A packet left grown, to an IP packet of so many bytes; not for segments that a TCP mechanism has grown. */
  grew(destination: number, mechanism: Watched, protocol: number, bytes: number, now: Micros): void {
    if (destination === -1) return;
    this.#know(destination);
    this.#answers.grew(destination * LANES + laneOf(protocol), mechanism, bytes, now);
  }

  /** A packet left as it was. */
  plain(destination: number, protocol: number, now: Micros): void {
    if (!this.#known.has(destination)) return;
    this.#answers.plain(destination * LANES + laneOf(protocol), now);
  }

  /** A packet came from the destination, after mechanisms have looked at it. */
  heard(destination: number, protocol: number, now: Micros): void {
    if (!this.#known.has(destination)) return;
    const lane = laneOf(protocol);
    const waiting = this.#answers.waiting(destination * LANES + lane);
    const bytes = this.#answers.bytes(destination * LANES + lane);
    const said = this.#answers.heard(destination * LANES + lane, now);
    if (said === ANSWERED) {
      for (let m = 0; m < COUNT; m++) if ((waiting & (1 << m)) !== 0) this.#prove(destination, lane, m, now);
      this.#paths.took(destination, Math.min(bytes, this.#paths.limit(destination, now)), now);
    } else if (said === REFUSED) this.#blame(destination, lane, waiting, bytes, now);
    if (lane === TCP_LANE && this.#doubted[destination] !== 0) this.#confirmStalls(destination, now);
  }

  /** A router has said that packets were too big: those that wait for an answer need none, and the next ones are shorter. */
  explained(destination: number, protocol: number, now: Micros): void {
    if (this.#known.has(destination)) this.#answers.excuse(destination * LANES + laneOf(protocol), now);
  }

  /** TCP: a segment that the mechanism has grown to an IP packet of so many bytes was acknowledged. */
  answered(destination: number, mechanism: Watched, bytes: number, now: Micros): void {
    if (destination === -1) return;
    this.#know(destination);
    this.#stalledBytes[destination * COUNT + mechanism] = 0;
    this.#prove(destination, TCP_LANE, mechanism, now);
    this.#paths.took(destination, bytes, now);
  }

  /**
   * TCP: the device has retransmitted a segment that the mechanism had grown to an IP packet of so many bytes. It counts once the destination
   * is heard: what is silent altogether has lost more than padding.
   */
  stalled(destination: number, mechanism: Watched, bytes: number, now: Micros, reason: Reason = "retransmitted"): void {
    if (destination === -1) return;
    this.#know(destination);
    const at = destination * COUNT + mechanism;
    if (this.#verdicts.isOff(destination, mechanism, now) || now - (this.#missedAt[at] ?? 0) < EPISODE) return;
    // It was on its way when a limit was found that it is above.
    if (bytes > this.#paths.limit(destination, now)) return;
    this.#stalledBytes[at] = Math.max(this.#stalledBytes[at] ?? 0, bytes);
    this.#stallReason[at] = REASONS.indexOf(reason);
    this.#stalledAt[at] = now;
    this.#doubted[destination] = (this.#doubted[destination] ?? 0) | (1 << mechanism);
  }

  /** What the destination does not take now. */
  refusals(destination: number, now: Micros): Refusal[] {
    if (!this.#known.has(destination)) return [];
    return WATCHED_NAMES.flatMap((mechanism, index) =>
      this.#verdicts.isOff(destination, index, now)
        ? {
            mechanism,
            reason: this.#verdicts.reason(destination, index),
            secondsLeft: (this.#verdicts.until(destination, index) - now) / 1e6,
          }
        : [],
    );
  }

  /** Takes over what an earlier run has found. */
  restore(destination: number, { mechanism, reason, secondsLeft }: Refusal, now: Micros): void {
    if (destination === -1) return;
    this.#know(destination);
    const span = earlier(seconds(secondsLeft), VERDICT_SPAN);
    this.#verdicts.add(destination, WATCHED[mechanism], reason, after(now, span));
    if (reason === "no answer") this.#paths.lower(destination, SAFE_SIZE, now, span);
  }

  /** Every mechanism is tried again with every destination. */
  forget(): void {
    this.#known.clear();
    this.#paths.forget();
  }

  /** TCP: the destination has shown beyond doubt that it does not take the mechanism. */
  refused(destination: number, mechanism: Watched, reason: Reason, now: Micros): void {
    if (destination === -1) return;
    this.#know(destination);
    this.#giveUp(destination, mechanism, reason, now);
  }

  #confirmStalls(destination: number, now: Micros): void {
    this.#doubted[destination] = 0;
    for (let m = 0; m < COUNT; m++) {
      const at = destination * COUNT + m;
      const bytes = this.#stalledBytes[at] ?? 0;
      if (bytes === 0) continue;
      this.#stalledBytes[at] = 0;
      if (now - (this.#stalledAt[at] ?? 0) > STALE) continue;
      this.#missedAt[at] = now;
      const misses = this.#miss(destination, TCP_LANE, m);
      if (this.#doubtsLength(destination, bytes, misses, now)) continue;
      const proven = this.#isProven(destination, TCP_LANE, m, now);
      if (misses >= (proven ? PROVEN_MISSES : UNPROVEN_STALLS))
        this.#giveUp(destination, m, REASONS[this.#stallReason[at] ?? 0] ?? "retransmitted", now);
    }
  }

  /**
   * True where it may be for their length that such packets were lost: a path too narrow for them is likelier than a host that does not take
   * what was done to them. Later ones are shorter, for `span` at least, and what happens to those counts.
   */
  #doubtsLength(destination: number, bytes: number, misses: number, now: Micros, span?: Micros): boolean {
    if (bytes <= SAFE_SIZE) return false;
    if (this.#paths.takes(destination, bytes, now) && misses < PROVEN_MISSES) return false;
    if (bytes <= this.#paths.limit(destination, now)) {
      this.#paths.lower(destination, SAFE_SIZE, now, span);
      this.#tally.add(this.#learned, 1);
    }
    return true;
  }

  /**
   * Plain packets are answered, grown ones were not. Of several mechanisms those are doubted first that nothing speaks for, one at a time.
   * What was found of a length holds as long as a verdict: of a QUIC connection that is under way nobody would notice that all is lost,
   * since a server that hears nothing sends again, which looks like an answer.
   */
  #blame(destination: number, lane: number, mechanisms: number, bytes: number, now: Micros): void {
    if (this.#doubtsLength(destination, bytes, 0, now, VERDICT_SPAN)) return;
    for (let m = COUNT - 1; m >= 0; m--) {
      if ((mechanisms & (1 << m)) === 0 || this.#isProven(destination, lane, m, now)) continue;
      this.#giveUp(destination, m, "no answer", now);
      return;
    }
    for (let m = 0; m < COUNT; m++) {
      if ((mechanisms & (1 << m)) === 0) continue;
      const misses = this.#miss(destination, lane, m);
      if (misses >= PROVEN_MISSES && !this.#doubtsLength(destination, bytes, misses, now, VERDICT_SPAN))
        this.#giveUp(destination, m, "no answer", now);
    }
  }

  #giveUp(destination: number, mechanism: number, reason: Reason, now: Micros): void {
    if (this.#verdicts.isOff(destination, mechanism, now)) return;
    this.#verdicts.add(destination, mechanism, reason, after(now, VERDICT_SPAN));
    this.#tally.add(this.#givenUp[mechanism] ?? 0, 1);
    // What is tried again in a day begins anew.
    for (let lane = 0; lane < LANES; lane++) this.#unprove((destination * LANES + lane) * COUNT + mechanism);
  }

  #prove(destination: number, lane: number, mechanism: number, now: Micros): void {
    const slot = (destination * LANES + lane) * COUNT + mechanism;
    this.#provenAt[slot] = Math.max(now, 1);
    this.#misses[slot] = 0;
  }

  #unprove(slot: number): void {
    this.#provenAt[slot] = 0;
    this.#misses[slot] = 0;
  }

  #isProven(destination: number, lane: number, mechanism: number, now: Micros): boolean {
    const at = this.#provenAt[(destination * LANES + lane) * COUNT + mechanism] ?? 0;
    return at !== 0 && now - at < PROOF_SPAN;
  }

  #miss(destination: number, lane: number, mechanism: number): number {
    const slot = (destination * LANES + lane) * COUNT + mechanism;
    const misses = Math.min((this.#misses[slot] ?? 0) + 1, 255);
    this.#misses[slot] = misses;
    return misses;
  }

  /** Forgets what was held against whoever was in the place before. */
  #know(destination: number): void {
    if (!this.#known.add(destination)) return;
    this.#verdicts.clear(destination);
    for (let lane = destination * LANES; lane < (destination + 1) * LANES; lane++) {
      this.#answers.clear(lane);
      for (let m = 0; m < COUNT; m++) this.#unprove(lane * COUNT + m);
    }
    this.#doubted[destination] = 0;
    this.#stalledBytes.fill(0, destination * COUNT, (destination + 1) * COUNT);
    this.#missedAt.fill(-Infinity, destination * COUNT, (destination + 1) * COUNT);
  }
}

/** The lane in which a mechanism's packets are answered. */
const LANE: Readonly<Record<WatchedName, number>> = {
  icmpEcho: ICMP_LANE,
  quicPrefix: UDP_LANE,
  udpSurplus: UDP_LANE,
  tcpOverlap: TCP_LANE,
  tcpReset: TCP_LANE,
  tcpAcks: TCP_LANE,
  tcpFiller: TCP_LANE,
  ipv6Options: UDP_LANE,
};
const LANE_OF: readonly number[] = WATCHED_NAMES.map((name) => LANE[name]);

function laneOf(protocol: number): number {
  return protocol === TCP ? TCP_LANE : protocol === ICMP || protocol === ICMPV6 ? ICMP_LANE : UDP_LANE;
}
