import { test } from "tap";
import fc from "fast-check";
import { Jitter } from "../../../src/defense/jitter.js";
import type { PadOptions } from "../../../src/defense/options.js";
import { Pad } from "../../../src/defense/pad/pad.js";
import { RunningVariance } from "../../../src/defense/running-variance.js";
import { DECOY, DOWN, Packet, UP } from "../../../src/packet/packet.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { micros, millis, NEVER, seconds } from "../../../src/time/micros.js";
import { OFF } from "../../support/box.js";
import { mechanismModules } from "../../support/mechanisms.js";

/** Frame lengths in, frame lengths on the wire out. */
function sizes(pad: Pad, lengths: readonly number[], direction: 0 | 1 = UP): number[] {
  return lengths.map((length) => {
    const packet = new Packet(0);
    packet.length = packet.wireLength = length;
    packet.direction = direction;
    pad.onPacket(packet, micros(0));
    return packet.length + packet.pad;
  });
}

function trailing(options: Pick<PadOptions, "target" | "trailer">, mtu: number): Pad {
  return new Pad({ ...OFF.pad, enabled: true, ...options }, mtu, mechanismModules());
}

test("pad: to the MTU", async (t) => {
  t.same(sizes(trailing({ target: "mtu", trailer: true }, 1500), [42, 66, 1514, 590]), [1514, 1514, 1514, 1514]);
});

test("pad: to a fixed size; what is larger is left as it is, and nothing grows beyond the MTU", async (t) => {
  t.same(sizes(trailing({ target: 600, trailer: true }, 1500), [42, 600, 601]), [600, 600, 601]);
  t.same(sizes(trailing({ target: 9000, trailer: true }, 1400), [42]), [1414]);
});

test("pad: to the running maximum, which a decoy follows and does not set", async (t) => {
  const pad = trailing({ target: "max", trailer: true }, 1500);
  t.same(sizes(pad, [60, 100, 60, 90]), [60, 100, 100, 100]);
  const decoy = new Packet(0);
  decoy.length = decoy.wireLength = 500;
  decoy.kind = DECOY;
  pad.onPacket(decoy, micros(0));
  t.equal(decoy.pad, 0);
  t.same(sizes(pad, [60]), [100]);
});

test("pad: the way down is left alone; without a mechanism nothing grows", async (t) => {
  t.same(sizes(trailing({ target: "mtu", trailer: true }, 1500), [60], DOWN), [60]);
  t.same(sizes(trailing({ target: "mtu", trailer: false }, 1500), [60]), [60]);
});

test("pad: toward the device, within what that card takes, and by a maximum of its own", async (t) => {
  const both = { ...OFF.pad, enabled: true, trailer: true, inside: true };
  const mtu = new Pad({ ...both, target: "mtu" }, 1500, mechanismModules(), 1400);
  t.same(sizes(mtu, [42, 1414], DOWN), [1414, 1414]);
  t.same(sizes(mtu, [42], UP), [1514]);
  const max = new Pad({ ...both, target: "max" }, 1500, mechanismModules());
  t.same(sizes(max, [900], UP), [900]);
  t.same(sizes(max, [60, 300, 60], DOWN), [60, 300, 300]);
  t.same(
    sizes(new Pad({ ...both, target: 600, trailer: false }, 1500, mechanismModules()), [42, 700], DOWN),
    [600, 700],
  );
});

/** Delays in µs that a jitter gives to packets at these times, ticking when it asks for it. */
function delays(jitter: Jitter, times: readonly number[], local = false): number[] {
  return times.map((time) => {
    while (jitter.wakeAt() <= time) jitter.onTick(jitter.wakeAt());
    const packet = new Packet(0);
    packet.arrivedAt = packet.departAt = micros(time);
    packet.local = local;
    jitter.onPacket(packet);
    return packet.departAt - time;
  });
}

/** Bursts of uneven gaps over `windows` windows of a second. */
function uneven(windows: number): number[] {
  const times: number[] = [];
  for (let w = 0; w < windows; w++) for (let i = 0; i < 20; i++) times.push(w * 1e6 + i * i * (500 + 300 * (w % 5)));
  return times;
}

test("jitter: nothing before there is a variance to take a multiple of", async (t) => {
  const jitter = new Jitter({ ...OFF.jitter, window: seconds(1) }, new SeededRandom("j"), micros(0));
  t.ok(delays(jitter, uneven(2)).every((delay) => delay === 0));
  const even = new Jitter({ ...OFF.jitter, window: seconds(1) }, new SeededRandom("j"), micros(0));
  const clockwork = Array.from({ length: 1000 }, (_, i) => i * 10_000);
  t.ok(
    delays(even, clockwork).every((delay) => delay < 1),
    "clockwork traffic has no variance to multiply",
  );
});

test("jitter: never negative, never above maxDelay, zero at ν = 0, larger with ν", async (t) => {
  const mean = (variance: number): number => {
    const jitter = new Jitter(
      { ...OFF.jitter, variance, window: seconds(1), maxDelay: seconds(60) },
      new SeededRandom("j"),
      micros(0),
    );
    const all = delays(jitter, uneven(200));
    return all.reduce((a, b) => a + b, 0) / all.length;
  };
  t.equal(mean(0), 0);
  t.ok(mean(1) > 0);
  // The scale goes with the square root of ν: 16 times the variance, 4 times the delay, with the same draws.
  t.ok(Math.abs(mean(16) / mean(1) - 4) < 0.2, `${mean(16).toFixed(0)} to ${mean(1).toFixed(0)}`);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 64 }),
      fc.integer({ min: 0, max: 50_000 }),
      fc.string(),
      (variance, bound, seed) => {
        const options = { enabled: true, variance, window: seconds(1), maxDelay: micros(bound) };
        return delays(new Jitter(options, new SeededRandom(seed), micros(0)), uneven(12)).every(
          (d) => d >= 0 && d <= bound,
        );
      },
    ),
  );
});

test("jitter: a scale far above maxDelay still spreads evenly below it", async (t) => {
  const jitter = new Jitter({ ...OFF.jitter, variance: 1e9, window: seconds(1) }, new SeededRandom("wide"), micros(0));
  const drawn = delays(jitter, uneven(400)).slice(100);
  const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
  t.ok(Math.abs(mean - 10_000) < 500, `mean ${mean.toFixed(0)} µs of a bound of 20,000`);
  t.ok(Math.max(...drawn) > 19_000 && Math.min(...drawn) < 1_000);
});

test("jitter: local packets and packets on the way down are not delayed", async (t) => {
  const jitter = new Jitter({ ...OFF.jitter, variance: 1e6, window: seconds(1) }, new SeededRandom("l"), micros(0));
  t.ok(delays(jitter, uneven(20)).some((delay) => delay > 0));
  t.ok(delays(jitter, [20e6, 20e6 + 1], true).every((delay) => delay === 0));
  t.equal(new Jitter({ ...OFF.jitter, variance: 0 }, new SeededRandom(""), micros(0)).wakeAt(), NEVER);
  t.ok(jitter.wakeAt() > millis(0));
});

test("running variance: equals the two-pass formula, and follows a change of habits", async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 400 }),
      (values) => {
        const running = new RunningVariance();
        for (const value of values) running.add(value);
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
        return Math.abs(running.mean - mean) < 1e-6 && Math.abs(running.variance - variance) < 1e-4;
      },
    ),
  );
  const running = new RunningVariance();
  for (let i = 0; i < 5000; i++) running.add(i % 2 === 0 ? 100 : -100);
  for (let i = 0; i < 5000; i++) running.add(i % 2);
  t.ok(running.variance < 5, `old windows fade: ${running.variance.toFixed(2)}`);
});
