import { UP } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import type { Observation } from "../trace/observation.js";
import { Bursts } from "./bursts.js";
import { Distribution, STATISTICS } from "./distribution.js";
import type { Family } from "./family.js";
import { RunningMoments } from "./running-moments.js";
import { ThinnedSeries } from "./thinned-series.js";

/** Packets of a chunk, and of a trace's beginning and end, as in the paper. */
const CHUNK = 20;
const EDGE = 30;
/** The trace in equal parts. */
const PARTS = 20;
const QUARTERS = [0.25, 0.5, 0.75, 1] as const;
/** Values kept of a trace's course: exact to so many packets. */
const COURSE = 1024;
const SECOND = 1e6;

const WAYS = ["up", "down"] as const;
const each = (name: string): string[] => STATISTICS.map((statistic) => `${name}_${statistic}`);

const COLUMNS = [
  ...["packets", "packets_up", "packets_down", "share_up", "bytes_up", "bytes_down", "share_bytes_up", "seconds"],
  ...WAYS.flatMap((way) => [`order_${way}_mean`, `order_${way}_std`]),
  ...["first_up", "first_down", "last_up", "last_down"],
  ...each("chunk_up"),
  ...Array.from({ length: PARTS }, (_, i) => `part_${String(i + 1)}_up`),
  ...each("rate"),
  ...["gap", "gap_up", "gap_down"].flatMap(each),
  ...["time", "time_up", "time_down"].flatMap((name) => QUARTERS.map((q) => `${name}_${String(q * 100)}`)),
  ...WAYS.flatMap((way) => each(`length_${way}`)),
];

/** What is kept of the packets of a direction, or of both. */
class Course {
  /** Between neighbours, in µs. */
  readonly gaps = new Distribution();
  /** When each came, in µs since the trace's first. */
  readonly times = new ThinnedSeries(COURSE);

  add(time: number): void {
    if (this.times.count > 0) this.gaps.add(time - this.times.last);
    this.times.add(time);
  }

  /** When each quarter of the packets had come, in seconds. */
  writeTimes(into: Float64Array, at: number): number {
    for (const q of QUARTERS) into[at++] = this.times.at(q * (this.times.count - 1)) / SECOND;
    return at;
  }

  clear(): void {
    this.gaps.clear();
    this.times.clear();
  }
}

/**
 * The statistics that k-fingerprinting (Hayes and Danezis 2016) leaves to a forest, of a whole trace: packets by direction and their share; where
 * in the trace those of a direction stand (`order`); how many go up of each 20 packets (`chunk`), of each twentieth of the trace (`part`, as a
 * share) and of the first and last 30; packets in each second from the first packet on (`rate`); times between packets; and when each
 * quarter of them had come. Tor's cells have one length; a speaker's packets do not, so that bytes and lengths stand beside, and bursts
 * (`Bursts`). Times are seconds. What is not exact is what Distribution and ThinnedSeries say: quartiles of large numbers, and where
 * parts and quarters end in traces of more than 1024 packets.
 */
export class KFingerprint implements Family {
  readonly columns: readonly string[];
  readonly #bursts = new Bursts();
  readonly #packets = [0, 0] as [number, number];
  readonly #bytes = [0, 0] as [number, number];
  readonly #order = [new RunningMoments(), new RunningMoments()] as const;
  readonly #lengths = [new Distribution(), new Distribution()] as const;
  readonly #all = new Course();
  readonly #ways = [new Course(), new Course()] as const;
  readonly #chunks = new Distribution();
  readonly #rate = new Distribution();
  readonly #scratch = new Distribution();
  /** Packets up so far, behind each packet. */
  readonly #upSoFar = new ThinnedSeries(COURSE);
  #firstUp = 0;
  /** The directions of the last packets: 1 up; and how many of them that are. */
  readonly #edge = new Uint8Array(EDGE);
  #lastUp = 0;
  #from = 0 as Micros;
  #chunkUp = 0;
  #second = 0;
  #inSecond = 0;

  constructor() {
    this.columns = [...COLUMNS, ...this.#bursts.columns];
  }

  seen(observation: Observation): void {
    const { at, direction, length } = observation;
    const number = this.#all.times.count;
    if (number === 0) this.#from = at;
    const time = Math.max(at - this.#from, 0);
    this.#place(number, direction === UP ? 1 : 0);
    this.#count(time);
    this.#all.add(time);
    this.#ways[direction].add(time);
    this.#packets[direction]++;
    this.#bytes[direction] += length;
    this.#order[direction].add(number);
    this.#lengths[direction].add(length);
    this.#upSoFar.add(this.#packets[UP]);
    this.#bursts.seen(observation);
  }

  write(into: Float64Array, at = 0): void {
    const [up, down] = this.#packets;
    const [bytesUp, bytesDown] = this.#bytes;
    const total = up + down;
    const edge = Math.min(total, EDGE);
    const counts = [total, up, down, share(up, total), bytesUp, bytesDown, share(bytesUp, bytesUp + bytesDown)];
    for (const value of counts) into[at++] = value;
    into[at++] = this.#all.times.last / SECOND;
    for (const order of this.#order) {
      into[at++] = order.mean;
      into[at++] = order.deviation;
    }
    for (const value of [this.#firstUp, edge - this.#firstUp, this.#lastUp, edge - this.#lastUp]) into[at++] = value;
    at = this.#writeOpen(this.#chunks, total % CHUNK > 0, this.#chunkUp, into, at);
    at = this.#writeParts(total, into, at);
    at = this.#writeOpen(this.#rate, total > 0, this.#inSecond, into, at);
    for (const { gaps } of [this.#all, ...this.#ways]) at = gaps.write(into, at, 1 / SECOND);
    for (const course of [this.#all, ...this.#ways]) at = course.writeTimes(into, at);
    for (const lengths of this.#lengths) at = lengths.write(into, at);
    this.#bursts.write(into, at);
  }

  clear(): void {
    for (const part of [this.#bursts, this.#all, ...this.#ways, ...this.#order, ...this.#lengths]) part.clear();
    for (const part of [this.#chunks, this.#rate, this.#upSoFar]) part.clear();
    for (const part of [this.#packets, this.#bytes, this.#edge]) part.fill(0);
    this.#firstUp = this.#lastUp = this.#chunkUp = this.#second = this.#inSecond = 0;
  }

  /** Notes where in the trace a packet stands; `up` is 1 or 0. */
  #place(number: number, up: 0 | 1): void {
    if (number < EDGE) this.#firstUp += up;
    const place = number % EDGE;
    this.#lastUp += up - (this.#edge[place] ?? 0);
    this.#edge[place] = up;
    this.#chunkUp += up;
    if (number % CHUNK < CHUNK - 1) return;
    this.#chunks.add(this.#chunkUp);
    this.#chunkUp = 0;
  }

  #count(time: number): void {
    const second = Math.floor(time / SECOND);
    if (second > this.#second) {
      this.#rate.add(this.#inSecond);
      if (second > this.#second + 1) this.#rate.add(0, second - this.#second - 1);
      this.#second = second;
      this.#inSecond = 0;
    }
    this.#inSecond++;
  }

  /** Writes a distribution with what is not over: the last chunk, the last second. */
  #writeOpen(closed: Distribution, open: boolean, value: number, into: Float64Array, at: number): number {
    if (!open) return closed.write(into, at);
    this.#scratch.copy(closed);
    this.#scratch.add(value);
    return this.#scratch.write(into, at);
  }

  #writeParts(total: number, into: Float64Array, at: number): number {
    let before = 0;
    for (let part = 1; part <= PARTS; part++) {
      // Behind the packet with that number, which may lie between two.
      const end = (total * part) / PARTS;
      const up = this.#upUntil(end);
      into[at++] = share(up - before, total / PARTS);
      before = up;
    }
    return at;
  }

  /** Packets up among the first `packets`. */
  #upUntil(packets: number): number {
    return packets < 1 ? packets * this.#upSoFar.at(0) : this.#upSoFar.at(packets - 1);
  }
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
