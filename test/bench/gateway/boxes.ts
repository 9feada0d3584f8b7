// Many boxes in one process, for test/bench/gateway.ts: each has a schedule of its own (the daemon's) and WireGuard's session with the gateway; their devices ping the world.
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { PRESETS } from "../../../src/defense/presets.js";
import { Pool } from "../../../src/packet/pool.js";
import { SecureRandom } from "../../../src/random/secure-random.js";
import { micros, type Micros } from "../../../src/time/micros.js";
import * as carrier from "../../../src/tunnel/carrier.js";
import { NearEnd } from "../../../src/tunnel/near-end.js";
import { fold, sum } from "../../../src/wire/ones-complement.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import { FAR_END } from "./levels.js";
import type { Load, LoadResult } from "./levels.js";
import { WireGuardBox } from "./wireguard-box.js";

const SIZE = 1420;
const AT = 14;
/** WireGuard drops initiations that come faster, where it has much to do. */
const BETWEEN_HANDSHAKES = 30;
const QUEUE = 64;

const load = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Load;
const pool = new Pool(load.boxes.length * 2 * QUEUE + 1024);
const random = new SecureRandom();
const socket = createSocket("udp4");
const now = (): Micros => micros(Number(process.hrtime.bigint()) / 1e3);
const counts = { sent: 0, received: 0, asked: 0, answered: 0, strange: 0 };

/** A ping of the box's device, as it lies in the tunnel. */
function ping(address: string, id: number): Buffer {
  const { bytes } = load.ping;
  const packet = Buffer.alloc(bytes);
  const view = new DataView(packet.buffer, packet.byteOffset, bytes);
  packet[0] = 0x45;
  ipv4.setTotalLength(view, 0, bytes);
  ipv4.setTtl(view, 0, 64);
  ipv4.setProtocol(view, 0, 1);
  ipv4.setSource(view, 0, ipv4.parse(address) ?? 0);
  ipv4.setDestination(view, 0, ipv4.parse(load.world) ?? 0);
  ipv4.updateChecksum(view, 0);
  packet[20] = 8;
  packet.writeUInt16BE(id, 24);
  packet.writeUInt16BE(fold(sum(view, 20, bytes - 20)), 22);
  return packet;
}

class Box {
  readonly near: NearEnd;
  readonly tunnel: WireGuardBox;
  readonly #ping: Buffer;
  #pingAt: number;

  constructor(index: number, { keys, address }: Load["boxes"][number], at: Micros) {
    const { episode } = PRESETS.paired.defenses;
    const options = { ...episode, decoys: false, always: load.level === "always" };
    const ends = { source: ipv4.parse(address) ?? 0, destination: ipv4.parse(FAR_END) ?? 0 };
    this.near = new NearEnd(options, { perMonth: 1e12, monthBytes: 0 }, { pool, random, queue: QUEUE, ends }, at);
    this.tunnel = new WireGuardBox(index, keys, load.publicKey);
    this.#ping = ping(address, index);
    this.#pingAt = load.level === "idle" ? Infinity : at + Math.random() * load.ping.every;
  }

  turn(at: Micros): void {
    for (; this.#pingAt <= at; this.#pingAt += load.ping.every) this.#say(at);
    for (let packet = this.near.emit(at); packet !== null; packet = this.near.emit(at)) {
      const plain = new Uint8Array(SIZE);
      plain.set(pool.bytes.subarray(packet.network, packet.at + packet.length));
      pool.release(packet);
      counts.sent++;
      socket.send(this.tunnel.seal(plain));
    }
  }

  hear(message: Buffer, at: Micros): void {
    const packet = pool.take();
    if (packet === null) return;
    const plain = this.tunnel.open(message);
    pool.bytes.set(plain, packet.at + AT);
    packet.network = packet.at + AT;
    packet.length = AT + plain.length;
    packet.end = packet.at + packet.length;
    counts.received++;
    const from = this.near.heard(packet, at);
    if (from <= 0) counts.strange++;
    else
      for (let p = from, n = carrier.innerBytes(pool.view, p, packet.end); n > 0;) {
        counts.answered++;
        p += n;
        n = carrier.innerBytes(pool.view, p, packet.end);
      }
    pool.release(packet);
  }

  #say(at: Micros): void {
    const packet = pool.take();
    counts.asked++;
    if (packet === null) return;
    pool.bytes.set(this.#ping, packet.at + AT);
    packet.network = packet.at + AT;
    packet.length = packet.wireLength = AT + this.#ping.length;
    packet.end = packet.at + packet.length;
    if (!this.near.offer(packet, this.#ping.length, at)) pool.release(packet);
  }
}

const boxes = load.boxes.map((box, index) => new Box(index, box, now()));
socket.on("message", (message) => {
  if (message[0] === 2) boxes[message.readUInt32LE(8)]?.tunnel.takeResponse(message);
  // Empty ones are keep-alives.
  else if (message[0] === 4 && message.length > 32) boxes[message.readUInt32LE(4)]?.hear(message, now());
});
await new Promise<void>((resolve) => {
  socket.bind(0, () => {
    socket.setRecvBufferSize(4 << 20);
    socket.setSendBufferSize(4 << 20);
    socket.connect(load.port, load.gateway, resolve);
  });
});
for (let round = 0; round < 5 && boxes.some(({ tunnel }) => !tunnel.up); round++) {
  for (const { tunnel } of boxes) {
    if (tunnel.up) continue;
    socket.send(tunnel.initiation());
    await sleep(BETWEEN_HANDSHAKES);
  }
  await sleep(200);
}
const up = boxes.filter(({ tunnel }) => tunnel.up);
// Who begins a session confirms it by its first packet.
const running = setInterval(() => {
  const at = now();
  for (const box of up) box.turn(at);
}, 1);
await sleep(load.settle * 1e3);
const before = { ...counts };
console.log("running");
await sleep(load.seconds * 1e3);
clearInterval(running);
const count = (name: keyof typeof counts): number => counts[name] - before[name];
const result: LoadResult = {
  up: up.length,
  sent: count("sent"),
  all: counts.sent,
  received: count("received"),
  asked: count("asked"),
  answered: count("answered"),
  strange: counts.strange,
};
console.log(JSON.stringify(result));
socket.close();
