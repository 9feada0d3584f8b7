// Each family of features against a computation from the whole trace at once, in plain arrays.
import fc from "fast-check";
import { test } from "tap";
import { Bursts } from "../../src/features/bursts.js";
import { Cumul } from "../../src/features/cumul.js";
import { STATISTICS } from "../../src/features/distribution.js";
import type { Family } from "../../src/features/family.js";
import { FamilyWindows } from "../../src/features/family-windows.js";
import { Gaps } from "../../src/features/gaps.js";
import { KFingerprint } from "../../src/features/k-fingerprint.js";
import { Lengths } from "../../src/features/lengths.js";
import { observed, traces, type Seen } from "../support/observations.js";

type Row = Record<string, number>;

function row(family: Family): Row {
  const values = new Float64Array(family.columns.length + 2).fill(NaN);
  family.write(values, 1);
  if (!Number.isNaN(values[0]) || !Number.isNaN(values.at(-1))) throw new Error("it wrote beyond its columns");
  return Object.fromEntries(family.columns.map((name, i) => [name, values[i + 1] ?? NaN]));
}

function rowOf(family: Family, trace: readonly Seen[]): Row {
  for (const seen of trace) family.seen(observed(seen));
  return row(family);
}

/** All agree, within a share of the larger that `slack` allows. */
function agree(found: Row, expected: Row, slack: (column: string) => number = () => 0): void {
  const [a, b] = [Object.keys(found), Object.keys(expected)];
  if (new Set(a).size !== a.length) throw new Error("two columns have one name");
  if (a.join() !== b.join()) throw new Error(`columns ${a.join()}\nexpected ${b.join()}`);
  for (const name of a) {
    const [one, other] = [found[name] ?? NaN, expected[name] ?? NaN];
    const most = Math.max(Math.abs(one), Math.abs(other));
    if (!(Math.abs(one - other) <= 1e-9 + (slack(name) + 1e-9) * most))
      throw new Error(`${name}: ${one}, expected ${other}`);
  }
}

// What follows is written for clarity alone.

const sum = (values: readonly number[]): number => values.reduce((all, v) => all + v, 0);
const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length);
const deviation = (values: readonly number[]): number => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
const isUp = ({ size }: Seen): boolean => size > 0;
const isDown = ({ size }: Seen): boolean => size < 0;
const bytes = (list: readonly Seen[]): number => sum(list.map(({ size }) => Math.abs(size)));
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low = 0, high = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

function statistics(name: string, values: readonly number[]): [string, number][] {
  const [min, max] = values.length === 0 ? [0, 0] : [Math.min(...values), Math.max(...values)];
  const all = [mean(values), deviation(values), min, max, ...[0.25, 0.5, 0.75].map((q) => quantile(values, q))];
  return STATISTICS.map((statistic, i) => [`${name}_${statistic}`, all[i] ?? NaN]);
}

function gapsOf(list: readonly Seen[]): number[] {
  return list.slice(1).map(({ at }, i) => (at - (list[i]?.at ?? 0)) / 1e6);
}

function naiveBursts(trace: readonly Seen[]): Row {
  const bursts: Seen[][] = [];
  for (const seen of trace) {
    const last = bursts.at(-1);
    if (last?.[0] !== undefined && isUp(last[0]) === isUp(seen)) last.push(seen);
    else bursts.push([seen]);
  }
  const span = (list: readonly Seen[]): number => ((list.at(-1)?.at ?? 0) - (list[0]?.at ?? 0)) / 1e6;
  return Object.fromEntries(
    (["up", "down"] as const).flatMap((way) => {
      const own = bursts.filter((burst) => burst.every(way === "up" ? isUp : isDown));
      return [
        [`bursts_${way}`, own.length],
        ...[5, 10, 20].map((n) => [`bursts_${way}_over_${n}`, own.filter((burst) => burst.length > n).length]),
        ...statistics(
          `burst_packets_${way}`,
          own.map((burst) => burst.length),
        ),
        ...statistics(`burst_bytes_${way}`, own.map(bytes)),
        ...statistics(`burst_seconds_${way}`, own.map(span)),
      ] as [string, number][];
    }),
  );
}

function naiveFingerprint(trace: readonly Seen[]): Row {
  const start = trace[0]?.at ?? 0;
  const [up, down] = [trace.filter(isUp), trace.filter(isDown)];
  const seconds = trace.map(({ at }) => (at - start) / 1e6);
  const chunks = trace.flatMap((_, i) => (i % 20 === 0 ? [trace.slice(i, i + 20).filter(isUp).length] : []));
  const rates = new Array<number>(trace.length === 0 ? 0 : Math.floor(seconds.at(-1) ?? 0) + 1).fill(0);
  for (const second of seconds) rates[Math.floor(second)] = (rates[Math.floor(second)] ?? 0) + 1;
  // A packet counts for the share of it that lies in a part.
  const parts = Array.from({ length: 20 }, (_, k) => {
    const [from, to] = [(trace.length * k) / 20, (trace.length * (k + 1)) / 20];
    const within = trace.map((seen, i) => (isUp(seen) ? Math.max(0, Math.min(to, i + 1) - Math.max(from, i)) : 0));
    return ratio(sum(within), trace.length / 20);
  });
  const ways = [trace, up, down] as const;
  const suffixes = ["", "_up", "_down"] as const;
  const quarters = [0.25, 0.5, 0.75, 1] as const;
  const orders = [isUp, isDown].map((is) => trace.flatMap((seen, i) => (is(seen) ? [i] : [])));
  return {
    packets: trace.length,
    packets_up: up.length,
    packets_down: down.length,
    share_up: ratio(up.length, trace.length),
    bytes_up: bytes(up),
    bytes_down: bytes(down),
    share_bytes_up: ratio(bytes(up), bytes(trace)),
    seconds: seconds.at(-1) ?? 0,
    order_up_mean: mean(orders[0] ?? []),
    order_up_std: deviation(orders[0] ?? []),
    order_down_mean: mean(orders[1] ?? []),
    order_down_std: deviation(orders[1] ?? []),
    first_up: trace.slice(0, 30).filter(isUp).length,
    first_down: trace.slice(0, 30).filter(isDown).length,
    last_up: trace.slice(-30).filter(isUp).length,
    last_down: trace.slice(-30).filter(isDown).length,
    ...Object.fromEntries(statistics("chunk_up", chunks)),
    ...Object.fromEntries(parts.map((part, i) => [`part_${i + 1}_up`, part])),
    ...Object.fromEntries(statistics("rate", rates)),
    ...Object.fromEntries(ways.flatMap((list, i) => statistics(`gap${suffixes[i] ?? ""}`, gapsOf(list)))),
    ...Object.fromEntries(
      ways.flatMap((list, i) =>
        quarters.map((q) => {
          const times = list.map(({ at }) => (at - start) / 1e6);
          return [`time${suffixes[i] ?? ""}_${q * 100}`, quantile(times, q)];
        }),
      ),
    ),
    ...Object.fromEntries(
      [up, down].flatMap((list, i) =>
        statistics(
          `length${suffixes[i + 1] ?? ""}`,
          list.map(({ size }) => Math.abs(size)),
        ),
      ),
    ),
    ...naiveBursts(trace),
  };
}

function naiveCumul(trace: readonly Seen[], points: number): Row {
  const [up, down] = [trace.filter(isUp), trace.filter(isDown)];
  const corners = trace.map(
    (_, i) => [bytes(trace.slice(0, i + 1)), sum(trace.slice(0, i + 1).map(({ size }) => size))] as const,
  );
  const curve = [[0, 0] as const, ...corners];
  const height = (x: number): number => {
    const right = curve.findIndex(([a]) => a >= x);
    const [x1 = 0, y1 = 0] = curve[right] ?? [];
    const [x0, y0] = curve[right - 1] ?? [x1, y1];
    return x1 === x0 ? y1 : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
  };
  const whole = bytes(trace);
  return {
    packets_up: up.length,
    packets_down: down.length,
    bytes_up: bytes(up),
    bytes_down: bytes(down),
    ...Object.fromEntries(
      Array.from({ length: points }, (_, i) => [`cumul_${i + 1}`, height((whole * (i + 1)) / points)]),
    ),
  };
}

function naiveSequence(prefix: string, values: readonly number[], count: number): Row {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}_${i + 1}`, values[i] ?? 0]));
}

/** Quartiles of what is above 63 come from a histogram. */
const bucketed = (column: string): number => (/_(q1|median|q3)$/.test(column) ? 1 / 64 : 0);

const FAMILIES: readonly [string, () => Family, (trace: readonly Seen[]) => Row, ((column: string) => number)?][] = [
  [
    "lengths",
    () => new Lengths(50),
    (trace) =>
      naiveSequence(
        "length",
        trace.map(({ size }) => size),
        50,
      ),
  ],
  [
    "directions",
    () => new Lengths(50, "directions"),
    (trace) =>
      naiveSequence(
        "direction",
        trace.map(({ size }) => Math.sign(size)),
        50,
      ),
  ],
  ["gaps", () => new Gaps(50), (trace) => naiveSequence("gap", [0, ...gapsOf(trace)], 50)],
  ["bursts", () => new Bursts(), naiveBursts, bucketed],
  ["k-fingerprinting", () => new KFingerprint(), naiveFingerprint, bucketed],
  ["cumul", () => new Cumul(30), (trace) => naiveCumul(trace, 30)],
];

for (const [name, make, naive, slack] of FAMILIES) {
  test(`${name}: every trace has the row that all of it at once gives, asked often or once, after others or first`, async () => {
    const used = make();
    fc.assert(
      fc.property(traces(150), fc.nat(150), (trace, pause) => {
        agree(rowOf(make(), trace), naive(trace), slack);
        used.clear();
        rowOf(used, trace.slice(0, pause));
        agree(rowOf(used, trace.slice(pause)), naive(trace), slack);
      }),
      { numRuns: 150, examples: [[[], 0]] },
    );
  });

  test(`${name}: a long trace costs no more memory, and its row is still finite and repeatable`, async (t) => {
    const family = make();
    const few: Seen[] = Array.from({ length: 997 }, (_, i) => ({
      at: i * 1000,
      size: (i * i) % 3 === 0 ? 1514 : -60 - i,
    }));
    const again = few.map((seen) => observed(seen));
    const feed = (rounds: number): void => {
      for (let round = 0; round < rounds; round++)
        for (const [i, o] of again.entries()) {
          o.at = ((round * 997 + i) * 1000) as typeof o.at;
          family.seen(o);
        }
    };
    feed(2);
    const before = process.memoryUsage().arrayBuffers;
    feed(400);
    t.ok(process.memoryUsage().arrayBuffers <= before, "no buffer was made");
    const first = row(family);
    t.ok(Object.values(first).every(Number.isFinite));
    family.clear();
    t.same(
      Object.values(row(family)),
      family.columns.map(() => 0),
      "cleared, it is that of no trace",
    );
    feed(2);
    feed(400);
    t.same(row(family), first);
  });
}

test("beyond what is kept, the course of a trace is off by no more than its stride", async () => {
  fc.assert(
    fc.property(traces(150), (trace) => {
      const whole = rowOf(new Cumul(20, 4096), trace);
      const thinned = rowOf(new Cumul(20, 8), trace);
      // Between two corners that are kept the curve is a line: it leaves the true one by less than the bytes of the packets between.
      const most = (2 * trace.length * 1514) / 4 + 2 * 1514;
      for (const name of Object.keys(whole)) {
        const off = Math.abs((whole[name] ?? NaN) - (thinned[name] ?? NaN));
        if (!(off <= (name.startsWith("cumul") ? most : 0)) || (name === "cumul_20" && off > 1e-6))
          throw new Error(`${name}: off by ${off}`);
      }
    }),
  );
});

test("families are cut as the twelve features are", async () => {
  fc.assert(
    fc.property(
      traces(80),
      fc.constantFrom("packets", "time", "trace"),
      fc.constantFrom("both", "up", "down"),
      fc.integer({ min: 1, max: 30 }),
      (trace, cut, direction, n) => {
        const size = cut === "time" ? n * 300_000 : n;
        const rows: string[] = [];
        const windows = new FamilyWindows({ cut, size, direction }, new Lengths(100), {
          row(values, index, whole) {
            const kept = [...values].filter((v) => v !== 0);
            rows.push(`${index} ${kept.join()}${whole ? "" : " …"}`);
          },
        });
        for (const seen of trace) windows.seen(observed(seen));
        windows.end();
        const counted = trace.filter((seen) => direction === "both" || (direction === "up") === isUp(seen));
        const groups = new Map<number, number[]>();
        for (const [i, { at, size: signed }] of counted.entries()) {
          const key =
            cut === "packets"
              ? Math.floor(i / size)
              : cut === "time"
                ? Math.floor((at - (trace[0]?.at ?? 0)) / size)
                : 0;
          groups.set(key, [...(groups.get(key) ?? []), signed]);
        }
        const last = [...groups.keys()].at(-1);
        const over = (trace.at(-1)?.at ?? 0) - (trace[0]?.at ?? 0);
        const expected = [...groups].map(([key, list]) => {
          const whole =
            cut === "trace" ||
            key !== last ||
            (cut === "packets" ? list.length === size : Math.floor(over / size) > key);
          return `${key} ${list.join()}${whole ? "" : " …"}`;
        });
        if (rows.join("\n") !== expected.join("\n"))
          throw new Error(`${rows.join("\n")}\nexpected\n${expected.join("\n")}`);
      },
    ),
  );
});
