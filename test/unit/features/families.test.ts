// Rows worked out by hand; test/property/families.property.test.ts has the rest.
import { test } from "tap";
import { Bursts } from "../../../src/features/bursts.js";
import { Cumul } from "../../../src/features/cumul.js";
import type { Family } from "../../../src/features/family.js";
import { Gaps } from "../../../src/features/gaps.js";
import { KFingerprint } from "../../../src/features/k-fingerprint.js";
import { Lengths } from "../../../src/features/lengths.js";
import { observed } from "../../support/observations.js";

/** The row of packets given as "milliseconds:length", those down with a minus. */
function row(family: Family, trace: string): Record<string, number> {
  for (const word of trace.split(" ")) {
    const [at, size] = word.split(":").map(Number);
    family.seen(observed({ at: (at ?? 0) * 1000, size: size ?? 0 }));
  }
  const values = new Float64Array(family.columns.length);
  family.write(values);
  return Object.fromEntries(family.columns.map((name, i) => [name, values[i] ?? NaN]));
}

const TRACE = "0:100 10:200 30:-1000 31:-1500 2500:60";

test("sequences", (t) => {
  t.same(Object.values(row(new Lengths(6), TRACE)), [100, 200, -1000, -1500, 60, 0]);
  t.same(Object.values(row(new Lengths(3, "directions"), TRACE)), [1, 1, -1]);
  t.same(row(new Gaps(6), TRACE), { gap_1: 0, gap_2: 0.01, gap_3: 0.02, gap_4: 0.001, gap_5: 2.469, gap_6: 0 });
  t.equal(new Lengths().columns.length, 1000);
  t.end();
});

test("bursts", (t) => {
  t.match(row(new Bursts(), TRACE), {
    bursts_up: 2,
    bursts_down: 1,
    burst_packets_up_mean: 1.5,
    burst_bytes_up_max: 300,
    burst_bytes_down_min: 2500,
    burst_seconds_up_max: 0.01,
    burst_seconds_up_min: 0,
  });
  t.match(row(new Bursts(), "0:1 1:1 2:1 3:1 4:1 5:1 6:-1"), { bursts_up_over_5: 1, bursts_up_over_10: 0 });
  t.end();
});

test("k-fingerprinting", (t) => {
  const found = row(new KFingerprint(), TRACE);
  t.match(found, {
    packets: 5,
    packets_up: 3,
    share_up: 0.6,
    bytes_down: 2500,
    seconds: 2.5,
    order_down_mean: 2.5,
    order_down_std: 0.5,
    first_down: 2,
    last_up: 3,
    chunk_up_max: 3,
    // Four parts a packet.
    part_8_up: 1,
    part_9_up: 0,
    part_17_up: 1,
    // 4, 0 and 1 packets in a second.
    rate_mean: 5 / 3,
    rate_median: 1,
    gap_down_mean: 0.001,
    time_50: 0.03,
    time_down_100: 0.031,
    bursts_up: 2,
  });
  t.ok(Math.abs((found["gap_up_max"] ?? NaN) - 2.49) < 1e-9);
  t.ok(Math.abs((found["length_down_median"] ?? NaN) - 1250) < 1250 / 64, "from a histogram");
  t.end();
});

test("CUMUL", (t) => {
  // Corners at (300, 300) and (2800, -2200), and the end at (2860, -2140).
  const found = row(new Cumul(10), TRACE);
  t.match(found, { packets_up: 3, packets_down: 2, bytes_up: 360, bytes_down: 2500, cumul_1: 286, cumul_2: 300 - 272 });
  t.equal(found["cumul_10"], -2140);
  t.equal(new Cumul().columns.length, 104);
  t.end();
});
