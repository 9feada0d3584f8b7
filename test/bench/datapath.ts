// One packet through the whole datapath between cards that do nothing, nanoseconds: node build/test/bench/datapath.js
import { Counters } from "../../src/datapath/counters.js";
import { Datapath } from "../../src/datapath/datapath.js";
import type { DefenseOptions } from "../../src/defense/options.js";
import { nicCounters, type Cards, type Nic } from "../../src/nic/nic.js";
import type { Packet } from "../../src/packet/packet.js";
import { Pool } from "../../src/packet/pool.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { micros, type Micros } from "../../src/time/micros.js";
import { ALL, DEVICE, OFF, options, ROUTER } from "../support/box.js";
import { frame } from "../support/frame.js";

const BATCH = 64;

/** A card that hands out the same frame `BATCH` times a turn and forgets what it is given. */
class IdleNic implements Nic {
  readonly name = "idle";
  readonly mtu = 1500;
  readonly longest = 2048;
  readonly up = true;
  readonly room = Infinity;
  readonly counters = nicCounters();
  now = micros(0);
  left = 0;
  readonly #pool: Pool;
  readonly #bytes: Uint8Array;

  constructor(pool: Pool, bytes: Uint8Array) {
    this.#pool = pool;
    this.#bytes = bytes;
  }

  receive(): Packet | null {
    if (this.left === 0) return null;
    this.left--;
    const packet = this.#pool.take();
    if (packet === null) return null;
    this.#pool.bytes.set(this.#bytes, packet.at);
    packet.length = packet.wireLength = this.#bytes.length;
    packet.arrivedAt = this.now;
    return packet;
  }

  send(packet: Packet): void {
    this.#pool.release(packet);
  }

  close(): void {
    this.left = 0;
  }
}

function measure(name: string, defenses: DefenseOptions): void {
  const pool = new Pool(8192);
  const ends = { source: DEVICE, destination: ROUTER, from: "192.168.1.5", to: "198.51.100.7" };
  const inside = new IdleNic(pool, frame(ends));
  const outside = new IdleNic(pool, frame(ends));
  const cards: Cards = { inside, outside, turn: (until: Micros) => until, close: () => undefined };
  const modules = { pool, cards, random: new SeededRandom("bench"), counters: new Counters(), tap: null, queue: 4096 };
  const datapath = new Datapath(options(defenses), null, modules, micros(0));
  let now = 0;
  const times: number[] = [];
  for (let run = 0; run < 12; run++) {
    const turns = 4000;
    const start = process.hrtime.bigint();
    for (let i = 0; i < turns; i++) {
      now += 640;
      inside.now = micros(now);
      inside.left = BATCH;
      datapath.poll(micros(now));
    }
    times.push(Number(process.hrtime.bigint() - start) / turns / BATCH);
  }
  const median = times.slice(2).sort((a, b) => a - b)[5] ?? NaN;
  console.log(`${name.padEnd(20)}${median.toFixed(0).padStart(6)} ns a packet`);
}

measure("off", OFF);
measure("pad", { ...OFF, pad: ALL.pad });
measure("jitter", { ...OFF, jitter: { ...ALL.jitter, variance: 64 } });
measure("decoy", { ...OFF, decoy: ALL.decoy });
measure("all", { ...ALL, jitter: { ...ALL.jitter, variance: 64 } });
