import { uniform, type Random } from "../random/random.js";
import type { FrameBuilder, Host } from "./frame-builder.js";
import type { Keystream } from "./keystream.js";
import type { Pace } from "./plan.js";

/** Bits per second of the link between speaker and router (A): what back-to-back frames are apart. */
const LINK_RATE = 100e6;
/** Written bytes leave in bursts so far apart (A, microseconds): with them the gap between most packets is about 100 µs (3.1 M). */
const BURST = 20_000;
/** Round trips to the cloud (A, microseconds), drawn once for each address. */
const ROUND_TRIP = [8_000, 25_000] as const;

/** Microseconds that a frame takes on the link. */
export function gap(frameBytes: number): number {
  return (frameBytes * 8e6) / LINK_RATE;
}

/** The bytes of phases, gathered into bursts; times from the first phase's start. */
export function* bursts(paces: readonly Pace[]): Generator<{ at: number; bytes: number }> {
  let begun = 0;
  for (const { bytes, span, chunk } of paces) {
    let sent = 0;
    for (let at = 0; sent < bytes; at += BURST) {
      // Whole chunks, as many as are due at the end of this burst's turn.
      const due = at + BURST >= span ? bytes : Math.floor((bytes * (at + BURST)) / span / chunk) * chunk;
      const now = Math.min(bytes, due) - sent;
      if (now > 0) yield { at: begun + at, bytes: now };
      sent += Math.max(0, now);
    }
    begun += span;
  }
}

/** What all synthetic exchanges share. */
export class Scene {
  readonly builder: FrameBuilder;
  readonly noise: Keystream;
  readonly emit: (at: number, frame: Buffer) => void;
  readonly #random: Random;
  readonly #roundTrips = new Map<string, number>();

  constructor(builder: FrameBuilder, noise: Keystream, random: Random, emit: (at: number, frame: Buffer) => void) {
    this.builder = builder;
    this.noise = noise;
    this.emit = emit;
    this.#random = random;
  }

  /** Microseconds to a host and back, the same each time. */
  roundTrip({ address }: Host): number {
    const key = address.toString("hex");
    let found = this.#roundTrips.get(key);
    if (found === undefined) {
      const [low, high] = ROUND_TRIP;
      found = Math.round(low + uniform(this.#random) * (high - low));
      this.#roundTrips.set(key, found);
    }
    return found;
  }
}
