import { integer } from "../random/random.js";
import { SeededRandom } from "../random/seeded-random.js";
import type { Micros } from "../time/micros.js";
import { PcapWriter } from "../nic/pcap-writer.js";
import * as arp from "../wire/arp.js";
import * as ethernet from "../wire/ethernet.js";
import { A, AAAA, addressBytes, announcement, answerTo, query } from "./dns.js";
import { ENDPOINTS, type EndpointName } from "./endpoints.js";
import { FrameBuilder, HOPS, host, type Host } from "./frame-builder.js";
import { Keystream } from "./keystream.js";
import { BEACON_GROUP, BEACON_PORT, MDNS_GROUPS, MDNS_PORT } from "./multicast.js";
import { timeAnswer, timeRequest } from "./ntp.js";
import type { Family, Plan, Step } from "./plan.js";
import { Scene } from "./scene.js";
import { SyntheticQuic } from "./synthetic-quic.js";
import { SyntheticTcp } from "./synthetic-tcp.js";
import { TOPOLOGY } from "./topology.js";

/** When a capture starts unless told otherwise: July 2019, the month of the measured ones. A fixed moment, so that the same seed gives the same bytes. */
export const START = Date.UTC(2019, 6, 10) * 1000;

/** Round trip between speaker and router (A: a home's Wi-Fi), in microseconds. */
const LOCAL_ROUND_TRIP = 1_800;
const HEADERS = 42;

/** A frame and when it passes, in microseconds from the plan's start. */
export interface TimedFrame {
  at: number;
  frame: Buffer;
}

/** The frames of a plan in order of time, as they would pass the link between speaker and router. Same plan, same bytes. */
export function* synthesise(plan: Plan, start = START): Generator<TimedFrame> {
  let waiting: TimedFrame[] = [];
  const emit = (at: number, frame: Buffer): void => {
    waiting.push({ at, frame });
  };
  const stage = new Stage(plan, start, emit);
  for (const step of plan.steps) {
    // A step makes frames from its own moment on: what is earlier is complete.
    const settled = waiting.filter(({ at }) => at < step.at);
    if (settled.length > 0) {
      waiting = waiting.filter(({ at }) => at >= step.at);
      yield* settled.sort((a, b) => a.at - b.at);
    }
    stage.play(step);
  }
  yield* waiting.sort((a, b) => a.at - b.at);
}

/** Writes a plan as a capture; answers what is in it. `start`: epoch microseconds. `snap`: bytes kept of each frame; its length is told whole. */
export function writeCapture(
  plan: Plan,
  path: string,
  start = START,
  snap = Number.POSITIVE_INFINITY,
): { packets: number; bytes: number; seconds: number } {
  const writer = new PcapWriter(path);
  let bytes = 0;
  let last = 0;
  try {
    for (const { at, frame } of synthesise(plan, start)) {
      writer.write(start + at, frame, 0, Math.min(snap, frame.length), 0, frame.length);
      bytes += frame.length;
      last = at;
    }
  } finally {
    writer.close();
  }
  return { packets: writer.packets, bytes, seconds: last / 1e6 };
}

/** Plays steps as frames. */
class Stage {
  readonly #start: number;
  readonly #random: SeededRandom;
  readonly #scene: Scene;
  readonly #connections = new Map<number, SyntheticTcp | SyntheticQuic>();

  constructor(plan: Plan, start: number, emit: (at: number, frame: Buffer) => void) {
    this.#start = start;
    this.#random = new SeededRandom(plan.seed, "synthesis");
    const builder = new FrameBuilder(integer(this.#random, 0, 0xffff));
    this.#scene = new Scene(builder, new Keystream(plan.seed), new SeededRandom(plan.home, "round trips"), emit);
    this.#resolveRouter();
  }

  play(step: Step): void {
    const { at } = step;
    switch (step.action) {
      case "connect":
        this.#connect(step);
        return;
      case "transfer":
        this.#connections.get(step.connection)?.transfer(at, step.up, step.down, step.wait);
        return;
      case "probe":
        this.#connections.get(step.connection)?.probe(at);
        return;
      case "close":
        this.#connections.get(step.connection)?.close(at, true);
        this.#connections.delete(step.connection);
        return;
      case "resolve":
        this.#resolve(at, step.endpoint, step.family);
        return;
      case "time":
        this.#time(at, step.family);
        return;
      case "check":
        this.#check(at, step.family);
        return;
      case "ping":
        this.#ping(at, step);
        return;
      case "announce":
        this.#announce(at, step.family, step.frames);
        return;
      case "beacon":
        this.#multicast(at, BEACON_GROUP, BEACON_PORT, this.#port(), Buffer.alloc(step.bytes, 0x68), 1);
    }
  }

  #connect({ at, connection, transport, endpoint, family }: Extract<Step, { action: "connect" }>): void {
    const [speaker, cloud] = [this.#speaker(family), this.#cloud(endpoint, family)];
    if (transport === "quic") {
      const quic = new SyntheticQuic(this.#scene, speaker, cloud);
      quic.open(at);
      this.#connections.set(connection, quic);
      return;
    }
    const tcp = new SyntheticTcp(this.#scene, this.#random, speaker, cloud);
    tcp.open(at);
    tcp.secure(ENDPOINTS[endpoint].name);
    this.#connections.set(connection, tcp);
  }

  #resolve(at: number, name: EndpointName, family: Family): void {
    const { v4, v6, name: asked } = ENDPOINTS[name];
    const question = { id: integer(this.#random, 0, 0xffff), name: asked, type: family === 6 ? AAAA : A };
    const answer = answerTo(question, [addressBytes(family === 6 ? v6 : v4)]);
    this.#exchange(at, this.#speaker(family), this.#cloud("resolver", family), query(question), answer);
  }

  #time(at: number, family: Family): void {
    const cloud = this.#cloud("time", family);
    const now = (this.#start + at) / 1000;
    const request = timeRequest(now);
    const answer = timeAnswer(request, now + this.#scene.roundTrip(cloud) / 2000) ?? Buffer.alloc(0);
    this.#exchange(at, this.#speaker(family), cloud, request, answer);
  }

  #check(at: number, family: Family): void {
    const tcp = new SyntheticTcp(this.#scene, this.#random, this.#speaker(family), this.#cloud("check", family));
    const request = `GET /generate_204 HTTP/1.1\r\nHost: ${ENDPOINTS.check.name}\r\nConnection: close\r\n\r\n`;
    tcp.open(at);
    tcp.plain(
      Buffer.from(request),
      Buffer.from("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    );
    tcp.close(tcp.done, false);
  }

  #ping(at: number, { target, family, count, every }: Extract<Step, { action: "ping" }>): void {
    const local = target === "gateway";
    const speaker = this.#speaker(family);
    const other = local ? this.#router(family) : this.#cloud("resolver", family);
    const identifier = integer(this.#random, 0, 0xffff);
    for (let i = 0; i < count; i++) {
      const sent = at + i * every;
      const back = sent + (local ? LOCAL_ROUND_TRIP : this.#scene.roundTrip(other));
      const { builder, emit } = this.#scene;
      emit(sent, builder.echo(speaker, other, HOPS.up, false, identifier, i + 1));
      emit(back, builder.echo(other, speaker, local ? HOPS.up : HOPS.down, true, identifier, i + 1));
    }
  }

  #announce(at: number, family: Family, frames: readonly number[]): void {
    frames.forEach((frame, i) => {
      // Bursts of multicast DNS are a few hundred microseconds apart (A).
      const message = announcement(frame - HEADERS);
      this.#multicast(at + i * 300, MDNS_GROUPS[family], MDNS_PORT, MDNS_PORT, message, 255);
    });
  }

  #multicast(at: number, group: string, port: number, from: number, data: Buffer, hops: number): void {
    const address = addressBytes(group);
    const six = address.length === 16;
    // RFC 1112, section 6.4: the low 23 bits; RFC 2464, section 7: the low 32 bits.
    const mac = six
      ? 0x3333_0000_0000 + address.readUInt32BE(12)
      : 0x0100_5e00_0000 + (address.readUInt32BE() & 0x7f_ffff);
    const speaker = { ...this.#speaker(six ? 6 : 4), port: from };
    this.#scene.emit(at, this.#scene.builder.udp(speaker, { mac, address, port }, hops, data));
  }

  /** One datagram each way. */
  #exchange(at: number, speaker: Host, cloud: Host, request: Buffer, answer: Buffer): void {
    const { builder, emit } = this.#scene;
    emit(at, builder.udp(speaker, cloud, HOPS.up, request));
    emit(at + this.#scene.roundTrip(cloud), builder.udp(cloud, speaker, HOPS.down, answer));
  }

  #resolveRouter(): void {
    const { builder, emit } = this.#scene;
    const [speaker, router] = [this.#speaker(4), this.#router(4)];
    emit(0, builder.arp(speaker, router, arp.REQUEST));
    emit(LOCAL_ROUND_TRIP, builder.arp(router, speaker, arp.REPLY));
  }

  #speaker(family: Family): Host {
    const { mac, v4, v6 } = TOPOLOGY.speaker;
    return host(mac, family === 6 ? v6 : v4, this.#port());
  }

  #router(family: Family): Host {
    const { mac, v4, v6 } = TOPOLOGY.router;
    return host(mac, family === 6 ? v6 : v4);
  }

  /** A host of the cloud, behind the router. */
  #cloud(name: EndpointName, family: Family): Host {
    const { v4, v6, port } = ENDPOINTS[name];
    return { mac: ethernet.parseMac(TOPOLOGY.router.mac) ?? 0, address: addressBytes(family === 6 ? v6 : v4), port };
  }

  /** A port of the range that Linux gives to clients. */
  #port(): number {
    return integer(this.#random, 32_768, 60_999);
  }
}

/** The spans of a plan as label lines: activity, and seconds from the start. */
export function labels({ spans }: Plan): { activity: string; from: number; to: number }[] {
  const inSeconds = (value: Micros): number => value / 1e6;
  return spans.map(({ activity, from, to }) => ({ activity, from: inSeconds(from), to: inSeconds(to) }));
}
