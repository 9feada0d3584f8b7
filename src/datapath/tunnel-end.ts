import type { DefenseOptions } from "../defense/options.js";
import type { Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Random } from "../random/random.js";
import { micros, type Micros } from "../time/micros.js";
import { FarEnd } from "../tunnel/far-end.js";
import { NearEnd } from "../tunnel/near-end.js";
import * as ipv4 from "../wire/ipv4.js";
import type { TunnelledOptions } from "./options.js";

/** Packets that may wait for slots, of one tunnel. */
const QUEUE = 1024;

/** So many heartbeats bring the server's answer to a keep-alive, even where one of them is lost. */
const PATIENCE = 3;

/** What an end is made from. */
export interface TunnelEndModules {
  readonly pool: Pool;
  readonly random: Random;
  /** Hears of each real packet as it leaves; it is not to be kept. */
  readonly left: (packet: Packet) => void;
}

/** What an end counts: its own numbers, to be read. */
export interface EndCounts {
  readonly slots: number;
  readonly empty: number;
  readonly missed: number;
  readonly heartbeats: number;
  readonly carriers: number;
  readonly lost: number;
  readonly demands: number;
  readonly decoys: number;
  readonly followers: number;
  readonly answered: number;
  readonly refused: number;
}

/** The schedule of one device's tunnel, at whichever end: what waits for slots, what leaves in them, and what comes out of the far end's. */
export class TunnelEnd {
  /** How long keep-alives of a connection are answered here where its server is silent; 0: not at all. */
  readonly patience: Micros;
  readonly #near: NearEnd | null;
  readonly #far: FarEnd | null;

  constructor(
    { episode }: DefenseOptions,
    { role, ends, cover }: TunnelledOptions,
    budget: { perMonth: number; monthBytes: number },
    { pool, random, left }: TunnelEndModules,
    now: Micros,
  ) {
    const idles = role === "box" && !episode.always;
    this.patience = micros(idles && episode.keepAlives ? PATIENCE * episode.heartbeat : 0);
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

  /** IP bytes of the largest packet that it takes. */
  get largest(): number {
    return this.#end.queue.largest;
  }

  /** Packets and IP bytes that wait for slots. */
  get waiting(): { readonly size: number; readonly bytes: number } {
    return this.#end.queue;
  }

  get counts(): EndCounts {
    const { slots, empty, missed, heartbeats, carriers, lost } = this.#end;
    const { demands = 0, decoys = 0, followers = 0, refused = 0 } = this.#near ?? {};
    const answered = this.#far?.episodes ?? 0;
    return { slots, empty, missed, heartbeats, carriers, lost, demands, decoys, followers, answered, refused };
  }

  /** Carriers of another version. */
  get strangers(): number {
    return this.#end.strangers;
  }

  /** True while an episode runs. */
  get busy(): boolean {
    return this.#end.plan !== -1;
  }

  /** The level of rate: 0 is the highest. */
  get level(): number {
    return this.#end.level;
  }

  /** True where the month's budget pays for no decoy any more. */
  get spent(): boolean {
    return this.#near?.spent ?? false;
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
