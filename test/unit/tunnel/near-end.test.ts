import { test } from "tap";
import type { Micros } from "../../../src/time/micros.js";
import { PATH, TunnelPair, demand, type Given } from "../../support/tunnel-pair.js";

const S = 1e6;
const HEARTBEAT = { heartbeat: (9.5 * S) as Micros };

test("idle and without heartbeats it is silent", (t) => {
  const pair = new TunnelPair().run([{ at: S, up: true, bytes: 100 }], 100 * S);
  t.same([pair.up.length, pair.down.length, pair.near.queue.size], [0, 0, 1]);
  t.end();
});

test("a demand begins an episode at once: 242 slots each way, all of one size", (t) => {
  const pair = new TunnelPair().run(demand(S), 100 * S);
  t.equal(pair.up.length, 242);
  t.equal(pair.down.length, 242);
  t.same([...new Set([...pair.up, ...pair.down].map(([, bytes]) => bytes))], [1420]);
  t.same(
    pair.up.map(([at]) => at),
    Array.from({ length: 242 }, (_, k) => S + k * 16_500),
  );
  t.same(
    pair.down.map(([at]) => at),
    Array.from({ length: 242 }, (_, k) => S + PATH + k * 16_500),
  );
  t.match(pair.near, { demands: 1, decoys: 0, followers: 0, slots: 242, empty: 237, plan: -1 });
  t.end();
});

test("small packets share a slot, in order, and one that does not fit waits for the next", (t) => {
  const given: Given[] = [300, 300, 300, 1380, 300, 2000 - 580].map((bytes) => ({ at: S, up: true, bytes }));
  const pair = new TunnelPair().run(given, 3 * S);
  t.equal(pair.refused, 1, "larger than a slot");
  t.equal(pair.near.queue.oversize, 1);
  // The last one that fits was not enough for a demand.
  const more = new TunnelPair().run(
    [...given.slice(0, 5), { at: S, up: true, bytes: 1380 }, { at: S, up: true, bytes: 60 }],
    3 * S,
  );
  t.same(
    more.came.up.map(({ number, at }) => [number, Math.round((at - PATH - S) / 16_500)]),
    [
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 1],
      [4, 2],
      [5, 3],
      [6, 4],
    ],
  );
  t.end();
});

test("an episode whose demand is not over is followed by one twice as long, without a gap, both ways", (t) => {
  const speech = Array.from({ length: 600 }, (_, i) => ({ at: S + i * 10_000, up: true, bytes: 500 }));
  const pair = new TunnelPair().run(speech, 100 * S);
  t.match(pair.near, { demands: 1, followers: 1 });
  for (const side of [pair.up, pair.down]) {
    t.equal(side.length, 3 * 242);
    t.same([...new Set(side.slice(1).map(([at], i) => Math.round(at - (side[i]?.[0] ?? 0))))], [16_500]);
  }
  t.end();
});

test("what comes down keeps an episode going too, and what waits at the gateway begins one at the next heartbeat", (t) => {
  const pair = new TunnelPair(HEARTBEAT).run(demand(S, 40_000, false), 60 * S);
  t.match(pair.near, { demands: 1, decoys: 0 });
  t.equal(pair.came.down.length, 40);
  t.ok((pair.came.down[39]?.at ?? Infinity) < 12 * S, "a heartbeat, 200 ms, and the slots");
  const stream = Array.from({ length: 800 }, (_, i) => ({ at: 2 * S + i * 20_000, up: false, bytes: 1000 }));
  const music = new TunnelPair().run([...demand(S), ...stream], 100 * S);
  t.equal(music.came.down.length, 800);
  t.equal(music.near.followers, 2);
  t.end();
});

test("music of 320 kbit/s plays on: no packet of it waits long, over any border", (t) => {
  const music = Array.from({ length: 3000 }, (_, i) => ({ at: S + i * 32_900, up: false, bytes: 1356 }));
  const answers = music.filter((_, i) => i % 2 === 0).map(({ at }) => ({ at: at + 1000, up: true, bytes: 52 }));
  const given = [...demand(S), ...music, ...answers].sort((a, b) => a.at - b.at);
  const { came, near } = new TunnelPair().run(given, 200 * S);
  t.equal(came.down.length, 3000);
  t.ok(Math.max(...came.down.map(({ at, given: from }) => at - from)) <= 20_000 + PATH + 16_500);
  t.ok(near.followers >= 4 && near.demands === 1);
  t.end();
});

test("heartbeats take what is less than a demand, and the far end answers each", (t) => {
  const pair = new TunnelPair(HEARTBEAT).run(
    [
      { at: 20 * S, up: true, bytes: 100 },
      { at: 20 * S, up: false, bytes: 100 },
    ],
    100 * S,
  );
  t.equal(pair.near.heartbeats, pair.up.length);
  t.ok(pair.up.length === 10 || pair.up.length === 11);
  t.ok(pair.up.slice(1).every(([at], i) => Math.abs(at - (pair.up[i]?.[0] ?? 0) - 9.5 * S) < 1));
  t.same(
    pair.down.map(([at]) => at),
    pair.up.map(([at]) => at + PATH + 200e3).slice(0, pair.down.length),
  );
  t.same([pair.came.up.length, pair.came.down.length], [1, 1]);
  t.ok((pair.came.up[0]?.at ?? Infinity) < 29.6 * S);
  t.end();
});

test("the endless episode has no idle time and no border", (t) => {
  const pair = new TunnelPair({ always: true, ...HEARTBEAT }).run(demand(30 * S), 60 * S);
  t.ok(pair.up.length >= 3635 && pair.up.length <= 3637);
  t.ok(Math.abs(pair.up.length - pair.down.length) <= 1);
  t.match(pair.near, { followers: 0, heartbeats: 0 });
  t.equal(pair.came.up.length, 5);
  t.end();
});

test("decoys come as a Poisson process, as often as the budget pays for, and stop where the month is spent", (t) => {
  const perMonth = 30e9;
  const pair = new TunnelPair({ decoys: true, perMonth, ...HEARTBEAT }).run([], 86_400 * S);
  const { decoys, followers, monthBytes } = pair.near;
  t.ok(decoys > 150 && decoys < 450, `${decoys} decoys`);
  t.ok(followers > decoys * 0.8 && followers < decoys * 1.8, `${followers} followed`);
  t.ok(monthBytes < 1.6 * (perMonth / 30.44) && monthBytes > 0.5 * (perMonth / 30.44));
  t.equal(pair.near.demands, 0);
  const poor = new TunnelPair({ decoys: true, perMonth, ...HEARTBEAT });
  poor.near.monthBytes = perMonth;
  poor.run([], 7200 * S);
  t.match(poor.near, { decoys: 0 });
  t.ok(poor.near.refused > 0);
  poor.near.startMonth();
  t.ok(poor.run([], 3 * 7200 * S).near.decoys > 0);
  t.end();
});

test("a decoy is what a real episode is", (t) => {
  const decoys = new TunnelPair({ decoys: true, plans: 1, duration: (4 * S) as Micros, perMonth: 30e9 }).run(
    [],
    40_000 * S,
  );
  const begins = decoys.up.filter(([at], i) => at - (decoys.up[i - 1]?.[0] ?? -Infinity) > 17_000).map(([at]) => at);
  t.ok(begins.length > 20 && decoys.near.demands === 0);
  const stretch = (pair: TunnelPair, at: number): [number, number][][] =>
    [pair.up, pair.down].map((side) =>
      side.filter(([left]) => left >= at && left < at + 4.1 * S).map(([left, bytes]) => [Math.round(left - at), bytes]),
    );
  const alone =
    begins.find((at, i) => (begins[i + 1] ?? Infinity) > at + 5 * S && decoys.up.some(([left]) => left > at + 5 * S)) ??
    0;
  t.same(stretch(decoys, alone), stretch(new TunnelPair({ plans: 1 }).run(demand(S), 60 * S), S));
  t.end();
});

test("a line that loses is given half the slots at the next border, and all again later", (t) => {
  let lossy = true;
  const pair = new TunnelPair({ plans: 1, loses: (up, number) => lossy && !up && number % 10 === 0 });
  pair.run(demand(S), 6 * S);
  t.equal(pair.near.level, 1);
  const before = pair.up.filter(([at]) => at < 4.9 * S);
  t.equal(before.length, 237, "never within an episode");
  lossy = false;
  pair.run(demand(30 * S), 60 * S);
  const later = pair.up.filter(([at]) => at >= 30 * S);
  t.equal(later.length, 121);
  t.same([...new Set(later.slice(1).map(([at], i) => Math.round(at - (later[i]?.[0] ?? 0))))], [33_000]);
  t.equal(pair.near.level, 0);
  t.end();
});

test("the far end joins where the first carriers were lost, and leaves when the box is gone", (t) => {
  const pair = new TunnelPair({ loses: (up, number) => up && number < 20 }).run(demand(S), 100 * S);
  t.equal(pair.down.length, 222);
  t.ok(Math.abs((pair.down[0]?.[0] ?? 0) - (S + PATH + 20 * 16_500)) < 1);
  const gone = new TunnelPair({ always: true, loses: (up, number) => up && number > 100 }).run([], 200 * S);
  t.equal(gone.far.plan, -1);
  t.ok((gone.down.at(-1)?.[0] ?? 0) < 33 * S);
  t.end();
});

test("a carrier of another version is counted and not read", (t) => {
  const pair = new TunnelPair();
  pair.run(demand(S), 20 * S);
  const { pool } = pair;
  const packet = pool.take();
  if (packet === null) return t.end();
  packet.network = packet.at + 14;
  packet.end = packet.network + 1420;
  // As the near end wrote it, but for the version.
  const view = pool.view;
  const other = new TunnelPair();
  other.run(demand(S), S);
  new Uint8Array(pool.buffer).fill(0, packet.network, packet.end);
  view.setUint8(packet.network, 0x45);
  view.setUint8(packet.network + 9, 17);
  view.setUint32(packet.network + 12, 0x64400002);
  view.setUint32(packet.network + 16, 0x64400001);
  view.setUint16(packet.network + 22, 49_376);
  view.setUint8(packet.network + 28, 2);
  t.equal(pair.far.heard(packet, (20 * S) as Micros), -1);
  t.equal(pair.far.strangers, 1);
  t.equal(pair.far.heard(packet, (20 * S + 1) as Micros), -1);
  pair.run([], 60 * S);
  t.equal(pair.far.strangers, 2);
  t.equal(pair.far.heartbeats, 1, "it is answered, now and then, so that both ends can tell");
  view.setUint16(packet.network + 22, 53);
  t.equal(pair.far.heard(packet, (2 * S) as Micros), 0, "and what is none at all is none");
  pool.release(packet);
  t.end();
});
