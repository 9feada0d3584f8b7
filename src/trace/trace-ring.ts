import { DOWN, UP } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import { Observation, type TraceSink } from "./observation.js";

/** Bytes of one observation: time, length, windows, ports, four single bytes, addresses. */
const RECORD = 64;
/** Control words: how many were written, read and lost, modulo 2^32. */
const WRITTEN = 0;
const READ = 1;
const LOST = 2;
const CONTROL = 16;

/**
 * A trace on its way from the datapath's thread to another: one writer, one reader, nobody waits. Full, it loses the newest
 * observation and counts it: packets do not notice.
 */
export class TraceRing implements TraceSink {
  readonly shared: SharedArrayBuffer;
  readonly #control: Int32Array;
  readonly #records: DataView;
  readonly #capacity: number;
  readonly #read = new Observation();

  /** A new ring of `capacity` places, a power of two; or, given the memory of one, its other end. */
  constructor(from: number | SharedArrayBuffer) {
    this.shared = typeof from === "number" ? new SharedArrayBuffer(CONTROL + from * RECORD) : from;
    this.#capacity = (this.shared.byteLength - CONTROL) / RECORD;
    this.#control = new Int32Array(this.shared, 0, CONTROL / 4);
    this.#records = new DataView(this.shared, CONTROL);
  }

  /** Observations lost to a full ring. */
  get lost(): number {
    return Atomics.load(this.#control, LOST) >>> 0;
  }

  seen(observation: Observation): void {
    const written = Atomics.load(this.#control, WRITTEN);
    if (((written - Atomics.load(this.#control, READ)) | 0) >= this.#capacity) {
      Atomics.add(this.#control, LOST, 1);
      return;
    }
    write(observation, this.#records, (written & (this.#capacity - 1)) * RECORD);
    Atomics.store(this.#control, WRITTEN, (written + 1) | 0);
  }

  /** Hands all that has come to `sink`, oldest first, and answers how many that were. */
  drain(sink: TraceSink): number {
    const written = Atomics.load(this.#control, WRITTEN);
    let next = Atomics.load(this.#control, READ);
    const count = (written - next) | 0;
    while (next !== written) {
      read(this.#read, this.#records, (next & (this.#capacity - 1)) * RECORD);
      sink.seen(this.#read);
      next = (next + 1) | 0;
      Atomics.store(this.#control, READ, next);
    }
    return count;
  }
}

function write(from: Observation, to: DataView, at: number): void {
  to.setFloat64(at, from.at);
  to.setUint32(at + 8, from.length);
  to.setInt32(at + 12, from.rawWindow);
  to.setInt32(at + 16, from.scaledWindow);
  to.setUint16(at + 20, from.sourcePort);
  to.setUint16(at + 22, from.destinationPort);
  to.setInt16(at + 24, from.protocol);
  to.setUint8(at + 26, from.version);
  to.setUint8(at + 27, (from.direction === UP ? 0 : 1) | (from.hasPorts ? 2 : 0));
  for (let i = 0; i < 32; i += 4) to.setInt32(at + 32 + i, from.addresses.getInt32(i));
}

function read(to: Observation, from: DataView, at: number): void {
  to.at = from.getFloat64(at) as Micros;
  to.length = from.getUint32(at + 8);
  to.rawWindow = from.getInt32(at + 12);
  to.scaledWindow = from.getInt32(at + 16);
  to.sourcePort = from.getUint16(at + 20);
  to.destinationPort = from.getUint16(at + 22);
  to.protocol = from.getInt16(at + 24);
  const version = from.getUint8(at + 26);
  to.version = version === 4 || version === 6 ? version : 0;
  const flags = from.getUint8(at + 27);
  to.direction = (flags & 1) === 0 ? UP : DOWN;
  to.hasPorts = (flags & 2) !== 0;
  for (let i = 0; i < 32; i += 4) to.addresses.setInt32(i, from.getInt32(at + 32 + i));
}
