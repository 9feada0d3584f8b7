import { QUIC_PAYLOAD } from "./calibration.js";
import { HOPS, type Host } from "./frame-builder.js";
import type { Pace } from "./plan.js";
import { HANDSHAKE, ID_BYTES, INITIAL, longOverhead, longPacket } from "./quic-packet.js";
import { emulatedKeys, initialKeys } from "./quic-seal.js";
import { bursts, gap, type Scene } from "./scene.js";

/** Bytes that a 1-RTT packet adds to its stream data: header, frame header and seal. */
const PACKET_OVERHEAD = { up: 35, down: 27 } as const;
/** UDP payloads of small packets; the speaker's own connection ID is empty, so that those down are 8 bytes shorter. */
const SMALL = { ackUp: 32, ackDown: 24, ping: 31, close: 31 } as const;
/** How long the speaker takes to answer (A), in microseconds. */
const DELAY = 120;

/** One QUIC-shaped connection on the link between speaker and router. Nothing behind the handshake can be read, so it is drawn. */
export class SyntheticQuic {
  readonly #scene: Scene;
  readonly #speaker: Host;
  readonly #cloud: Host;
  readonly #roundTrip: number;
  readonly #id: Buffer;
  #last = { up: 0, down: 0 };
  #done = 0;

  constructor(scene: Scene, speaker: Host, cloud: Host) {
    this.#scene = scene;
    this.#speaker = speaker;
    this.#cloud = cloud;
    this.#roundTrip = scene.roundTrip(cloud);
    this.#id = scene.noise.bytes(ID_BYTES);
  }

  get done(): number {
    return this.#done;
  }

  /** The same handshake as on sockets: Initial and two datagrams back, Initial with Handshake, a small answer. */
  open(at: number): void {
    const none = Buffer.alloc(0);
    const original = this.#scene.noise.bytes(ID_BYTES);
    const plain = Buffer.alloc(QUIC_PAYLOAD - longOverhead(INITIAL, ID_BYTES, 0), 0);
    plain.writeUInt8(1);
    const client = initialKeys(original, "client");
    this.#up(at, longPacket(INITIAL, { destination: original, source: none }, client, 0, plain));

    const down = { destination: none, source: this.#id };
    const seen = Buffer.concat([Buffer.from([2, 0, 0, 0, 0]), Buffer.alloc(90)]);
    const first = longPacket(INITIAL, down, initialKeys(original, "server"), 0, seen);
    const keys = emulatedKeys(original, "server", "handshake");
    const fill = this.#scene.noise.bytes(QUIC_PAYLOAD - first.length - longOverhead(HANDSHAKE, 0, ID_BYTES));
    let now = this.#down(at + this.#roundTrip, Buffer.concat([first, longPacket(HANDSHAKE, down, keys, 0, fill)]));
    now = this.#down(now, longPacket(HANDSHAKE, down, keys, 1, this.#scene.noise.bytes(1100)));

    const up = { destination: this.#id, source: none };
    const last = longPacket(
      HANDSHAKE,
      up,
      emulatedKeys(original, "client", "handshake"),
      0,
      this.#scene.noise.bytes(61),
    );
    const acknowledged = Buffer.alloc(1200 - last.length - longOverhead(INITIAL, ID_BYTES, 0));
    Buffer.from([2, 0, 0, 0, 0]).copy(acknowledged);
    now = this.#up(now + DELAY, Buffer.concat([longPacket(INITIAL, up, client, 1, acknowledged), last]));
    now = this.#down(now + this.#roundTrip, this.#short("down", SMALL.ackDown));
    this.#done = now + DELAY;
  }

  /** A transfer: full packets, acknowledged after every second one. */
  transfer(at: number, up: readonly Pace[], down: readonly Pace[], wait: number): void {
    const begun = Math.max(at, this.#done);
    this.#stream(begun, "up", up);
    // The last odd packet, and what comes down, are acknowledged too.
    const answered = Math.max(begun, this.#last.up) + this.#roundTrip + wait;
    this.#stream(answered, "down", down);
    this.#done = Math.max(this.#last.up, this.#last.down) + DELAY;
  }

  /** A PING and its acknowledgement. */
  probe(at: number): void {
    const now = this.#up(Math.max(at, this.#done), this.#short("up", SMALL.ping));
    this.#done = this.#down(now + this.#roundTrip, this.#short("down", SMALL.ackDown)) + DELAY;
  }

  close(at: number): void {
    this.#done = this.#up(Math.max(at, this.#done), this.#short("up", SMALL.close));
  }

  #stream(begun: number, way: "up" | "down", paces: readonly Pace[]): void {
    const most = QUIC_PAYLOAD - PACKET_OVERHEAD[way];
    let sent = 0;
    for (const { at, bytes } of bursts(paces)) {
      for (let left = bytes; left > 0; left -= most) {
        const datagram = this.#short(way, Math.min(left, most) + PACKET_OVERHEAD[way]);
        const passed = way === "up" ? this.#up(begun + at, datagram) : this.#down(begun + at, datagram);
        sent += 1;
        if (sent % 2 === 0) this.#acknowledge(way, passed);
      }
    }
    if (sent % 2 === 1) this.#acknowledge(way, this.#last[way] + 25_000);
  }

  #acknowledge(way: "up" | "down", at: number): void {
    if (way === "up") this.#down(at + this.#roundTrip, this.#short("down", SMALL.ackDown));
    else this.#up(at + DELAY, this.#short("up", SMALL.ackUp));
  }

  /** A short header packet of so many bytes (RFC 9000, 17.3.1): fixed bit, connection ID, and what looks random. */
  #short(way: "up" | "down", bytes: number): Buffer {
    const packet = this.#scene.noise.bytes(bytes);
    packet.writeUInt8(0x40 | (packet.readUInt8(0) & 0x3f), 0);
    if (way === "up") this.#id.copy(packet, 1);
    return packet;
  }

  #up(at: number, datagram: Buffer): number {
    return this.#emit(at, "up", datagram);
  }

  #down(at: number, datagram: Buffer): number {
    return this.#emit(at, "down", datagram);
  }

  #emit(at: number, way: "up" | "down", datagram: Buffer): number {
    const [from, to] = way === "up" ? [this.#speaker, this.#cloud] : [this.#cloud, this.#speaker];
    const frame = this.#scene.builder.udp(from, to, HOPS[way], datagram);
    const passed = Math.max(at, this.#last[way] + gap(frame.length));
    this.#last[way] = passed;
    this.#scene.emit(passed, frame);
    return passed;
  }
}
