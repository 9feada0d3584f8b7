import type { Packet, Kind } from "../packet/packet.js";
import { SLOT_BYTES } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import { NEVER, type Micros } from "../time/micros.js";
import * as ethernet from "../wire/ethernet.js";
import { nicCounters, type Cards, type Nic } from "./nic.js";

/** A frame that left a memory card. */
export interface SentFrame {
  readonly at: Micros;
  /** With the zero bytes of `pad` at the end. */
  readonly bytes: Uint8Array;
  readonly pad: number;
  readonly kind: Kind;
}

interface ArrivingFrame {
  readonly at: Micros;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
  readonly partialChecksum: boolean;
}

/** The time that a card lives in. */
export interface Clock {
  readonly now: Micros;
}

/** A card in memory: frames are pushed with the time of their arrival; what was sent can be read. */
export class MemoryNic implements Nic {
  readonly room = Number.POSITIVE_INFINITY;
  readonly longest: number = SLOT_BYTES;
  readonly name: string;
  readonly mtu: number;
  readonly counters = nicCounters();
  /** What has left, oldest first. */
  readonly sent: SentFrame[] = [];
  readonly #pool: Pool;
  readonly #clock: Clock;
  #arriving: ArrivingFrame[] = [];
  #next = 0;
  readonly #leaving: Packet[] = [];
  #up = true;

  constructor(opts: { readonly name: string; readonly mtu?: number }, modules: { pool: Pool; clock: Clock }) {
    this.name = opts.name;
    this.mtu = opts.mtu ?? 1500;
    this.#pool = modules.pool;
    this.#clock = modules.clock;
  }

  get up(): boolean {
    return this.#up;
  }

  /** Takes the interface down, or brings it back. While it is down, what arrives is lost and what is sent is refused. */
  setUp(up: boolean): void {
    if (this.#up && !up) this.counters.downs++;
    this.#up = up;
  }

  /** Lets a frame arrive; frames are pushed in the order of their times. `wireLength`: its length before somebody cut it. */
  push(bytes: Uint8Array, at: Micros, wireLength = bytes.length, partialChecksum = false): void {
    const last = this.#arriving.at(-1);
    if (last !== undefined && last.at > at) throw new RangeError("frames are pushed in the order of their times");
    this.#arriving.push({ at, bytes, wireLength, partialChecksum });
  }

  /** When the next frame arrives, or NEVER. */
  nextArrival(): Micros {
    return this.#arriving[this.#next]?.at ?? NEVER;
  }

  receive(): Packet | null {
    for (;;) {
      const frame = this.#arriving[this.#next];
      if (frame === undefined || frame.at > this.#clock.now) return null;
      this.#next++;
      if (this.#next === this.#arriving.length) {
        this.#arriving = [];
        this.#next = 0;
      }
      if (!this.#up) continue;
      const packet = this.#pool.take();
      if (packet === null) {
        this.counters.noSlot++;
        continue;
      }
      const { bytes } = frame;
      this.#pool.bytes.set(bytes.length > SLOT_BYTES ? bytes.subarray(0, SLOT_BYTES) : bytes, packet.at);
      packet.length = Math.min(bytes.length, SLOT_BYTES);
      packet.wireLength = frame.wireLength;
      packet.arrivedAt = frame.at;
      packet.partialChecksum = frame.partialChecksum;
      this.counters.received++;
      if (frame.partialChecksum) this.counters.partialChecksum++;
      if (frame.wireLength > largestFrame(this.#pool.view, packet, this.mtu)) this.counters.oversize++;
      return packet;
    }
  }

  send(packet: Packet): void {
    this.#leaving.push(packet);
  }

  /** Lets what was handed to `send` leave now. */
  flush(): void {
    for (const packet of this.#leaving) {
      const length = Math.max(packet.length, packet.wireLength) + packet.pad;
      if (!this.#up || length > largestFrame(this.#pool.view, packet, this.mtu)) {
        this.counters.refused++;
      } else {
        const bytes = new Uint8Array(packet.length + packet.pad);
        bytes.set(this.#pool.bytes.subarray(packet.at, packet.at + packet.length));
        this.sent.push({ at: this.#clock.now, bytes, pad: packet.pad, kind: packet.kind });
        this.counters.sent++;
      }
      this.#pool.release(packet);
    }
    this.#leaving.length = 0;
  }

  close(): void {
    this.flush();
    this.#arriving = [];
    this.#next = 0;
  }
}

/** The longest frame of an MTU: as the kernel counts, an 802.1Q tag comes on top. */
export function largestFrame(view: DataView, packet: Packet, mtu: number): number {
  const tagged = packet.length >= ethernet.HEADER && ethernet.isTag(ethernet.type(view, packet.at));
  return mtu + ethernet.HEADER + (tagged ? ethernet.TAG : 0);
}

/** Two memory cards on virtual time: a turn jumps to the next arrival, or to `until` if that comes first. */
export class MemoryCards implements Cards {
  readonly inside: MemoryNic;
  readonly outside: MemoryNic;
  #now: Micros;

  constructor(opts: { readonly mtu?: number; readonly start?: Micros }, modules: { pool: Pool }) {
    this.#now = opts.start ?? (0 as Micros);
    const mtu = opts.mtu ?? 1500;
    this.inside = new MemoryNic({ name: "inside", mtu }, { pool: modules.pool, clock: this });
    this.outside = new MemoryNic({ name: "outside", mtu }, { pool: modules.pool, clock: this });
  }

  get now(): Micros {
    return this.#now;
  }

  /** True when no frame will arrive any more. */
  get exhausted(): boolean {
    return this.inside.nextArrival() === NEVER && this.outside.nextArrival() === NEVER;
  }

  turn(until: Micros): Micros {
    this.inside.flush();
    this.outside.flush();
    this.#now = jump(this.#now, until, Math.min(this.inside.nextArrival(), this.outside.nextArrival()) as Micros);
    return this.#now;
  }

  close(): void {
    this.inside.close();
    this.outside.close();
  }
}

/** Where virtual time goes: to the arrival or the deadline, whichever comes first; it stays where neither ever comes, and never goes back. */
export function jump(now: Micros, until: Micros, arrival: Micros): Micros {
  const next = until < arrival ? until : arrival;
  return next === NEVER || next < now ? now : next;
}
