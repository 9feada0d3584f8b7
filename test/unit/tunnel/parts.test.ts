import { test } from "tap";
import { Pool } from "../../../src/packet/pool.js";
import { DECOY, REAL } from "../../../src/packet/packet.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { NEVER, type Micros } from "../../../src/time/micros.js";
import { Activity } from "../../../src/tunnel/activity.js";
import * as carrier from "../../../src/tunnel/carrier.js";
import { DecoyTimes } from "../../../src/tunnel/decoy-times.js";
import { Filler } from "../../../src/tunnel/filler.js";
import { Losses } from "../../../src/tunnel/losses.js";
import { SlotQueue } from "../../../src/tunnel/slot-queue.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import { write } from "../../support/tunnel-pair.js";

const at = (value: number): Micros => value as Micros;
const ENDS = { source: 0xc0000201, destination: 0x64400001 };

test("a queue keeps order round its ring, and counts what it does not take", (t) => {
  const pool = new Pool(10);
  const queue = new SlotQueue(3, 1380, pool);
  const packets = Array.from({ length: 5 }, () => pool.take());
  const [a, b, c, d, e] = packets;
  if (!a || !b || !c || !d || !e) throw new Error("no packets");
  t.ok(queue.push(a, 100) && queue.push(b, 1380) && queue.push(c, 40));
  t.notOk(queue.push(d, 40));
  t.notOk(queue.push(e, 1381));
  t.match(queue, { size: 3, bytes: 1520, mostBytes: 1520, full: 1, oversize: 1 });
  t.equal(queue.nextBytes(), 100);
  t.equal(queue.shift(), a);
  t.ok(queue.push(d, 50));
  t.same([queue.shift(), queue.shift(), queue.shift(), queue.shift()], [b, c, d, null]);
  t.match(queue, { size: 0, bytes: 0, mostBytes: 1520 });
  t.equal(queue.nextBytes(), 0);
  t.end();
});

test("queues that share a pool leave room for one another, whichever comes first", (t) => {
  const pool = new Pool(12);
  const queues = Array.from({ length: 3 }, () => new SlotQueue(12, 1380, pool));
  for (const queue of queues) {
    for (let packet = pool.take(); packet !== null; packet = pool.take()) {
      if (queue.push(packet, 100)) continue;
      pool.release(packet);
      break;
    }
  }
  t.same(
    queues.map(({ size }) => size),
    [6, 3, 2],
  );
  t.equal(pool.available, 1);
  t.same(
    queues.map(({ full }) => full),
    [1, 1, 1],
  );
  t.end();
});

test("what a path lost is counted over episodes, and what was overtaken is not lost", (t) => {
  const losses = new Losses();
  losses.begin(1);
  for (const slot of [0, 1, 4, 5]) losses.heard(1, slot);
  t.equal(losses.lost, 2);
  losses.heard(1, 2);
  t.equal(losses.lost, 1);
  losses.begin(2);
  losses.heard(1, 3);
  losses.heard(2, 1);
  t.equal(losses.lost, 2);
  t.end();
});

test("to a stock peer packets go as they are, zero-extended, and decoys from where nobody may send", (t) => {
  const pool = new Pool(3);
  const left: number[] = [];
  const filler = new Filler(1420, ENDS, pool, (packet) => left.push(packet.length));
  const queue = new SlotQueue(3, 1420, pool);
  const packet = pool.take();
  if (packet === null) throw new Error("no packet");
  write(packet, pool, 100, 7);
  queue.push(packet, 100);
  t.equal(filler.plain(queue), packet);
  t.match(packet, { length: 114, pad: 1320, kind: REAL });
  t.same(left, [114]);
  const decoy = filler.plain(queue);
  if (decoy === null) throw new Error("no decoy");
  t.match(decoy, { kind: DECOY, version: 4, length: 34, pad: 1400 });
  t.equal(ipv4.source(pool.view, decoy.network), ENDS.source);
  t.equal(ipv4.totalLength(pool.view, decoy.network), 1420);
  t.ok(ipv4.checksumValid(pool.view, decoy.network));
  t.match(filler.filled, { packets: 0, bytes: 0 });
  pool.take();
  t.equal(filler.plain(queue), null, "no slot in the pool");
  t.equal(filler.carrier(queue, new carrier.Header()), null);
  t.end();
});

test("activity halves every half second", (t) => {
  const activity = new Activity();
  activity.add(1000, at(5e6));
  t.equal(activity.read(at(5e6)), 1000);
  t.equal(activity.read(at(5.5e6)), 500);
  activity.add(100, at(6e6));
  t.equal(activity.read(at(6e6)), 350);
  t.end();
});

test("losses show once enough slots were due, and only of the episode that runs", (t) => {
  const losses = new Losses();
  losses.begin(7);
  for (let slot = 0; slot < 100; slot += 2) losses.heard(6, slot);
  t.notOk(losses.lossy());
  for (let slot = 0; slot < 40; slot += 2) losses.heard(7, slot);
  t.notOk(losses.lossy(), "too few");
  for (let slot = 40; slot < 60; slot += 2) losses.heard(7, slot);
  t.ok(losses.lossy());
  losses.begin(8);
  for (let slot = 0; slot < 100; slot++) if (slot !== 50) losses.heard(8, slot);
  t.notOk(losses.lossy(), "one in a hundred");
  t.end();
});

test("decoy times are a Poisson process, whoever asks when", (t) => {
  const one = new DecoyTimes(100, new SeededRandom("p"), at(0));
  const gaps: number[] = [];
  let last = 0;
  for (let i = 0; i < 4000; i++) {
    const next = one.nextAt();
    gaps.push(next - last);
    last = next;
    one.pass(next);
  }
  const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((a, b) => a + (b - mean) ** 2, 0) / gaps.length);
  t.ok(Math.abs(mean / 864e6 - 1) < 0.05, `${mean / 1e6} s`);
  t.ok(Math.abs(deviation / mean - 1) < 0.08);
  const other = new DecoyTimes(100, new SeededRandom("p"), at(0));
  other.pass(last as Micros);
  t.equal(other.nextAt(), one.nextAt());
  t.equal(new DecoyTimes(0, new SeededRandom("p"), at(0)).nextAt(), NEVER);
  t.end();
});
