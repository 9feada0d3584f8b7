import { SLOT_BYTES, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import { integer, uniform, type Random } from "../random/random.js";
import type { Micros } from "../time/micros.js";
import * as ethernet from "../wire/ethernet.js";
import type { Cards, Nic } from "./nic.js";
import { WrappedNic } from "./wrapped-nic.js";

/** How often each fault befalls a frame, from 0 to 1. Each is drawn by itself, in this order; a dropped frame meets no other. */
export interface Faults {
  readonly drop?: number;
  /** One bit of one byte is turned over. */
  readonly corrupt?: number;
  /** The frame ends somewhere behind its Ethernet header. */
  readonly truncate?: number;
  readonly duplicate?: number;
  /** The frame changes places with the next one of its direction, if one comes in the same turn. */
  readonly reorder?: number;
}

/** What has befallen the frames so far. */
export interface FaultCounters {
  dropped: number;
  corrupted: number;
  truncated: number;
  duplicated: number;
  /** Duplicates that found no free packet slot. */
  notDuplicated: number;
  reordered: number;
}

export interface FaultOptions {
  readonly receive?: Faults;
  readonly send?: Faults;
}

/** A card on which things go wrong, and otherwise the card beneath it. After smoltcp's fault injector. */
export class FaultInjector extends WrappedNic {
  readonly faults: FaultCounters = {
    dropped: 0,
    corrupted: 0,
    truncated: 0,
    duplicated: 0,
    notDuplicated: 0,
    reordered: 0,
  };
  readonly #opts: FaultOptions;
  readonly #pool: Pool;
  readonly #random: Random;
  /** Frames that have been received, or are being sent, beside their order: what is to go next, first. */
  readonly #received: Packet[] = [];
  readonly #heldReceive: Packet[] = [];
  readonly #heldSend: Packet[] = [];

  constructor(opts: FaultOptions, modules: { nic: Nic; pool: Pool; random: Random }) {
    super(modules.nic);
    this.#opts = opts;
    this.#pool = modules.pool;
    this.#random = modules.random;
  }

  override receive(): Packet | null {
    for (;;) {
      const ready = this.#received.shift();
      if (ready !== undefined) return ready;
      const packet = this.nic.receive();
      if (packet === null) return this.#heldReceive.shift() ?? null;
      this.#befall(packet, this.#opts.receive ?? {}, this.#received, this.#heldReceive);
    }
  }

  override send(packet: Packet): void {
    const out: Packet[] = [];
    this.#befall(packet, this.#opts.send ?? {}, out, this.#heldSend);
    for (const one of out) this.nic.send(one);
  }

  /** Lets frames go that waited for a next one to change places with. */
  flush(): void {
    for (const packet of this.#heldSend) this.nic.send(packet);
    this.#heldSend.length = 0;
  }

  override close(): void {
    this.letGo();
    this.nic.close();
  }

  /** Sends what waits to be sent and frees what waits to be received. */
  letGo(): void {
    this.flush();
    for (const packet of [...this.#received, ...this.#heldReceive]) this.#pool.release(packet);
    this.#received.length = this.#heldReceive.length = 0;
  }

  #befall(packet: Packet, faults: Faults, out: Packet[], held: Packet[]): void {
    if (this.#strikes(faults.drop)) {
      this.faults.dropped++;
      this.#pool.release(packet);
      return;
    }
    if (this.#strikes(faults.corrupt) && packet.length > 0) {
      const at = packet.at + integer(this.#random, 0, packet.length - 1);
      this.#pool.view.setUint8(at, this.#pool.view.getUint8(at) ^ (1 << integer(this.#random, 0, 7)));
      this.faults.corrupted++;
    }
    if (this.#strikes(faults.truncate) && packet.length > ethernet.HEADER) {
      packet.length = packet.wireLength = integer(this.#random, ethernet.HEADER, packet.length - 1);
      this.faults.truncated++;
    }
    const twin = this.#strikes(faults.duplicate) ? this.#duplicate(packet) : null;
    if (this.#strikes(faults.reorder) && held.length === 0) {
      this.faults.reordered++;
      held.push(packet);
      if (twin !== null) held.push(twin);
      return;
    }
    out.push(packet);
    if (twin !== null) out.push(twin);
    out.push(...held.splice(0));
  }

  #strikes(probability = 0): boolean {
    return probability > 0 && uniform(this.#random) < probability;
  }

  #duplicate(packet: Packet): Packet | null {
    const twin = this.#pool.take();
    if (twin === null) {
      this.faults.notDuplicated++;
      return null;
    }
    this.faults.duplicated++;
    this.#pool.bytes.copyWithin(twin.at, packet.at, packet.at + SLOT_BYTES);
    twin.length = packet.length;
    twin.pad = packet.pad;
    twin.direction = packet.direction;
    twin.kind = packet.kind;
    twin.device = packet.device;
    twin.partialChecksum = packet.partialChecksum;
    twin.wireLength = packet.wireLength;
    twin.arrivedAt = packet.arrivedAt;
    twin.departAt = packet.departAt;
    twin.local = packet.local;
    return twin;
  }
}

/** Two cards on which things go wrong. */
export class FaultyCards implements Cards {
  readonly inside: FaultInjector;
  readonly outside: FaultInjector;
  readonly #cards: Cards;

  constructor(
    opts: { readonly inside?: FaultOptions; readonly outside?: FaultOptions },
    modules: { cards: Cards; pool: Pool; random: Random },
  ) {
    const { cards, pool, random } = modules;
    this.#cards = cards;
    this.inside = new FaultInjector(opts.inside ?? {}, { nic: cards.inside, pool, random });
    this.outside = new FaultInjector(opts.outside ?? {}, { nic: cards.outside, pool, random });
  }

  turn(until: Micros): Micros {
    this.inside.flush();
    this.outside.flush();
    return this.#cards.turn(until);
  }

  close(): void {
    this.inside.letGo();
    this.outside.letGo();
    this.#cards.close();
  }
}
