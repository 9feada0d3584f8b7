import { test } from "tap";
import fc from "fast-check";
import type { PaceOptions } from "../../../src/defense/options.js";
import { Pace } from "../../../src/defense/pace.js";
import { DECOY, DOWN, REAL, UP, type Direction } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { micros, millis, NEVER, seconds } from "../../../src/time/micros.js";
import { ALL, BUDGET, Box, DEVICE, OFF, options, ROUTER } from "../../support/box.js";
import { frame, over } from "../../support/frame.js";

const PACE: PaceOptions = { enabled: true, interval: millis(5), maxDelay: millis(20), maxGap: micros(0) };

interface Given {
  at: number;
  decoy?: boolean;
  local?: boolean;
  home?: boolean;
  ttl?: number;
  direction?: Direction;
  /** µs by which an earlier defense has delayed it. */
  delayed?: number;
}

/** A pace alone, and packets that somebody already delayed by nothing. */
class Bench {
  readonly pool = new Pool(1);
  readonly pace: Pace;

  constructor(given: Partial<PaceOptions> = {}) {
    const random = new SeededRandom("pace");
    this.pace = new Pace({ ...PACE, ...given }, { pool: this.pool, random, now: micros(0) });
  }

  /** When the packet leaves. */
  pass({ at, decoy = false, local = false, home = local, ttl = 64, direction = UP, delayed = 0 }: Given): number {
    const packet = this.pool.packet(0);
    packet.clear();
    packet.arrivedAt = micros(at);
    packet.departAt = micros(at + delayed);
    packet.direction = direction;
    packet.local = local;
    packet.home = home;
    packet.version = 4;
    packet.network = packet.at + 14;
    this.pool.view.setUint8(packet.network + 8, ttl);
    if (decoy) packet.kind = DECOY;
    this.pace.onPacket(packet);
    return packet.departAt;
  }

  all(given: readonly Given[]): number[] {
    return given.map((one) => this.pass(one));
  }

  refuse(departAt: number): void {
    const packet = this.pool.packet(0);
    packet.departAt = micros(departAt);
    this.pace.refused(packet);
  }

  /** Runs the gap filler until `until`; answers when decoys left. `grants` answers for the budget. */
  fill(until: number, grants: (at: number) => boolean = () => true): { left: number[]; asked: number[] } {
    const left: number[] = [];
    const asked: number[] = [];
    while (this.pace.wakeAt() <= until) {
      const now = this.pace.wakeAt();
      this.pace.onTick(now, {
        decoy: (_kind, at) => {
          asked.push(at);
          const departs = this.pass({ at, decoy: true });
          if (grants(at)) left.push(departs);
          else this.refuse(departs);
          return grants(at);
        },
        affordable: () => 1,
        kinds: ["tcp", "udp"],
      });
      if (this.pace.wakeAt() <= now) throw new Error("it spins");
    }
    return { left, asked };
  }
}

test("packets leave on the grid, one a slot", async (t) => {
  t.same(
    new Bench().all([{ at: 1 }, { at: 2 }, { at: 3 }, { at: 12_000 }, { at: 40_000 }]),
    [5000, 10_000, 15_000, 20_000, 40_000],
    "one that comes on a slot leaves in it",
  );
});

test("what would wait longer than maxDelay shares the last slot within it", async (t) => {
  const sent = new Bench().all([1, 2, 3, 4, 5, 6, 5001, 5002].map((at) => ({ at })));
  t.same(sent, [5000, 10_000, 15_000, 20_000, 20_000, 20_000, 25_000, 25_000]);
});

test("a slot that lies beyond maxDelay is not waited for", async (t) => {
  const bench = new Bench({ maxDelay: millis(2) });
  t.same(bench.all([1000, 3500, 3600, 5500, 8000].map((at) => ({ at }))), [1000, 5000, 5000, 5500, 10_000]);
  t.same(new Bench({ maxDelay: micros(0) }).all([{ at: 7 }, { at: 5000 }]), [7, 5000]);
});

test("a decoy takes a slot, and one ahead of time holds up nobody", async (t) => {
  const bench = new Bench();
  t.equal(bench.pass({ at: 1, decoy: true }), 5000);
  t.equal(bench.pass({ at: 2 }), 10_000, "the slot is taken");
  t.equal(bench.pass({ at: 20_000, decoy: true }), 20_000, "the second of a traceroute, planned at 0");
  t.same(bench.all([{ at: 3 }, { at: 10_001 }, { at: 10_002 }]), [15_000, 25_000, 30_000], "is left out");
  t.equal(bench.pass({ at: 3, decoy: true }), 35_000, "and a later decoy finds the first that nobody has");
});

test("a decoy that the budget refuses leaves no trace", async (t) => {
  const bench = new Bench({ maxGap: seconds(1) });
  bench.pass({ at: 1 });
  const departs = bench.pass({ at: 999_000, decoy: true });
  bench.refuse(departs);
  t.equal(bench.pass({ at: 999_500 }), 1_000_000, "its slot is free");
  const other = new Bench({ maxGap: seconds(1) });
  other.pass({ at: 1 });
  other.refuse(other.pass({ at: 999_000, decoy: true }));
  t.same(other.fill(1_100_000).left, [1_005_000], "and it filled no gap");
});

test("local traffic and the way down pass; a delay drawn before counts on top", async (t) => {
  const bench = new Bench();
  t.equal(bench.pass({ at: 1, local: true }), 1);
  t.equal(bench.pass({ at: 2, direction: DOWN }), 2);
  t.equal(bench.pass({ at: 3, delayed: 21_000 }), 25_000);
  t.equal(bench.pass({ at: 4 }), 25_000, "order before slots");
  t.equal(bench.pass({ at: 6_001 }), 25_000, "still bound by what left before");
  t.equal(bench.pass({ at: 10_001 }), 30_000);
});

/** Interval, bound, and gaps between arrivals: bursts and pauses. */
const cases = fc.record({
  interval: fc.integer({ min: 100, max: 20_000 }),
  maxDelay: fc.integer({ min: 0, max: 60_000 }),
  gaps: fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 50_000 })), { maxLength: 80 }),
  decoys: fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 80 }),
});

test("property: on the grid, one a slot, in order, never early, never later than maxDelay, and no slot wasted", async () => {
  fc.assert(
    fc.property(cases, ({ interval, maxDelay, gaps, decoys }) => {
      const bench = new Bench({ interval: micros(interval), maxDelay: micros(maxDelay) });
      const taken = new Set<number>();
      let at = 0;
      let last = -1;
      for (const [i, gap] of gaps.entries()) {
        at += gap;
        // Now and then a decoy, also ahead of time.
        const ahead = decoys[i] ?? 20;
        if (ahead < 10) {
          const departs = bench.pass({ at: at + ahead * 3000, decoy: true });
          if (departs < at + ahead * 3000 || departs % interval !== 0 || taken.has(departs)) return false;
          taken.add(departs);
        }
        const departs = bench.pass({ at });
        if (departs < at || departs > at + maxDelay || departs < last) return false;
        // The naive twin: the first slot behind the last packet that nobody has.
        let slot = Math.ceil(at / interval) * interval;
        while (slot <= last || taken.has(slot)) slot += interval;
        if (slot <= at + maxDelay) {
          if (departs !== slot) return false;
          taken.add(slot);
        } else if (departs % interval === 0) {
          if (departs !== last && departs + interval <= at + maxDelay) return false;
        } else if (departs !== at && departs !== last) return false;
        last = departs;
      }
      return true;
    }),
    { numRuns: 500 },
  );
});

test("gap filler: silent until the device has sent something, and off where it is 0", async (t) => {
  t.same(new Bench({ maxGap: seconds(1) }).fill(20e6).asked, []);
  t.equal(new Bench().pace.wakeAt(), NEVER);
  const local = new Bench({ maxGap: seconds(1) });
  local.pass({ at: 1, home: true });
  local.pass({ at: 1, decoy: true });
  local.pass({ at: 2, ttl: 1 });
  t.same(local.fill(20e6).asked, [], "what stays in the house, or dies at the router, is seen by nobody");
});

test("gap filler: no gap is longer than maxGap and a slot", async (t) => {
  const bench = new Bench({ maxGap: seconds(1) });
  const first = bench.pass({ at: 700_000 });
  const { left } = bench.fill(30e6);
  t.same(left.slice(0, 3), [1_700_000, 2_700_000, 3_700_000]);
  t.equal(first, 700_000);
  t.ok(left.length >= 29);
  // What the router drops fills no gap.
  bench.pass({ at: 30_100_000, ttl: 1 });
  bench.pass({ at: 30_100_000, home: true });
  t.same(bench.fill(30_700_000).left, [30_700_000]);
});

test("gap filler: a refusal is asked again after a second, not at once", async (t) => {
  const bench = new Bench({ maxGap: seconds(5) });
  bench.pass({ at: 0 });
  const { asked, left } = bench.fill(60e6, (at) => at > 20e6);
  t.same(
    asked.slice(0, 17),
    Array.from({ length: 17 }, (_, i) => 5e6 + i * 1e6),
  );
  t.equal(left[0], 21e6);
  t.equal(left[1], 26e6);
  const quick = new Bench({ maxGap: millis(100) });
  quick.pass({ at: 0 });
  t.equal(quick.fill(10e6, () => false).asked.length, 100, "a shorter gap asks at its own pace");
});

test("property: the gap filler keeps every gap within maxGap and a slot, whatever the device does", async () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4_000_000 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 100, max: 50_000 }),
      fc.integer({ min: 50_000, max: 3_000_000 }),
      (gaps, interval, maxGap) => {
        const bench = new Bench({ interval: micros(interval), maxGap: micros(maxGap) });
        const times: number[] = [];
        let at = 0;
        for (const gap of gaps) {
          at += gap;
          times.push(...bench.fill(at).left, bench.pass({ at }));
        }
        times.push(...bench.fill(at + 5 * maxGap).left);
        times.sort((a, b) => a - b);
        return times.every((time, i) => i === 0 || time - (times[i - 1] ?? 0) <= maxGap + interval);
      },
    ),
    { numRuns: 300 },
  );
});

test("gap filler: decoys look like what the configuration lets them", async (t) => {
  for (const [kinds, seen] of [
    [
      ["tcp", "udp", "icmp", "traceroute"],
      ["tcp", "udp"],
    ],
    [["udp", "icmp"], ["udp"]],
    [["tcp"], ["tcp"]],
    [["traceroute"], ["icmp"]],
  ] as const) {
    const bench = new Bench({ maxGap: seconds(1) });
    const asked = new Set<string>();
    bench.pass({ at: 0 });
    for (let i = 1; i < 40; i++) {
      const decoy = (kind: string): boolean => {
        asked.add(kind);
        return true;
      };
      bench.pace.onTick(seconds(i * 2), { decoy, affordable: () => 1, kinds });
    }
    t.same([...asked].sort(), seen);
  }
});

/* ---- in the whole datapath ---- */

const paced = (pace: Partial<PaceOptions>, jitter = false): ReturnType<typeof options> =>
  options({ ...OFF, pace: { ...PACE, ...pace }, jitter: { ...ALL.jitter, enabled: jitter } });

function up(number: number, to = "198.51.100.7"): Uint8Array {
  const payload = new Uint8Array(20);
  over(payload).setUint32(0, number);
  return frame({ source: DEVICE, destination: ROUTER, from: "192.168.1.5", to, payload });
}

/** The numbers of the device's packets that left toward the cloud, as they left, and when. */
function departures(box: Box): { numbers: number[]; times: number[] } {
  const real = box.cards.outside.sent.filter(({ kind, bytes }) => kind === REAL && over(bytes).getUint8(30) === 198);
  return { numbers: real.map(({ bytes }) => over(bytes).getUint32(42)), times: real.map(({ at }) => at) };
}

test("in the datapath: slots behind jitter's delays, local traffic beside them", async (t) => {
  const box = new Box(paced({}, true));
  const arrivals: number[] = [];
  for (let w = 0; w < 20; w++) for (let i = 0; i < 12; i++) arrivals.push(w * 2e6 + i * i * (500 + 300 * (w % 5)) + 7);
  arrivals.forEach((at, i) => {
    box.cards.inside.push(up(i), micros(at));
    if (i % 12 === 5) box.cards.inside.push(up(i, "192.168.1.77"), micros(at + 1));
  });
  box.drain();
  const { numbers, times } = departures(box);
  t.same(
    numbers,
    arrivals.map((_, i) => i),
    "all, in order",
  );
  t.ok(
    times.every((at) => at % 5000 === 0),
    "on the grid",
  );
  t.ok(
    times.every((at, i) => at >= (arrivals[i] ?? 0) && at <= (arrivals[i] ?? 0) + 40_000),
    "20 ms of each at most",
  );
  t.ok(
    times.some((at, i) => at > (arrivals[i] ?? 0) + 21_000),
    "and both delay",
  );
  const local = box.cards.outside.sent.filter(({ bytes }) => over(bytes).getUint8(30) === 192);
  t.same(
    local.map(({ at }) => at),
    arrivals.filter((_, i) => i % 12 === 5).map((at) => at + 1),
  );
});

test("in the datapath: order holds over changes of the configuration while packets are held", async (t) => {
  const box = new Box(paced({}));
  for (let i = 0; i < 400; i++) box.cards.inside.push(up(i), micros(1 + i * 700));
  const changes = [
    paced({ interval: millis(20), maxDelay: millis(100) }),
    options(OFF),
    paced({ interval: millis(1) }),
    paced({ interval: millis(7), maxDelay: micros(0) }),
    paced({ interval: millis(50), maxDelay: millis(200) }, true),
    paced({}),
  ];
  for (const [i, change] of changes.entries()) {
    box.run(micros((i + 1) * 40_000));
    if (i % 2 === 1) t.ok(box.datapath.held > 0, "something is held");
    box.datapath.apply(change, box.now);
  }
  box.drain();
  const { numbers, times } = departures(box);
  t.same(
    numbers,
    Array.from({ length: 400 }, (_, i) => i),
  );
  t.ok(times.every((at, i) => at >= 1 + i * 700));
});

test("in the datapath: the gap filler needs no other defense to wake it, and its decoys are within the budget", async (t) => {
  const box = new Box(paced({ maxGap: seconds(1) }));
  box.run(seconds(5));
  t.equal(box.cards.outside.sent.length, 0, "an idle device sends nothing");
  for (const at of [5.3, 5.31, 9.9]) box.cards.inside.push(up(0), seconds(at));
  box.run(seconds(30));
  const times = box.cards.outside.sent.map(({ at }) => at);
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  t.ok(Math.max(...gaps) <= 1_005_000, `the longest gap is ${String(Math.max(...gaps))} µs`);
  t.ok(times.every((at) => at % 5000 === 0));
  t.equal(box.count("up.decoy_packets"), times.length - 3);
  t.equal(box.count("decoys_refused_rate"), 0);

  const broke = new Box({
    ...paced({ maxGap: seconds(1) }),
    devices: paced({ maxGap: seconds(1) }).devices.map((device) => ({
      ...device,
      budget: { ...BUDGET, perMonth: 500 },
    })),
  });
  broke.cards.inside.push(up(0), seconds(1));
  broke.run(seconds(60));
  const spent = broke.count("up.decoy_packets");
  t.ok(spent >= 4 && spent <= 6, `${String(spent)} decoys in 500 bytes`);
  t.equal(broke.count("decoys_refused_month"), 59 - spent);
  t.ok(broke.count("turns") < 1000, "and no spinning");
});
