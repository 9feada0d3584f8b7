// Both ends of a tunnel on virtual time, with a path between them, and what an observer on it sees.
import { PRESETS } from "../../src/defense/presets.js";
import type { EpisodeOptions } from "../../src/defense/options.js";
import type { Packet } from "../../src/packet/packet.js";
import { Pool } from "../../src/packet/pool.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { NEVER, type Micros } from "../../src/time/micros.js";
import * as carrier from "../../src/tunnel/carrier.js";
import { FarEnd } from "../../src/tunnel/far-end.js";
import { NearEnd } from "../../src/tunnel/near-end.js";
import * as ipv4 from "../../src/wire/ipv4.js";

export const EPISODE: EpisodeOptions = { ...PRESETS.paired.defenses.episode, decoys: false, heartbeat: 0 as Micros };
const NEAR = ipv4.parse("100.64.0.2") ?? 0;
const FAR = ipv4.parse("100.64.0.1") ?? 0;
export const PATH = 10_000;

/** A packet of `bytes` that comes to one of the ends. */
export interface Given {
  readonly at: number;
  readonly up: boolean;
  readonly bytes: number;
}

/** A packet that came out at the other end. */
export interface Came {
  readonly number: number;
  readonly given: number;
  readonly at: number;
}

interface Options extends Partial<EpisodeOptions> {
  readonly seed?: string;
  readonly queue?: number;
  readonly perMonth?: number;
  /** True for carriers that the path loses. */
  readonly loses?: (up: boolean, number: number) => boolean;
}

/** Writes an IPv4 packet of so many bytes, which carries a number. */
export function write(packet: Packet, pool: Pool, bytes: number, number: number): void {
  const at = packet.at + 14;
  pool.view.setUint8(at, 0x45);
  pool.view.setUint8(at + 1, 0);
  ipv4.setTotalLength(pool.view, at, bytes);
  pool.view.setUint32(at + 20, number);
  packet.network = at;
  packet.length = packet.wireLength = 14 + bytes;
  packet.end = at + bytes;
}

export class TunnelPair {
  readonly pool: Pool;
  readonly near: NearEnd;
  readonly far: FarEnd;
  /** What left each end: when, and bytes of plaintext. */
  readonly up: [number, number][] = [];
  readonly down: [number, number][] = [];
  /** What came out, by direction, in order. */
  readonly came: { readonly up: Came[]; readonly down: Came[] } = { up: [], down: [] };
  refused = 0;
  now = 0;
  readonly #loses: (up: boolean, number: number) => boolean;
  readonly #upFlight: { packet: Packet; at: number }[] = [];
  readonly #downFlight: { packet: Packet; at: number }[] = [];
  readonly #givenAt: number[] = [];

  constructor({ seed = "pair", queue = 1024, perMonth = 1e12, loses = () => false, ...own }: Options = {}) {
    const options = { ...EPISODE, ...own };
    this.#loses = loses;
    this.pool = new Pool(2 * queue + 256);
    const { pool } = this;
    const random = new SeededRandom(seed);
    this.near = new NearEnd(
      options,
      { perMonth, monthBytes: 0 },
      { pool, random, queue, ends: { source: NEAR, destination: FAR } },
      0 as Micros,
    );
    this.far = new FarEnd(options, { pool, queue, ends: { source: FAR, destination: NEAR } });
  }

  /** Gives packets at their times and runs on until `until`, in µs. */
  run(given: readonly Given[], until: number): this {
    let next = 0;
    for (;;) {
      const at = Math.max(
        this.now,
        Math.min(
          given[next]?.at ?? NEVER,
          this.near.nextAt(),
          this.far.nextAt(),
          this.#upFlight[0]?.at ?? NEVER,
          this.#downFlight[0]?.at ?? NEVER,
        ),
      );
      if (at > until) break;
      this.now = at;
      for (let g = given[next]; g !== undefined && g.at <= at; g = given[++next]) this.#give(g);
      while ((this.#upFlight[0]?.at ?? NEVER) <= at) this.#arrive(true);
      while ((this.#downFlight[0]?.at ?? NEVER) <= at) this.#arrive(false);
      for (let p = this.near.emit(at as Micros); p !== null; p = this.near.emit(at as Micros)) this.#leave(p, true);
      for (let p = this.far.emit(at as Micros); p !== null; p = this.far.emit(at as Micros)) this.#leave(p, false);
    }
    this.now = until;
    return this;
  }

  /** Packets of the pool that nobody holds who should not. */
  get held(): number {
    return this.pool.capacity - this.pool.available - this.#upFlight.length - this.#downFlight.length;
  }

  #give({ up, bytes }: Given): void {
    const { pool } = this;
    const number = this.#givenAt.push(this.now) - 1;
    const packet = pool.take();
    if (packet === null) throw new Error("the pool is empty");
    write(packet, pool, bytes, number);
    const took = up ? this.near.offer(packet, bytes, this.now as Micros) : this.far.offer(packet, bytes);
    if (took) return;
    this.refused++;
    pool.release(packet);
  }

  #leave(packet: Packet, up: boolean): void {
    (up ? this.up : this.down).push([this.now, packet.length - 14 + packet.pad]);
    const lost = this.#loses(up, (up ? this.up : this.down).length - 1);
    if (lost) this.pool.release(packet);
    else (up ? this.#upFlight : this.#downFlight).push({ packet, at: this.now + PATH });
  }

  #arrive(up: boolean): void {
    const flight = (up ? this.#upFlight : this.#downFlight).shift();
    if (flight === undefined) return;
    const { packet } = flight;
    const { view } = this.pool;
    let at = up ? this.far.heard(packet, this.now as Micros) : this.near.heard(packet, this.now as Micros);
    for (let n = carrier.innerBytes(view, at, packet.end); n > 0; n = carrier.innerBytes(view, at, packet.end)) {
      const number = view.getUint32(at + 20);
      if (!up) this.near.carried(n, this.now as Micros);
      this.came[up ? "up" : "down"].push({ number, given: this.#givenAt[number] ?? NaN, at: this.now });
      at += n;
    }
    this.pool.release(packet);
  }
}

/** A demand: so many bytes at once. */
export function demand(at: number, bytes = 5000, up = true): Given[] {
  return Array.from({ length: Math.ceil(bytes / 1000) }, () => ({ at, up, bytes: 1000 }));
}
