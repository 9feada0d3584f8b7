import { test } from "tap";
import fc from "fast-check";
import type { Micros } from "../../src/time/micros.js";
import { PATH, TunnelPair, demand, type Given } from "../support/tunnel-pair.js";

const S = 1e6;
const RUNS = { numRuns: 60, verbose: false } as const;

/** Packets within the first second of an episode: too few to keep it going. */
const chatter = fc.array(
  fc.record({ at: fc.nat(S), up: fc.boolean(), bytes: fc.oneof(fc.integer({ min: 40, max: 1380 }), fc.constant(52)) }),
  { maxLength: 20 },
);
const starts = fc.array(fc.integer({ min: 9, max: 40 }), { minLength: 1, maxLength: 4 });

/** Demands so many seconds apart, and what else passes in each of their episodes. */
function traffic(gaps: readonly number[], said: readonly (readonly Given[])[]): Given[] {
  let at = 0;
  return gaps.flatMap((gap, i) => {
    at += gap * S;
    const own = (said[i] ?? []).map((given) => ({ ...given, at: at + given.at }));
    return [...demand(at), ...own].sort((a, b) => a.at - b.at);
  });
}

test("when and how much passes depends on when episodes begin and on nothing else", (t) => {
  fc.assert(
    fc.property(
      ...[
        starts,
        fc.array(chatter, { minLength: 4, maxLength: 4 }),
        fc.array(chatter, { minLength: 4, maxLength: 4 }),
        fc.string(),
      ],
      (gaps, one, other, seed) => {
        const options = { seed, heartbeat: (9.5 * S) as Micros, decoys: true, perMonth: 60e9 };
        const [a, b] = [one, other].map((said) => new TunnelPair(options).run(traffic(gaps, said), 200 * S));
        if (a === undefined || b === undefined) return false;
        // A heartbeat or a decoy may come before a demand and be the one that begins: then both have the same. But where a decoy's episode is
        // nearly over as a demand comes, the demand and what passes with it decide whether another follows, which is a beginning too.
        const within = a.near.demands < gaps.length;
        if (within && a.near.followers !== b.near.followers) return true;
        return (
          JSON.stringify(a.up) === JSON.stringify(b.up) &&
          JSON.stringify(a.down) === JSON.stringify(b.down) &&
          a.came.up.length >= gaps.length
        );
      },
    ),
    RUNS,
  );
  t.end();
});

const any = fc.array(
  fc.record({
    gap: fc.oneof({ weight: 9, arbitrary: fc.nat(30_000) }, { weight: 1, arbitrary: fc.nat(20 * S) }),
    up: fc.boolean(),
    bytes: fc.integer({ min: 40, max: 1500 }),
  }),
  { maxLength: 400, size: "max" },
);
const settings = fc.record({
  plans: fc.integer({ min: 1, max: 8 }),
  faster: fc.integer({ min: 1, max: 4 }),
  burst: fc.constantFrom(0, 0.5 * S, 2 * S),
  down: fc.constantFrom(5_000, 16_500, 40_000),
  heartbeat: fc.constantFrom(2 * S, 9.5 * S),
  queue: fc.constantFrom(8, 64, 1024),
  decoys: fc.boolean(),
  always: fc.boolean(),
});

test("whatever comes: one size, order, none early, none lost but those refused, each once", (t) => {
  fc.assert(
    fc.property(any, settings, fc.string(), (packets, { burst, down, heartbeat, ...own }, seed) => {
      let at = 0;
      const given = packets.map(({ gap, up, bytes }) => ({ at: (at += gap), up, bytes }));
      const options = {
        ...own,
        seed,
        perMonth: 30e9,
        burst: burst as Micros,
        down: down as Micros,
        heartbeat: heartbeat as Micros,
      };
      const pair = new TunnelPair(options).run(given, at + 60 * S);
      const { up, down: back } = pair.came;
      const sizes = new Set([...pair.up, ...pair.down].map(([, bytes]) => bytes));
      const inOrder = (came: typeof up): boolean => came.every(({ number }, i) => number > (came[i - 1]?.number ?? -1));
      const slots = new Set(pair.up.map(([left]) => left + PATH));
      return (
        [...sizes].every((bytes) => bytes === 1420) &&
        inOrder(up) &&
        inOrder(back) &&
        [...up, ...back].every((came) => came.at >= came.given + PATH) &&
        up.every((came) => slots.has(came.at)) &&
        up.length + back.length + pair.refused + pair.near.queue.size + pair.far.queue.size === given.length &&
        // All but what a gateway holds that was never asked.
        pair.near.queue.size === 0 &&
        pair.held === pair.near.queue.size + pair.far.queue.size
      );
    }),
    RUNS,
  );
  t.end();
});

test("carriers that are lost take only what they carried", (t) => {
  fc.assert(
    fc.property(any, fc.array(fc.nat(300), { maxLength: 60 }), (packets, lost) => {
      let at = 0;
      const given = packets.map(({ gap, up, bytes }) => ({ at: (at += gap), up, bytes: Math.min(bytes, 1380) }));
      const pair = new TunnelPair({ heartbeat: (2 * S) as Micros, loses: (_, n) => lost.includes(n) });
      pair.run(given, at + 60 * S);
      const { up, down } = pair.came;
      return (
        [up, down].every((came) => came.every(({ number }, i) => number > (came[i - 1]?.number ?? -1))) &&
        pair.near.queue.size === 0 &&
        pair.held === pair.far.queue.size
      );
    }),
    RUNS,
  );
  t.end();
});
