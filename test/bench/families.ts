// What a packet costs an observer and each family of features, ns: node build/test/bench/families.js
import { DEFAULT_MIXTURE, makePlan } from "../../src/emulator/make-plan.js";
import { synthesise } from "../../src/emulator/synthesis.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { Bursts } from "../../src/features/bursts.js";
import { Cumul } from "../../src/features/cumul.js";
import type { Family } from "../../src/features/family.js";
import { FeatureWindow } from "../../src/features/feature-window.js";
import { Gaps } from "../../src/features/gaps.js";
import { KFingerprint } from "../../src/features/k-fingerprint.js";
import { Lengths } from "../../src/features/lengths.js";
import { dissect } from "../../src/packet/dissect.js";
import { DOWN, UP, type Packet } from "../../src/packet/packet.js";
import { Pool } from "../../src/packet/pool.js";
import { micros, seconds } from "../../src/time/micros.js";
import { Observation } from "../../src/trace/observation.js";
import { makeObserver, OBSERVER_KINDS } from "../../src/trace/make-observer.js";
import * as ethernet from "../../src/wire/ethernet.js";
import { Prefixes } from "../../src/wire/prefix.js";

const PACKETS = 4096;
const ROUNDS = 50;
const RUNS = 9;
const WINDOW = 1000;

/** The median over runs of what one of `calls` calls takes, in ns. */
function median(calls: number, body: () => void): number {
  const times = Array.from({ length: RUNS }, () => {
    const start = process.hrtime.bigint();
    body();
    return Number(process.hrtime.bigint() - start) / calls;
  });
  return times.sort((a, b) => a - b)[RUNS >> 1] ?? NaN;
}

function report(what: string, ns: number): void {
  console.log(`${what.padEnd(44)}${ns.toFixed(1).padStart(8)} ns`);
}

const pool = new Pool(PACKETS);
const device = ethernet.parseMac(TOPOLOGY.speaker.mac);
const packets: Packet[] = [];
const plan = makePlan({ seed: "bench", duration: seconds(240), mixture: DEFAULT_MIXTURE, scale: 1 });
for (const { at, frame } of synthesise(plan)) {
  const packet = pool.take();
  if (packet === null) break;
  pool.bytes.set(frame, packet.at);
  packet.length = packet.wireLength = frame.length;
  packet.arrivedAt = micros(at);
  dissect(packet, pool.view);
  packet.direction = ethernet.source(pool.view, packet.at) === device ? UP : DOWN;
  packets.push(packet);
}
console.log(`${packets.length} packets of the emulated speaker in turn`);

const local = new Prefixes(["192.168.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "fe80::/10", "ff00::/8"]);
for (const kind of OBSERVER_KINDS)
  for (const vantage of ["lan", "beyond"] as const) {
    const observer = makeObserver(kind, vantage, local);
    report(
      `observer ${kind} at ${vantage}`,
      median(packets.length * ROUNDS, () => {
        for (let round = 0; round < ROUNDS; round++)
          for (const packet of packets) observer.observe(packet, pool.view, packet.direction, packet.arrivedAt);
      }),
    );
  }

const observer = makeObserver("stats", "lan", local);
const seen = packets.map((packet) => {
  observer.observe(packet, pool.view, packet.direction, packet.arrivedAt);
  const { at, direction, length } = observer.observation;
  return Object.assign(new Observation(), { at, direction, length });
});

const families: readonly (readonly [string, Family])[] = [
  ["Lengths", new Lengths()],
  ["Gaps", new Gaps()],
  ["Bursts", new Bursts()],
  ["Cumul", new Cumul()],
  ["KFingerprint", new KFingerprint()],
];
for (const [name, family] of families) {
  const row = new Float64Array(family.columns.length);
  report(
    `${name}, windows of ${WINDOW} packets`,
    median(seen.length * ROUNDS, () => {
      for (let round = 0; round < ROUNDS; round++) {
        let left = WINDOW;
        for (const observation of seen) {
          family.seen(observation);
          if (--left > 0) continue;
          left = WINDOW;
          family.write(row);
          family.clear();
        }
      }
    }),
  );
  for (const observation of seen.slice(0, WINDOW)) family.seen(observation);
  report(
    `  of it its row of ${family.columns.length}, once`,
    median(ROUNDS, () => {
      for (let round = 0; round < ROUNDS; round++) family.write(row);
    }),
  );
  family.clear();
}

const twelve = new FeatureWindow();
report(
  "beside them: the twelve, without addresses",
  median(seen.length * ROUNDS, () => {
    for (let round = 0; round < ROUNDS; round++) for (const observation of seen) twelve.add(observation);
  }),
);
