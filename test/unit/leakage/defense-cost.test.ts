import { test } from "tap";
import { totalCost } from "../../../src/leakage/defense-cost.js";

const volume = (upPackets: number, upBytes: number, downPackets: number, downBytes: number) => ({
  up: { packets: upPackets, bytes: upBytes },
  down: { packets: downPackets, bytes: downBytes },
});

void test("volumes add up, delays do not", (t) => {
  const cost = totalCost([
    { before: volume(10, 1000, 10, 9000), after: volume(20, 3000, 10, 9000), added_delay_ms: { p50: 1, p99: 4 } },
    {
      before: volume(80, 8000, 100, 82_000),
      after: volume(90, 20_000, 100, 82_000),
      added_delay_ms: { p50: 3, p99: 9 },
    },
    { before: volume(5, 0, 0, 0), after: volume(5, 0, 0, 0), added_delay_ms: { p50: 50, p99: 60 } },
  ]);
  t.same(cost.before, volume(95, 9000, 110, 91_000));
  t.same(cost.after, volume(115, 23_000, 110, 91_000));
  t.same(cost.overhead, { bytes: 0.14, packets: 20 / 205 });
  t.same(cost.added_delay_ms, { p50: 3, p99: 60 }, "the large capture's median, the worst 99th");
  t.end();
});

void test("of nothing nothing was added", (t) => {
  const cost = totalCost([]);
  t.same(cost.overhead, { bytes: 0, packets: 0 });
  t.same(cost.added_delay_ms, { p50: 0, p99: 0 });
  t.end();
});
