import { uniform, type Random } from "../random/random.js";
import { ACK, FIN, PSH, SYN } from "../wire/tcp.js";
import { TCP_PAYLOAD, WINDOWS } from "./calibration.js";
import { HOPS, type FrameBuilder, type Host } from "./frame-builder.js";
import type { Keystream } from "./keystream.js";
import type { Pace } from "./plan.js";
import { bursts, gap, type Scene } from "./scene.js";
import { clientFinished, clientHello, closeNotify, records, serverFlight } from "./tls-record.js";

/** Bytes of the cloud's first TLS flight and of the tickets after it (A). */
const FLIGHT_BYTES = 1_700;
const TICKET_BYTES = 480;
/** How long the speaker takes to acknowledge (A), in microseconds. */
const ACK_DELAY = 60;

interface End {
  host: Host;
  hops: number;
  /** Next sequence number. */
  next: number;
  /** Start of its timestamps (RFC 7323), in milliseconds. */
  clock: number;
  /** The raw window it advertises, where it ends, and what a full segment received adds. */
  window: number;
  most: number;
  step: number;
  /** When its latest frame passed the link. */
  last: number;
}

/** One TCP connection on the link between speaker and router, its frames written as they would pass there. */
export class SyntheticTcp {
  readonly #scene: Scene;
  readonly #builder: FrameBuilder;
  readonly #noise: Keystream;
  readonly #speaker: End;
  readonly #cloud: End;
  readonly #roundTrip: number;
  readonly #segmentBytes: number;
  /** When what was done so far ends. */
  #done = 0;

  constructor(scene: Scene, random: Random, speaker: Host, cloud: Host) {
    this.#scene = scene;
    this.#builder = scene.builder;
    this.#noise = scene.noise;
    this.#roundTrip = scene.roundTrip(cloud);
    // IPv6 headers are 20 bytes longer.
    this.#segmentBytes = TCP_PAYLOAD - (speaker.address.length === 16 ? 20 : 0);
    const scaled = (scale: number): number => (2 * TCP_PAYLOAD) >> scale;
    const end = { last: 0, window: 0 };
    this.#speaker = {
      ...end,
      host: speaker,
      hops: HOPS.up,
      next: random.word(),
      clock: random.word(),
      most: quartile(random),
      step: scaled(WINDOWS.speakerScale),
    };
    this.#cloud = {
      ...end,
      host: cloud,
      hops: HOPS.down,
      next: random.word(),
      clock: random.word(),
      most: WINDOWS.cloudMost,
      step: scaled(WINDOWS.cloudScale),
    };
  }

  /** When what was done so far ends. */
  get done(): number {
    return this.#done;
  }

  /** The three-way handshake. */
  open(at: number): void {
    const { speakerSyn, speakerScale, speakerFirst, cloudSyn, cloudScale, cloudFirst } = WINDOWS;
    this.#speaker.window = speakerSyn;
    this.#cloud.window = cloudSyn;
    this.#emit(at, this.#speaker, SYN, speakerScale);
    this.#emit(at + this.#roundTrip, this.#cloud, SYN | ACK, cloudScale);
    this.#speaker.window = speakerFirst;
    this.#cloud.window = cloudFirst;
    this.#emit(at + this.#roundTrip + ACK_DELAY, this.#speaker, ACK);
    this.#done = at + this.#roundTrip + 2 * ACK_DELAY;
  }

  /** The TLS handshake behind it. */
  secure(name: string): void {
    let at = this.#up(this.#done, clientHello(this.#noise, name));
    at = this.#down(at + this.#roundTrip + 1000, serverFlight(this.#noise, FLIGHT_BYTES));
    this.#up(at + 2000, clientFinished(this.#noise));
    this.#done = at + 2500;
    // Tickets come a round trip later, beside the first request; here before it, to keep the order of bytes plain.
    this.#done = this.#down(at + 2000 + this.#roundTrip, records(this.#noise, TICKET_BYTES)) + ACK_DELAY;
  }

  /** A transfer within TLS. */
  transfer(at: number, up: readonly Pace[], down: readonly Pace[], wait: number): void {
    let now = Math.max(at, this.#done);
    for (const { at: offset, bytes } of bursts(up)) {
      // The speaker writes record by record, each in segments of its own, as measured.
      const chunk = up[0]?.chunk ?? TCP_PAYLOAD;
      let sent = now + offset;
      for (let left = bytes; left > 0; left -= chunk)
        sent = this.#up(sent, records(this.#noise, Math.min(left, chunk)));
    }
    now = Math.max(this.#speaker.last, now) + this.#roundTrip + wait;
    // The cloud writes a stream: what does not fill a segment waits for the next burst.
    let rest: Buffer = Buffer.alloc(0);
    for (const { at: offset, bytes } of bursts(down)) {
      rest = Buffer.concat([rest, records(this.#noise, bytes)]);
      const full = rest.length - (rest.length % this.#segmentBytes);
      this.#down(now + offset, rest.subarray(0, full));
      rest = rest.subarray(full);
    }
    this.#down(Math.max(now, this.#cloud.last), rest);
    this.#done = Math.max(this.#speaker.last, this.#cloud.last) + ACK_DELAY;
  }

  /** Plain bytes up and down, without TLS. */
  plain(up: Buffer, down: Buffer): void {
    const at = this.#up(this.#done, up);
    this.#done = this.#down(at + this.#roundTrip + 500, down) + 2 * ACK_DELAY;
  }

  /** A keep-alive and its answer: two frames of 66 bytes. The probe repeats the last acknowledged sequence number (RFC 9293, 3.8.4). */
  probe(at: number): void {
    const now = Math.max(at, this.#done);
    this.#speaker.next -= 1;
    this.#emit(now, this.#speaker, ACK);
    this.#speaker.next += 1;
    this.#emit(now + this.#roundTrip, this.#cloud, ACK);
    this.#done = now + this.#roundTrip + ACK_DELAY;
  }

  /** Goodbyes and FINs both ways; `secured`: with TLS's own first. */
  close(at: number, secured: boolean): void {
    let now = Math.max(at, this.#done);
    if (secured) now = this.#up(now, closeNotify(this.#noise));
    this.#emit(now + 20, this.#speaker, FIN | ACK);
    this.#speaker.next += 1;
    now += this.#roundTrip + 300;
    this.#emit(now, this.#cloud, FIN | ACK);
    this.#cloud.next += 1;
    this.#emit(now + ACK_DELAY, this.#speaker, ACK);
    this.#done = now + 2 * ACK_DELAY;
  }

  #up(at: number, data: Buffer): number {
    return this.#send(at, this.#speaker, this.#cloud, data, this.#roundTrip);
  }

  #down(at: number, data: Buffer): number {
    return this.#send(at, this.#cloud, this.#speaker, data, ACK_DELAY);
  }

  /** Sends bytes in segments, each acknowledged after `delay` (calibration 3.1: about one acknowledgement a segment). Answers when the last one passed. */
  #send(at: number, from: End, to: End, data: Buffer, delay: number): number {
    for (let done = 0; done < data.length; done += this.#segmentBytes) {
      const part = data.subarray(done, done + this.#segmentBytes);
      const passed = this.#emit(at, from, ACK | (done + part.length === data.length ? PSH : 0), undefined, part);
      from.next += part.length;
      to.window = Math.min(to.most, to.window + Math.ceil((to.step * part.length) / TCP_PAYLOAD));
      this.#emit(passed + delay, to, ACK);
    }
    return from.last;
  }

  #emit(at: number, from: End, flags: number, scale?: number, data: Buffer = Buffer.alloc(0)): number {
    const to = from === this.#speaker ? this.#cloud : this.#speaker;
    // Frames of one direction follow one another on the link.
    const passed = Math.max(at, from.last + gap(66 + data.length));
    from.last = passed;
    const options = timestamps(
      from.clock + Math.floor(passed / 1000),
      flags === SYN ? 0 : to.clock + Math.floor(to.last / 1000),
    );
    const segment = {
      sequence: from.next,
      acknowledgment: flags === SYN ? 0 : to.next,
      flags,
      window: from.window,
      options:
        scale === undefined ? Buffer.concat([Buffer.from([1, 1]), options]) : synOptions(from.host, options, scale),
      data,
    };
    this.#scene.emit(passed, this.#builder.tcp(from.host, to.host, from.hops, segment));
    if (flags & SYN) from.next += 1;
    return passed;
  }
}

/** The timestamps option (RFC 7323, section 3). */
function timestamps(value: number, echo: number): Buffer {
  const option = Buffer.from([8, 10, 0, 0, 0, 0, 0, 0, 0, 0]);
  option.writeUInt32BE(value >>> 0, 2);
  option.writeUInt32BE(echo >>> 0, 6);
  return option;
}

/** Options of a SYN: segment size, selective acknowledgements, timestamps, window scale; 20 bytes, frames of 74. */
function synOptions(from: Host, stamp: Buffer, scale: number): Buffer {
  const mss = from.address.length === 16 ? 1440 : 1460;
  return Buffer.concat([Buffer.from([2, 4, mss >> 8, mss & 0xff, 4, 2]), stamp, Buffer.from([1, 3, 3, scale])]);
}

/** Where a connection's window ends: a draw through the measured quartiles (calibration 3.6). */
function quartile(random: Random): number {
  const [low, middle, high, most] = WINDOWS.speakerMost;
  const points = [WINDOWS.speakerFirst, low, middle, high, most];
  const place = uniform(random) * 4;
  const index = Math.min(3, Math.floor(place));
  const from = points[index] ?? low;
  return Math.round(from + (place - index) * ((points[index + 1] ?? most) - from));
}
