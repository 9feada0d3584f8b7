import type { Cards } from "../nic/nic.js";
import { ipBytes } from "../packet/ip-bytes.js";
import { UP, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import { earlier, NEVER, type Micros } from "../time/micros.js";
import { HEADER as ETHERNET_HEADER } from "../wire/ethernet.js";
import { Counters } from "./counters.js";
import type { Device } from "./device.js";
import { countDelay, meter } from "./meter.js";
import { countSlot } from "./slot-lateness.js";
import type { Tap } from "./tap.js";
import { TunnelCounts } from "./tunnel-counts.js";
import type { TunnelEnd } from "./tunnel-end.js";

/** Slots whose lateness is counted together. */
const SLOTS = 64;

const MONTH_BYTES = Counters.index("budget_month_bytes");

export interface TunnelSlotsModules {
  readonly pool: Pool;
  readonly cards: Cards;
  readonly counters: Counters;
  readonly tap: Tap | null;
}

/** The slots of all devices' tunnels: real packets wait for them, and each that is due leaves, with what there is in it. */
export class TunnelSlots {
  readonly #modules: TunnelSlotsModules;
  readonly #values: Float64Array;
  readonly #counts: TunnelCounts;
  #devices: readonly Device[] = [];
  /** By device, when its next slot is: NEVER for one without a tunnel. */
  #dues = new Float64Array(0);
  /** No slot is due before this. */
  #next: Micros = NEVER;
  /** Slots sent in this turn: their deadlines and what waited before them. */
  readonly #sent = { deadlines: new Float64Array(SLOTS), waiting: new Float64Array(SLOTS), count: 0 };
  #now: Micros;

  constructor(modules: TunnelSlotsModules, now: Micros) {
    this.#modules = modules;
    this.#values = modules.counters.values;
    this.#counts = new TunnelCounts(this.#values);
    this.#now = now;
  }

  /** Whose slots they are, each at the place that its index says. */
  of(devices: readonly Device[], now: Micros): void {
    this.#devices = devices;
    this.#dues = Float64Array.from(devices, ({ end }) => end?.nextAt() ?? NEVER);
    this.#next = now;
  }

  /** A packet of a device waits for a slot, or is dropped and counted. */
  offer(device: Device, end: TunnelEnd, packet: Packet, now: Micros): void {
    const m = meter(UP);
    const { pool } = this.#modules;
    const bytes = packet.version === 0 ? Infinity : ipBytes(packet, pool.view);
    if (end.offer(packet, bytes, now)) {
      this.moved(device, end);
      this.#add(m.held, 1);
      this.#add(m.delayed, 1);
      return;
    }
    this.#add(bytes > end.largest ? m.dropOversize : m.dropQueueFull, 1);
    pool.release(packet);
  }

  /** What an end was told may have moved its next slot. */
  moved({ index }: Device, end: TunnelEnd): void {
    const due = end.nextAt();
    this.#dues[index] = due;
    if (due < this.#next) this.#next = due;
  }

  /** Sends what is in the slots that are due. Answers when the next one is. */
  fill(now: Micros): Micros {
    if (now < this.#next) return this.#next;
    this.#now = now;
    let next = NEVER;
    const dues = this.#dues;
    for (let i = 0; i < dues.length; i++) {
      const waits = dues[i] ?? NEVER;
      if (waits > now) {
        if (waits < next) next = waits as Micros;
        continue;
      }
      const device = this.#devices[i];
      const end = device?.end ?? null;
      if (device === undefined || end === null) continue;
      this.#fill(device, end, now);
      dues[i] = end.nextAt();
      next = earlier(next, end.nextAt());
    }
    this.#next = next;
    this.#leave(now);
    return next;
  }

  /** A real packet has left in a slot of this turn. */
  left(packet: Packet): void {
    const values = this.#values;
    const m = meter(UP);
    values[m.held] = (values[m.held] ?? 0) - 1;
    values[m.packetsOut] = (values[m.packetsOut] ?? 0) + 1;
    values[m.bytesOut] = (values[m.bytesOut] ?? 0) + packet.wireLength;
    countDelay(values, UP, this.#now - packet.arrivedAt);
  }

  /** An end that is no more: what it counted is kept. */
  retire(end: TunnelEnd): void {
    this.drain(end);
    this.#counts.settle(end);
  }

  /** What waits at an end is counted as dropped. */
  drain(end: TunnelEnd): void {
    const m = meter(UP);
    for (let p = end.shift(); p !== null; p = end.shift()) {
      this.#add(m.held, -1);
      this.#add(m.dropStopped, 1);
      this.#modules.pool.release(p);
    }
  }

  /** Brings those counters up to date that are not told packet by packet. For now and then. */
  publish(): void {
    this.#counts.publish(this.#devices.flatMap(({ end }) => (end === null ? [] : [end])));
  }

  #fill(device: Device, end: TunnelEnd, now: Micros): void {
    const { outside } = this.#modules.cards;
    for (let due = end.nextAt(); due <= now && outside.room > 0; due = end.nextAt()) {
      const { bytes } = end.waiting;
      const packet = end.emit(now);
      if (packet === null) break;
      packet.direction = UP;
      packet.device = device.index;
      const { filled } = end;
      const m = meter(UP);
      if (filled.packets === 0) this.#add(m.decoyPackets, 1);
      this.#add(m.paddingBytes, packet.length + packet.pad - ETHERNET_HEADER - filled.bytes);
      this.#send(packet, due, bytes, now);
    }
    if (device.budget.monthBytes === end.monthBytes) return;
    this.#add(MONTH_BYTES, end.monthBytes - device.budget.monthBytes);
    device.budget.monthBytes = end.monthBytes;
  }

  #send(packet: Packet, due: Micros, waiting: number, now: Micros): void {
    const { cards, tap } = this.#modules;
    if (tap !== null) tap.sent(packet, now);
    cards.outside.send(packet);
    const sent = this.#sent;
    if (sent.count === SLOTS) this.#leave(now);
    sent.deadlines[sent.count] = due;
    sent.waiting[sent.count++] = waiting;
  }

  /** Slots leave before anything else is done, so that what this turn has to do does not show in when they do. */
  #leave(now: Micros): void {
    const sent = this.#sent;
    if (sent.count === 0) return;
    const left = this.#modules.cards.flush?.() ?? now;
    for (let i = 0; i < sent.count; i++) countSlot(this.#values, left - (sent.deadlines[i] ?? 0), sent.waiting[i] ?? 0);
    sent.count = 0;
  }

  #add(index: number, n: number): void {
    this.#values[index] = (this.#values[index] ?? 0) + n;
  }
}
