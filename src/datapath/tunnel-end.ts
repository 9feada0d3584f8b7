import type { DefenseOptions } from "../defense/options.js";
import type { Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Random } from "../random/random.js";
import type { Micros } from "../time/micros.js";
import { FarEnd } from "../tunnel/far-end.js";
import { NearEnd } from "../tunnel/near-end.js";
import * as ipv4 from "../wire/ipv4.js";
import type { TunnelledOptions } from "./options.js";

/** Packets that may wait for slots, of one tunnel. */
const QUEUE = 1024;

/** What an end is made from. */
export interface TunnelEndModules {
  readonly pool: Pool;
  readonly random: Random;
  /** Hears of each real packet as it leaves; it is not to be kept. */
  readonly left: (packet: Packet) => void;
}

/** The schedule of one device's tunnel, at whichever end: what waits for slots, what leaves in them, and what comes out of the far end's. */
export class TunnelEnd {
  readonly #near: NearEnd | null;
  readonly #far: FarEnd | null;

  constructor(
    { episode }: DefenseOptions,
    { role, ends, cover }: TunnelledOptions,
    budget: { perMonth: number; monthBytes: number },
    { pool, random, left }: TunnelEndModules,
    now: Micros,
  ) {
    const stock = episode.peer === "stock";
    const source = ipv4.parse(stock ? cover.source : ends.source) ?? 0;
    const destination = ipv4.parse(stock ? cover.destination : ends.destination) ?? 0;
    const modules = { pool, random, queue: QUEUE, ends: { source, destination }, left };
    this.#near = role === "box" ? new NearEnd(episode, budget, modules, now) : null;
    this.#far = role === "gateway" ? new FarEnd(episode, modules) : null;
  }

  /** Takes a packet over, to leave in a slot. False where it does not fit or the queue is full: the caller still owns it. */
  offer(packet: Packet, ipBytes: number, now: Micros): boolean {
    return this.#near?.offer(packet, ipBytes, now) ?? this.#far?.offer(packet, ipBytes) ?? false;
  }

  /** As NearEnd.heard: where inner packets begin in what came out of the tunnel; 0 where it is no carrier, -1 where it is of another version. */
  heard(packet: Packet, now: Micros): number {
    return this.#near?.heard(packet, now) ?? this.#far?.heard(packet, now) ?? 0;
  }

  /** Real bytes that came out of the tunnel. */
  carried(bytes: number, now: Micros): void {
    this.#near?.carried(bytes, now);
  }

  nextAt(): Micros {
    return this.#end.nextAt();
  }

  /** The packet of a slot that is due; null where none is. */
  emit(now: Micros): Packet | null {
    return this.#end.emit(now);
  }

  /** Real packets in the last slot, and their IP bytes. */
  get filled(): { readonly packets: number; readonly bytes: number } {
    return this.#end.filled;
  }

  /** What decoys and heartbeats have cost since the month began; a gateway's are its boxes' affair. */
  get monthBytes(): number {
    return this.#near?.monthBytes ?? 0;
  }

  startMonth(): void {
    this.#near?.startMonth();
  }

  /** A packet that still waits, handed over; null where none does. */
  shift(): Packet | null {
    return this.#end.queue.shift();
  }

  get #end(): NearEnd | FarEnd {
    const end = this.#near ?? this.#far;
    if (end === null) throw new RangeError("a tunnel's end is a box's or a gateway's");
    return end;
  }
}
