import type { BudgetOptions, EpisodeOptions } from "../../defense/options.js";
import { CaptureReader } from "../../nic/capture-reader.js";
import { dissect } from "../../packet/dissect.js";
import { farIn } from "../../packet/far-in.js";
import { ipBytes } from "../../packet/ip-bytes.js";
import { DOWN, SLOT_BYTES, UP, type Direction, type Packet } from "../../packet/packet.js";
import { Pool } from "../../packet/pool.js";
import type { Random } from "../../random/random.js";
import { millis, NEVER, seconds, type Micros } from "../../time/micros.js";
import { FOREIGN, type DeviceSubject } from "../../trace/subject.js";
import * as carrier from "../../tunnel/carrier.js";
import { FarEnd } from "../../tunnel/far-end.js";
import { NearEnd } from "../../tunnel/near-end.js";
import { INITIATION, outerBytes, RESPONSE, sealedBytes } from "../../tunnel/outer-size.js";
import { largest, largestSegment } from "../../tunnel/plan.js";
import * as ipv4 from "../../wire/ipv4.js";
import type { Prefixes } from "../../wire/prefix.js";
import type { ObservedTraffic } from "../observed-traffic.js";
import { Quantiles } from "../quantiles.js";
import { Fifo } from "./fifo.js";
import { FirstAudio } from "./first-audio.js";
import { Handshakes } from "./handshakes.js";
import { DATA, INITIATES, OuterFrames, RESPONDS } from "./outer-frames.js";
import { completes, Cutter, writePiece, type Pieces } from "./pieces.js";

/** From box to peer and back, each way. It lies on the way to every server. */
const PATH = millis(10);
/** What comes down within so long after the device sent something answers it: as much later as that left. */
const ANSWERS = seconds(1);
/** Packets that may wait at either end. More than a box has: nobody in the lab slows down for a full queue. */
const QUEUE = 16_384;
const WORKING = 512;
/** Where carriers go inside the tunnel (RFC 6598's range). */
const NEAR = ipv4.parse("100.64.0.2") ?? 0;
const FAR = ipv4.parse("100.64.0.1") ?? 0;
/** What a stock peer does not let the box have as a source. */
const NOBODY = ipv4.parse("192.0.2.1") ?? 0;

/** What a run is made of. */
export interface TunnelRunOptions {
  readonly input: string;
  readonly episode: EpisodeOptions;
  readonly budget: BudgetOptions;
  /** How long the observer looks, from the capture's first packet on; NEVER: until everything has left. */
  readonly span: Micros;
  /** Only the first stretch is observed: from when an episode has begun, both ways, until none follows. */
  readonly stretch: boolean;
}

/** What it works with. `traffic` watches the pool. */
export interface TunnelRunModules {
  readonly pool: Pool;
  readonly subject: DeviceSubject;
  readonly local: Prefixes;
  readonly random: Random;
  readonly traffic: ObservedTraffic;
}

interface Flight {
  readonly packet: Packet;
  readonly at: number;
}

interface Answer {
  readonly number: number;
  readonly audio: number;
  readonly pieces: Pieces;
  readonly at: number;
  /** The packet of the device that it answers, or -1. */
  readonly cause: number;
}

/** The slots of a lab's pool: both queues, as much left over so that none is cut short, what is on its way, and a packet in hand. */
export function tunnelPool(): Pool {
  return new Pool(3 * QUEUE + WORKING);
}

/**
 * Both ends of a tunnel on a capture's time. The device's packets come as they were captured. What came down within a second after one of
 * them is taken for its answer: it reaches the far end as much later as that left the box, and never before what came ahead of it. Servers do not slow down for
 * the queue at the gateway, as a congestion window would make them. Packets larger than the tunnel's MTU are cut as a lower MSS would have cut them.
 */
export class TunnelRun {
  readonly near: NearEnd;
  readonly far: FarEnd | null;
  readonly handshakes: Handshakes;
  readonly audio = new FirstAudio();
  /** What packets on their way down came later than captured, in µs. */
  readonly delays = new Quantiles();
  /** When episodes began, in seconds after the capture's first packet, and of how many plans they were. */
  readonly chains: { readonly at: number; plans: number }[] = [];
  /** Real packets that went in and came out at the other end, and those that were dropped. */
  readonly in = [0, 0];
  readonly out = [0, 0];
  readonly dropped = [0, 0];
  readonly #options: TunnelRunOptions;
  readonly #modules: TunnelRunModules;
  readonly #reader: CaptureReader;
  readonly #frames: OuterFrames;
  readonly #record: Packet;
  readonly #start: number;
  readonly #cutter: Cutter;
  readonly #up = new Fifo<Flight>();
  readonly #down = new Fifo<Flight>();
  readonly #answers = new Fifo<Answer>();
  /** When the peer's part of a handshake arrives. */
  readonly #responses = new Fifo<number>();
  /** Of the device's packets: when they came, and when they left: NaN while they wait. */
  readonly #came: number[] = [];
  readonly #left: number[] = [];
  readonly #downCame: number[] = [];
  readonly #downAudio: number[] = [];
  #now: number;
  #more: boolean;
  /** What answers an episode has begun to come. */
  #bothWays = false;
  #lastAnswer = 0;
  #plan = -1;
  #episodes = 0;

  /** Opens the capture. Throws as CaptureReader does. */
  constructor(options: TunnelRunOptions, modules: TunnelRunModules) {
    const { pool, random } = modules;
    this.#options = options;
    this.#modules = modules;
    this.#reader = CaptureReader.open(options.input);
    this.#more = this.#reader.next();
    this.#start = this.#now = this.#more ? this.#reader.time : 0;
    this.#record = pool.take() ?? pool.packet(0);
    this.#frames = new OuterFrames(pool.take() ?? pool.packet(0), pool, random);
    this.#cutter = new Cutter(largest(options.episode), largestSegment(options.episode));
    const paired = options.episode.peer === "hushbox";
    this.#bothWays = !paired;
    const left = (packet: Packet): void => {
      this.#leaves(packet);
    };
    this.near = new NearEnd(
      options.episode,
      { perMonth: options.budget.perMonth, monthBytes: 0 },
      { pool, random, queue: QUEUE, ends: { source: paired ? NEAR : NOBODY, destination: FAR }, left },
      this.#now as Micros,
    );
    this.far = paired
      ? new FarEnd(options.episode, { pool, queue: QUEUE, ends: { source: FAR, destination: NEAR } })
      : null;
    this.handshakes = new Handshakes(random, this.#now as Micros);
  }

  /** Packets of the capture that have been read. */
  get packets(): number {
    return this.#reader.packets;
  }

  /** Length of the capture so far, and of what was observed. */
  get seconds(): number {
    return (this.#now - this.#start) / 1e6;
  }

  /** One event. False when all is over. */
  turn(): boolean {
    const { near, far } = this;
    const record = this.#more ? Math.max(this.#now, this.#reader.time) : NEVER;
    const answer = this.#answerAt();
    const up = this.#up.peek()?.at ?? NEVER;
    const down = this.#down.peek()?.at ?? NEVER;
    const response = this.#responses.peek() ?? NEVER;
    const own = near.nextAt();
    const theirs = far?.nextAt() ?? NEVER;
    const next = Math.max(this.#now, Math.min(record, answer, up, down, response, own, theirs));
    if (next === NEVER || this.#isOver(next)) return false;
    this.#now = next;
    const now = next as Micros;
    if (record <= next) this.#read();
    else if (answer <= next) this.#reachFar(now);
    else if (up <= next) this.#arriveFar(now);
    else if (down <= next) this.#arriveNear(now);
    else if (response <= next) {
      this.#responses.shift();
      this.#see(DOWN, RESPONDS, outerBytes(RESPONSE), now);
    } else {
      for (let p = near.emit(now); p !== null; p = near.emit(now)) this.#sent(p, now);
      if (far !== null)
        for (let p = far.emit(now); p !== null; p = far.emit(now)) this.#down.push({ packet: p, at: now + PATH });
    }
    this.#note(now);
    return true;
  }

  close(): void {
    this.#reader.close();
  }

  /** Everything was read and has come to where it goes, no episode runs, and the observer has seen enough. */
  #isOver(next: number): boolean {
    const { near, far } = this;
    const { span, episode } = this.#options;
    const { always } = episode;
    const under = [UP, DOWN].some((way) => (this.in[way] ?? 0) > (this.out[way] ?? 0) + (this.dropped[way] ?? 0));
    if (this.#more || under || next < this.#start + (span === NEVER ? 0 : span)) return false;
    return always || (near.plan === -1 && (far?.plan ?? -1) === -1 && this.#up.size + this.#down.size === 0);
  }

  #read(): void {
    const { pool, subject, local, traffic } = this.#modules;
    const reader = this.#reader;
    const now = this.#now as Micros;
    const packet = this.#record;
    packet.clear();
    packet.length = reader.copy(pool.bytes, packet.at, SLOT_BYTES);
    packet.wireLength = reader.originalLength;
    dissect(packet, pool.view);
    const direction = subject.direction(packet, pool.view);
    if (direction === FOREIGN) traffic.foreign++;
    else {
      traffic.own++;
      packet.direction = direction;
      packet.arrivedAt = now;
      const seen = traffic.undefended(packet, now);
      if (packet.version === 0 || farIn(packet, pool.view, direction, local)) {
        // Of the local network: not the tunnel's affair.
        if (seen) traffic.defended(packet, now);
      } else if (direction === UP) this.#comes(packet);
      else this.#isAnswered(packet);
    }
    this.#more = reader.next();
  }

  #comes(packet: Packet): void {
    const now = this.#now as Micros;
    const bytes = ipBytes(packet, this.#modules.pool.view);
    const number = this.#came.push(now) - 1;
    this.#left.push(NaN);
    this.audio.up(now, bytes);
    this.in[UP] = (this.in[UP] ?? 0) + 1;
    const took = this.#take(number, this.#cutter.cut(packet, bytes), (piece, length) =>
      this.near.offer(piece, length, now),
    );
    if (took) return;
    this.dropped[UP] = (this.dropped[UP] ?? 0) + 1;
    this.#left[number] = now;
  }

  #isAnswered(packet: Packet): void {
    const now = this.#now;
    const bytes = ipBytes(packet, this.#modules.pool.view);
    const cause = this.#came.length - 1;
    const answers = cause >= 0 && now - (this.#came[cause] ?? 0) <= ANSWERS;
    const number = this.#downCame.push(now) - 1;
    const audio = this.audio.down(now, bytes);
    this.#downAudio.push(audio);
    this.in[DOWN] = (this.in[DOWN] ?? 0) + 1;
    const pieces = { ...this.#cutter.cut(packet, bytes) };
    this.#answers.push({ number, audio, pieces, at: now, cause: answers ? cause : -1 });
  }

  /** When the next answer reaches the far end; NEVER while what it answers waits. */
  #answerAt(): number {
    const answer = this.#answers.peek();
    if (answer === undefined) return NEVER;
    const { at, cause } = answer;
    const later = cause === -1 ? 0 : (this.#left[cause] ?? NaN) - (this.#came[cause] ?? NaN);
    return Number.isNaN(later) ? NEVER : Math.max(this.#lastAnswer, at - PATH + later);
  }

  #reachFar(now: Micros): void {
    const answer = this.#answers.shift();
    if (answer === undefined) return;
    this.#lastAnswer = now;
    const { number, pieces } = answer;
    const { far } = this;
    if (far === null) {
      // A stock peer seals it as it is, and sends it at once.
      this.#take(number, pieces, (piece, length) => {
        piece.wireLength = length;
        this.#down.push({ packet: piece, at: now + PATH });
        return true;
      });
    } else if (!this.#take(number, pieces, (piece, length) => far.offer(piece, length))) {
      this.dropped[DOWN] = (this.dropped[DOWN] ?? 0) + 1;
    }
  }

  /** Hands a packet over in pieces that fit; true where all were taken. */
  #take(number: number, pieces: Pieces, take: (piece: Packet, length: number) => boolean): boolean {
    const { pool } = this.#modules;
    for (let piece = 0; piece < pieces.count; piece++) {
      const packet = pool.take();
      if (packet === null) return false;
      if (take(packet, writePiece(packet, pool, number, piece, pieces))) continue;
      pool.release(packet);
      return false;
    }
    return true;
  }

  #sent(packet: Packet, now: Micros): void {
    const { pool } = this.#modules;
    const { episode } = this.#options;
    if (this.handshakes.due(now)) {
      this.#see(UP, INITIATES, outerBytes(INITIATION), now);
      this.#responses.push(now + 2 * PATH);
    }
    this.#see(UP, DATA, sealedBytes(episode.size), now);
    if (this.far !== null) this.#up.push({ packet, at: now + PATH });
    else {
      if (packet.kind === 0) this.out[UP] = (this.out[UP] ?? 0) + (completes(pool.view, packet.network) === -1 ? 0 : 1);
      pool.release(packet);
    }
  }

  /** A real packet has left the box. */
  #leaves(packet: Packet): void {
    const number = completes(this.#modules.pool.view, packet.network);
    if (number === -1) return;
    this.#left[number] = this.#now;
    this.#modules.traffic.delays.add(this.#now - (this.#came[number] ?? 0));
  }

  #arriveFar(now: Micros): void {
    const { pool } = this.#modules;
    const packet = this.#up.shift()?.packet;
    if (packet === undefined) return;
    const { view } = pool;
    let at = this.far?.heard(packet, now) ?? 0;
    for (let n = carrier.innerBytes(view, at, packet.end); n > 0; n = carrier.innerBytes(view, at, packet.end)) {
      if (completes(view, at) !== -1) this.out[UP] = (this.out[UP] ?? 0) + 1;
      at += n;
    }
    pool.release(packet);
  }

  #arriveNear(now: Micros): void {
    const { pool } = this.#modules;
    const packet = this.#down.shift()?.packet;
    if (packet === undefined) return;
    const { view } = pool;
    if (this.far === null) {
      this.#see(DOWN, DATA, sealedBytes(packet.end - packet.network), now);
      this.near.carried(packet.end - packet.network, now);
      this.#delivered(completes(view, packet.network), now);
    } else {
      this.#bothWays ||= this.near.plan !== -1;
      this.#see(DOWN, DATA, sealedBytes(this.#options.episode.size), now);
      let at = this.near.heard(packet, now);
      for (let n = carrier.innerBytes(view, at, packet.end); n > 0; n = carrier.innerBytes(view, at, packet.end)) {
        this.near.carried(n, now);
        this.#delivered(completes(view, at), now);
        at += n;
      }
    }
    pool.release(packet);
  }

  #delivered(number: number, now: Micros): void {
    if (number === -1) return;
    this.out[DOWN] = (this.out[DOWN] ?? 0) + 1;
    const later = now - (this.#downCame[number] ?? 0);
    this.delays.add(later);
    this.audio.came(this.#downAudio[number] ?? 0, later);
  }

  #see(direction: Direction, type: number, ipBytes: number, at: Micros): void {
    const { span, stretch } = this.#options;
    if (stretch && (this.near.plan === -1 || this.chains.length > 1 || !this.#bothWays)) return;
    if (span !== NEVER && at >= this.#start + span) return;
    this.#modules.traffic.defended(this.#frames.frame(direction, type, ipBytes), at);
  }

  /** Keeps what an observer can see of episodes: when one began, and how many followed one another. */
  #note(now: Micros): void {
    const { plan, demands, decoys, followers } = this.near;
    const episodes = demands + decoys + followers;
    if (plan !== -1 && this.#plan === -1) this.chains.push({ at: (now - this.#start) / 1e6, plans: 1 });
    else if (plan !== -1 && episodes !== this.#episodes) {
      const chain = this.chains.at(-1);
      if (chain !== undefined && this.#episodes !== 0) chain.plans += episodes - this.#episodes;
    }
    this.#episodes = episodes;
    this.#plan = plan;
  }
}
