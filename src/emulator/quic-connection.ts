import { Duplex } from "node:stream";
import { QUIC_PAYLOAD } from "./calibration.js";
import { frameBytes, readFrames, type Frame } from "./quic-frame.js";

/** How a connection puts frames on the network; answers the packet number. */
export type Transmit = (frames: Buffer) => number;

interface Segment {
  offset: number;
  data: Buffer;
  end: boolean;
  acknowledged: boolean;
}

/** A packet that waits for its acknowledgement; `segment` is null where there is nothing to repeat but a PING. */
interface Flight {
  segment: Segment | null;
}

/** Largest stream data of a packet: behind header (11), seal (16) and frame header (up to 8). */
const SEGMENT_BYTES = QUIC_PAYLOAD - 35;
/** Packets in flight, as a fixed window (A): enough for a burst at 12 Mbit/s, far below what a queue holds. */
const WINDOW = 48;
/** Segments that may wait before a writer is asked to wait. */
const WAITING = 64;
/** An acknowledgement after so many packets, or after so many milliseconds (RFC 9000, section 13.2: two, 25 ms). */
const ACK_AFTER = 2;
const ACK_DELAY = 25;
/** First wait for an acknowledgement, its upper bound, and how often it is waited for. */
const PROBE_DELAY = 250;
const PROBE_DELAY_MOST = 1000;
const PROBES = 12;
const RANGES = 32;

/**
 * A QUIC-shaped connection with one stream, as a Duplex: real frames, a fixed window, acknowledgements after every second
 * packet, repetition of what is lost. Whoever owns it does the handshake, seals the packets and hands in those that arrive.
 */
export class QuicConnection extends Duplex {
  /** Packets that were repeated: loss or reordering on the way. */
  repeated = 0;
  /** Packets whose seal was broken: somebody changed a byte. */
  corrupt = 0;

  readonly #transmit: Transmit;
  readonly #waiting: Segment[] = [];
  readonly #flights = new Map<number, Flight>();
  readonly #early = new Map<number, { data: Buffer; end: boolean }>();
  /** Packet numbers received, ranges from high to low. */
  #ranges: [low: number, high: number][] = [];
  #ready = false;
  /** The other end closed: nobody is there to hear of it. */
  #closed = false;
  #offset = 0;
  #expected = 0;
  #unacknowledged = 0;
  #probes = 0;
  #resume: (() => void) | null = null;
  #finished: (() => void) | null = null;
  #ackTimer: NodeJS.Timeout | null = null;
  #probeTimer: NodeJS.Timeout | null = null;

  constructor(transmit: Transmit) {
    super({ allowHalfOpen: true });
    this.#transmit = transmit;
  }

  /** The handshake is done: what was written goes out. */
  ready(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.#pump();
  }

  /** The largest packet number received, or -1. */
  get largest(): number {
    return this.#ranges[0]?.[1] ?? -1;
  }

  /** Sends a PING: the QUIC keep-alive. */
  ping(): void {
    if (this.#ready && !this.destroyed) this.#launch(frameBytes({ type: "ping" }), null);
  }

  /** Sends one frame that is acknowledged but not repeated. */
  announce(type: "done"): void {
    this.#launch(frameBytes({ type }), null);
  }

  /** Takes an opened packet. */
  receive(number: number, plain: Buffer): void {
    if (this.destroyed) return;
    const frames = readFrames(plain);
    if (frames === null) {
      this.corrupt += 1;
      return;
    }
    if (!this.#note(number)) {
      // Seen before: our acknowledgement may have been lost.
      this.#acknowledge();
      return;
    }
    let eliciting = false;
    for (const frame of frames) {
      if (frame.type === "close") {
        this.#closed = true;
        this.destroy();
        return;
      }
      if (frame.type !== "ack") eliciting = true;
      this.#take(frame);
    }
    if (eliciting) {
      this.#unacknowledged += 1;
      if (this.#unacknowledged >= ACK_AFTER) this.#acknowledge();
      else
        this.#ackTimer ??= setTimeout(() => {
          this.#acknowledge();
        }, ACK_DELAY);
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    for (let at = 0; at < chunk.length; at += SEGMENT_BYTES) {
      const data = chunk.subarray(at, at + SEGMENT_BYTES);
      this.#waiting.push({ offset: this.#offset, data, end: false, acknowledged: false });
      this.#offset += data.length;
    }
    this.#resume = done;
    this.#pump();
  }

  override _read(): void {
    // Data is pushed as it arrives; the window of the other end is the bound.
  }

  override _final(done: () => void): void {
    this.#waiting.push({ offset: this.#offset, data: Buffer.alloc(0), end: true, acknowledged: false });
    this.#finished = done;
    this.#pump();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#ready && !this.#closed) this.#transmit(frameBytes({ type: "close" }));
    if (this.#ackTimer !== null) clearTimeout(this.#ackTimer);
    if (this.#probeTimer !== null) clearTimeout(this.#probeTimer);
    done(error);
  }

  #take(frame: Frame): void {
    if (frame.type === "ack") this.#acknowledged(frame.ranges);
    else if (frame.type === "stream") this.#stream(frame.offset, frame.data, frame.end);
  }

  #stream(offset: number, data: Buffer, end: boolean): void {
    if (offset < this.#expected || this.readableEnded) return;
    this.#early.set(offset, { data, end });
    for (;;) {
      const next = this.#early.get(this.#expected);
      if (next === undefined) return;
      this.#early.delete(this.#expected);
      this.#expected += next.data.length;
      if (next.data.length > 0) this.push(next.data);
      if (next.end) {
        // So that a repeated end is not taken for a new one.
        this.#expected += 1;
        this.push(null);
        return;
      }
    }
  }

  /** Notes a packet number; false where it was noted before. */
  #note(number: number): boolean {
    const ranges = this.#ranges;
    if (ranges.some(([low, high]) => number >= low && number <= high)) return false;
    ranges.push([number, number]);
    ranges.sort((a, b) => b[1] - a[1]);
    const merged: [number, number][] = [];
    for (const range of ranges) {
      const last = merged.at(-1);
      if (last !== undefined && last[0] === range[1] + 1) last[0] = range[0];
      else merged.push(range);
    }
    this.#ranges = merged.slice(0, RANGES);
    return true;
  }

  #acknowledge(): void {
    if (this.#ackTimer !== null) clearTimeout(this.#ackTimer);
    this.#ackTimer = null;
    this.#unacknowledged = 0;
    if (this.#ranges.length > 0) this.#transmit(frameBytes({ type: "ack", ranges: this.#ranges }));
  }

  #acknowledged(ranges: [number, number][]): void {
    const highest = ranges[0]?.[1] ?? -1;
    let news = false;
    for (const [number, flight] of this.#flights) {
      if (ranges.some(([low, high]) => number >= low && number <= high)) {
        this.#flights.delete(number);
        if (flight.segment !== null) flight.segment.acknowledged = true;
        if (flight.segment?.end === true) this.#finish();
        news = true;
      }
    }
    if (!news) return;
    this.#probes = 0;
    // RFC 9002, section 6.1.1: three packets later is lost.
    for (const [number, flight] of this.#flights) if (number + 3 <= highest) this.#lost(number, flight);
    this.#arm();
    this.#pump();
  }

  #finish(): void {
    const finished = this.#finished;
    this.#finished = null;
    finished?.();
  }

  #lost(number: number, { segment }: Flight): void {
    this.#flights.delete(number);
    if (segment === null || segment.acknowledged) return;
    this.repeated += 1;
    this.#waiting.unshift(segment);
  }

  #pump(): void {
    if (!this.#ready || this.destroyed) return;
    while (this.#flights.size < WINDOW) {
      const segment = this.#waiting.shift();
      if (segment === undefined) break;
      if (!segment.acknowledged) this.#launch(frameBytes({ type: "stream", ...segment }), segment);
    }
    const resume = this.#resume;
    if (resume !== null && this.#waiting.length < WAITING) {
      this.#resume = null;
      resume();
    }
  }

  #launch(frames: Buffer, segment: Segment | null): void {
    this.#flights.set(this.#transmit(frames), { segment });
    if (this.#probeTimer === null) this.#arm();
  }

  #arm(): void {
    if (this.#probeTimer !== null) clearTimeout(this.#probeTimer);
    this.#probeTimer = null;
    if (this.#flights.size === 0 || this.destroyed) return;
    const delay = Math.min(PROBE_DELAY_MOST, PROBE_DELAY * 2 ** this.#probes);
    this.#probeTimer = setTimeout(() => {
      this.#probe();
    }, delay);
  }

  /** Nothing came back in time: what is in flight counts as lost (RFC 9002, section 6.2, made simple). */
  #probe(): void {
    this.#probeTimer = null;
    this.#probes += 1;
    if (this.#probes > PROBES) {
      this.destroy(new Error("no acknowledgement of a QUIC packet"));
      return;
    }
    const flights = [...this.#flights].reverse();
    for (const [number, flight] of flights) this.#lost(number, flight);
    this.#pump();
    // A lost PING or HANDSHAKE_DONE is not repeated, so there may be nothing left to wait for.
    this.#arm();
  }
}
