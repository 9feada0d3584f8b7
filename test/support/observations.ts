import fc from "fast-check";
import { DOWN, UP } from "../../src/packet/packet.js";
import { micros } from "../../src/time/micros.js";
import { Observation } from "../../src/trace/observation.js";

/** A packet, as far as sequences and their statistics look at it: `at` in µs, the length with the direction as its sign. */
export interface Seen {
  readonly at: number;
  readonly size: number;
}

/** An observation to look at. */
export function observed({ at, size }: Seen): Observation {
  const o = new Observation();
  o.at = micros(at);
  o.direction = size > 0 ? UP : DOWN;
  o.length = Math.abs(size);
  return o;
}

/** Traces of any length up to `most` packets, from epoch time on, with bursts, gaps of all sizes, and packets at the same moment. */
export function traces(most: number): fc.Arbitrary<Seen[]> {
  const gap = fc.oneof(fc.constant(0), fc.nat(300), fc.nat(50_000), fc.nat(20_000_000));
  const size = fc
    .oneof(fc.integer({ min: 42, max: 1514 }), fc.constantFrom(60, 1514))
    .chain((n) => fc.constantFrom(n, -n));
  const packets = fc.array(fc.tuple(gap, size), { maxLength: most, size: "max" });
  return packets.map((list) => {
    let at = 1_700_000_000e6;
    return list.map(([wait, one]) => ({ at: (at += wait), size: one }));
  });
}
