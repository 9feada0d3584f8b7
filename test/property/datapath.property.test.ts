import { createHash } from "node:crypto";
import { test } from "tap";
import fc from "fast-check";
import { ICMP, TCP, UDP } from "../../src/wire/protocol.js";
import { micros, millis, seconds } from "../../src/time/micros.js";
import { ALL, BUDGET, Box, DEVICE, OFF, options, ROUTER } from "../support/box.js";
import { frame, over } from "../support/frame.js";

/** Traffic of a device: kinds, gaps and sizes at random; some of it garbage; some down. The IPv4 identification numbers each direction. */
const traffic = fc.array(
  fc.record({
    gap: fc.oneof({ weight: 8, arbitrary: fc.nat(5_000) }, { weight: 1, arbitrary: fc.nat(300_000) }),
    protocol: fc.constantFrom(TCP, UDP, ICMP),
    size: fc.nat(1400),
    port: fc.nat(5),
    up: fc.boolean(),
    garbage: fc.oneof(
      { weight: 19, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 200 }) },
    ),
  }),
  { maxLength: 300, size: "max" },
);

const settings = fc.record({
  pad: fc.boolean(),
  jitter: fc.boolean(),
  decoy: fc.boolean(),
  pace: fc.boolean(),
  window: fc.boolean(),
  variance: fc.constantFrom(0, 0.5, 2, 64, 1e6),
  maxDelay: fc.constantFrom(0, 1, 20, 500),
  queue: fc.constantFrom(4, 64, 1024),
});
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

function defended(s: Settings) {
  return options({
    ...ALL,
    pad: { ...ALL.pad, enabled: s.pad },
    jitter: {
      ...ALL.jitter,
      enabled: s.jitter,
      variance: s.variance,
      maxDelay: millis(s.maxDelay),
      window: millis(100),
    },
    decoy: { ...ALL.decoy, enabled: s.decoy, variance: s.variance, window: millis(100) },
    pace: { enabled: s.pace, interval: millis(2), maxDelay: millis(s.maxDelay), maxGap: millis(50) },
    window: { ...ALL.window, enabled: s.window },
  });
}

/** How long a packet may be held: jitter and pace each have their say. */
function longest({ maxDelay, pace }: Settings): number {
  return millis(pace ? 2 * maxDelay : maxDelay);
}

type Traffic = typeof traffic extends fc.Arbitrary<infer T> ? T : never;

function play(
  all: Traffic,
  s: Settings,
  changes: readonly Settings[],
  seed: string,
): { box: Box; arrivals: [Map<number, number>, Map<number, number>] } {
  const box = new Box(defended(s), { seed, queue: s.queue, slots: 4096 });
  const arrivals: [Map<number, number>, Map<number, number>] = [new Map<number, number>(), new Map<number, number>()];
  let now = 0;
  all.forEach((p, i) => {
    now += p.gap;
    const ends = p.up
      ? { source: DEVICE, destination: ROUTER, from: "192.168.1.5", to: "198.51.100.7" }
      : { source: ROUTER, destination: DEVICE, from: "198.51.100.7", to: "192.168.1.5" };
    const bytes =
      p.garbage ??
      frame({ ...ends, protocol: p.protocol, sourcePort: 40_000 + p.port, payload: new Uint8Array(p.size) });
    if (p.garbage === null) {
      over(bytes).setUint16(18, i);
      arrivals[p.up ? 0 : 1].set(i, now);
    }
    (p.up ? box.cards.inside : box.cards.outside).push(bytes, micros(now));
  });
  for (const change of changes) {
    box.run(micros(box.now + now / (changes.length + 1)));
    box.datapath.apply(defended(change), box.now);
  }
  box.drain();
  return { box, arrivals };
}

test("every packet leaves once or is counted once; order holds; no delay above its bound; no slot is lost", async (t) => {
  fc.assert(
    fc.property(traffic, settings, fc.array(settings, { maxLength: 4 }), fc.string(), (all, s, changes, seed) => {
      const { box, arrivals } = play(all, s, changes, seed);
      const bound = Math.max(longest(s), ...changes.map(longest));
      for (const [direction, nic] of [box.cards.outside, box.cards.inside].entries()) {
        const name = direction === 0 ? "up" : "down";
        const accounted = ["packets_out", "swallowed_packets", "drop_oversize", "drop_queue-full"].map((c) =>
          box.count(`${name}.${c}`),
        );
        if (box.count(`${name}.packets_in`) !== accounted.reduce((a, b) => a + b, 0)) return false;
        const real = nic.sent.filter(
          ({ kind, bytes }) => kind === 0 && bytes.length > 34 && over(bytes).getUint16(12) === 0x800,
        );
        const numbers = real.map(({ bytes }) => over(bytes).getUint16(18)).filter((id) => arrivals[direction]?.has(id));
        if (new Set(numbers).size !== numbers.length) return false;
        if (numbers.some((id, i) => i > 0 && id < (numbers[i - 1] ?? 0))) return false;
        if (
          real.some(({ at, bytes }) => at - (arrivals[direction]?.get(over(bytes).getUint16(18)) ?? at) > bound + 0.5)
        )
          return false;
      }
      return box.pool.available === box.pool.capacity;
    }),
    { numRuns: 150 },
  );
  t.pass();
});

test("same seed, same bytes; another seed, other times", async (t) => {
  const digest = (all: Traffic, s: Settings, seed: string): string => {
    const { box } = play(all, s, [], seed);
    const hash = createHash("sha256");
    for (const { at, bytes } of box.cards.outside.sent) hash.update(`${String(at)} `).update(bytes);
    return hash.digest("hex");
  };
  fc.assert(
    fc.property(traffic, settings, fc.string(), (all, s, seed) => digest(all, s, seed) === digest(all, s, seed)),
    { numRuns: 40 },
  );
  const many = Array.from({ length: 600 }, (_, i): Traffic[number] => {
    const gap = i % 50 === 0 ? 900_000 : 1_000 * (1 + (i % 9));
    return { gap, protocol: i % 3 === 0 ? TCP : UDP, size: i, port: i % 5, up: true, garbage: null };
  });
  const on = { pad: true, jitter: true, decoy: true, pace: false, window: true };
  const strong: Settings = { ...on, variance: 64, maxDelay: 500, queue: 1024 };
  t.not(digest(many, strong, "a"), digest(many, strong, "b"));
});

test("decoys never cost more than the budget allows", async (t) => {
  const small = { ...BUDGET, packetsPerSecond: 5, bytesPerSecond: 8_000, perMonth: 60_000 };
  fc.assert(
    fc.property(traffic, fc.string(), (all, seed) => {
      const box = new Box(options({ ...OFF, decoy: { ...ALL.decoy, variance: 64, window: seconds(1) } }, small), {
        seed,
      });
      let now = 0;
      for (const p of all) {
        now += p.gap;
        const payload = new Uint8Array(p.size);
        box.cards.inside.push(
          frame({ source: DEVICE, destination: ROUTER, protocol: p.protocol, payload }),
          micros(now),
        );
      }
      box.drain();
      const decoys = box.cards.outside.sent.filter(({ kind }) => kind === 1);
      const bytes = decoys.reduce((n, d) => n + d.bytes.length, 0);
      const span = now / 1e6;
      return bytes <= 60_000 && decoys.length <= 5 * (span + 2) && bytes <= 8_000 * (span + 2);
    }),
    { numRuns: 60 },
  );
  t.pass();
});
