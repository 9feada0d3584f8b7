// The gateway's datapath by itself, on virtual time: what the loop of packets costs without cards and without WireGuard.
import { Counters } from "../../../src/datapath/counters.js";
import { Datapath } from "../../../src/datapath/datapath.js";
import type { DeviceOptions } from "../../../src/datapath/options.js";
import { PRESETS } from "../../../src/defense/presets.js";
import { nicCounters, type Cards, type Nic } from "../../../src/nic/nic.js";
import type { Packet } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { micros, type Micros } from "../../../src/time/micros.js";
import { NearEnd } from "../../../src/tunnel/near-end.js";
import * as ethernet from "../../../src/wire/ethernet.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import { standInMac } from "../../../src/daemon/tunnel/wg-file.js";
import { FAR_END, PING, type Level } from "./levels.js";

const QUEUE = 4096;
const WORKING = 4096;
const PAIR = 0x02_68_75_73_68_30;
const WORLD = ipv4.parse("198.18.0.1") ?? 0;

/** What one run came to. */
export interface AloneResult {
  readonly boxes: number;
  readonly level: Level;
  /** Carriers a second, in and out together. */
  readonly carriers: number;
  /** Seconds of a processor for a second of traffic, all boxes together. */
  readonly cpu: number;
  readonly dropped: number;
}

/** A card in memory: what is put in comes out of `receive`; what is sent is shown and freed. */
class Card implements Nic {
  readonly name = "memory";
  readonly mtu = 1500;
  readonly longest = 2048;
  readonly up = true;
  readonly room = Infinity;
  readonly counters = nicCounters();
  readonly #pool: Pool;
  readonly #sent: (packet: Packet) => void;
  readonly #waiting: Packet[] = [];

  constructor(pool: Pool, sent: (packet: Packet) => void) {
    this.#pool = pool;
    this.#sent = sent;
  }

  put(packet: Packet, at: Micros): void {
    packet.arrivedAt = at;
    this.#waiting.push(packet);
  }

  receive(): Packet | null {
    return this.#waiting.shift() ?? null;
  }

  send(packet: Packet): void {
    this.#sent(packet);
    this.#pool.release(packet);
  }

  close(): void {
    this.#waiting.length = 0;
  }
}

function deviceOf(index: number): DeviceOptions {
  const { defenses, budget } = PRESETS.paired;
  const address = addressOf(index);
  return {
    name: `box-${index}`,
    mac: standInMac(address),
    defenses,
    budget,
    tunnel: {
      networks: [`${address}/32`, `fd77:68::${(index + 2).toString(16)}/128`],
      cover: { source: "192.0.2.1", destination: "192.0.2.2" },
      role: "gateway",
      ends: { source: FAR_END, destination: address },
    },
  };
}

export function addressOf(index: number): string {
  return `10.77.${(index + 2) >> 8}.${(index + 2) & 255}`;
}

/** The median of three runs by what they cost: on a busy machine one may be interrupted. */
export function alone(boxes: number, level: Level, seconds: number): AloneResult {
  const runs = [0, 1, 2].map(() => once(boxes, level, seconds)).sort((a, b) => a.cpu - b.cpu);
  return runs[1] ?? once(boxes, level, seconds);
}

/** Runs so many boxes for so many seconds of their time, after as many of a start. */
function once(boxes: number, level: Level, seconds: number): AloneResult {
  const pool = new Pool(QUEUE + WORKING);
  const random = new SeededRandom("gateway");
  const counters = new Counters();
  const out = { carriers: 0 };
  const inside = new Card(pool, () => undefined);
  const outside = new Card(pool, () => out.carriers++);
  const cards: Cards = { inside, outside, turn: (until) => until, close: () => undefined };
  const options = {
    devices: Array.from({ length: boxes }, (_, i) => deviceOf(i)),
    local: [],
    delayLocal: true,
    isolate: false,
  };
  const start = micros(0);
  const datapath = new Datapath(options, null, { pool, cards, random, counters, tap: null, queue: QUEUE }, start);
  // The boxes' own ends have a pool of their own and are not measured.
  const theirs = new Pool(boxes * 128 + 1024);
  const episode = { ...PRESETS.paired.defenses.episode, decoys: false, always: level === "always" };
  const ends = Array.from({ length: boxes }, (_, i) => {
    const source = ipv4.parse(addressOf(i)) ?? 0;
    const own = { source, destination: ipv4.parse(FAR_END) ?? 0 };
    const near = new NearEnd(
      episode,
      { perMonth: 1e12, monthBytes: 0 },
      { pool: theirs, random, queue: 128, ends: own },
      start,
    );
    return { near, source, talksAt: level === "idle" ? Infinity : random.word() % PING.every };
  });
  let next = datapath.poll(start);
  let spent = 0;
  let measured = 0;
  let carriers = 0;
  const warm = seconds * 1e6;
  for (let now = 0; now < 2 * warm;) {
    now = Math.max(now, Math.min(next, ...ends.map(({ near, talksAt }) => Math.min(near.nextAt(), talksAt))));
    const at = micros(now);
    for (const end of ends) {
      if (end.talksAt <= now) {
        end.talksAt += PING.every;
        const up = write(theirs, end.source, WORLD);
        if (up !== null && !end.near.offer(up, PING.bytes, at)) theirs.release(up);
        const down = write(pool, WORLD, end.source);
        if (down !== null) inside.put(down, at);
      }
      for (let packet = end.near.emit(at); packet !== null; packet = end.near.emit(at)) {
        const came = pool.take();
        if (came !== null) {
          pool.bytes.set(theirs.bytes.subarray(packet.at, packet.at + packet.length), came.at);
          pool.bytes.fill(0, came.at + packet.length, came.at + packet.length + packet.pad);
          came.length = came.wireLength = packet.length + packet.pad;
          ethernet.setDestination(pool.view, came.at, PAIR);
          outside.put(came, at);
          if (now >= warm) carriers++;
        }
        theirs.release(packet);
      }
    }
    // Processor time, not the clock's: others may have their turn in between.
    const before = process.cpuUsage();
    next = datapath.poll(at);
    const { user, system } = process.cpuUsage(before);
    if (now >= warm) {
      spent += user + system;
      measured = now - warm;
    } else out.carriers = 0;
  }
  const dropped = ["oversize", "queue-full", "no-slot"].reduce((n, why) => n + counters.read(`up.drop_${why}`), 0);
  const time = measured / 1e6;
  return { boxes, level, carriers: (carriers + out.carriers) / time, cpu: spent / 1e6 / time, dropped };
}

/** A packet of the world's or a device's, in the way that this card hands it over. */
function write(pool: Pool, source: number, destination: number): Packet | null {
  const packet = pool.take();
  if (packet === null) return null;
  const { view } = pool;
  const at = packet.at + ethernet.HEADER;
  ethernet.setSource(view, packet.at, PAIR);
  ethernet.setType(view, packet.at, ethernet.IPV4);
  view.setUint8(at, 0x45);
  view.setUint8(at + 1, 0);
  ipv4.setTotalLength(view, at, PING.bytes);
  ipv4.setFragment(view, at, true, false, 0);
  ipv4.setTtl(view, at, 64);
  ipv4.setProtocol(view, at, 1);
  ipv4.setSource(view, at, source);
  ipv4.setDestination(view, at, destination);
  ipv4.updateChecksum(view, at);
  packet.network = at;
  packet.length = packet.wireLength = ethernet.HEADER + PING.bytes;
  packet.end = packet.at + packet.length;
  return packet;
}
