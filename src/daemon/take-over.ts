import { isDeepStrictEqual } from "node:util";
import { Counters } from "../datapath/counters.js";
import type { Bridge } from "../nic/bridge.js";
import type { SharedCards } from "../nic/nic.js";
import { TakeOverTable } from "../nic/take-over-table.js";
import { micros, millis, type Micros } from "../time/micros.js";

/** How often the kernel is told that we live: with the ring's tick of 250 ms, at every one. */
const BEAT_EVERY = millis(200);

const ARMED = Counters.index("take_over_armed");
const SINCE = Counters.index("take_over_since_us");
const LAPSES = Counters.index("take_over_lapses");
const ISOLATED = Counters.index("take_over_isolated");
const STALE = Counters.index("take_over_stale_frames");

/** The table, or what stands in for it. */
export type Table = Pick<TakeOverTable, "arm" | "change" | "beat" | "keptAt" | "disarm">;

/**
 * Who carries the devices' frames between two ports of a bridge: the kernel, or we. It lives on the packets' side, so that the table is kept by the
 * loop that moves packets and by nothing else: a loop that stands still is passed by. A frame is carried once: what came before the kernel let go
 * of it, or after it took it again, is given back unread.
 */
export class TakeOver {
  readonly #cards: SharedCards;
  readonly #table: Table;
  readonly #values: Float64Array;
  #devices: readonly number[] = [];
  /** Those whose frames to and from other stations of the inside are ours too. */
  #between: readonly number[] = [];
  #bridge: Bridge | null = null;
  #beatAt = micros(0);

  constructor(cards: SharedCards, table: Table, counters: Counters) {
    this.#cards = cards;
    this.#table = table;
    this.#values = counters.values;
  }

  /**
   * These devices (48-bit addresses), with this bridge or none, from now on; with `hairpin` between stations of the inside too. Throws HushboxError:
   * take-over, permission, host.
   */
  change(devices: readonly number[], bridge: Bridge | null, now: Micros): void {
    const armed = this.#bridge !== null;
    const before = this.#devices;
    const between = this.#between;
    this.#devices = devices;
    this.#between = bridge?.hairpin === true ? devices : [];
    this.#bridge = bridge;
    this.#values[ISOLATED] = this.#between.length > 0 ? 1 : 0;
    if (bridge === null) {
      this.#table.disarm();
      this.#values[ARMED] = 0;
      this.#cards.filter(devices, null);
    } else if (!armed) {
      this.#cards.filter(devices, bridge);
      this.#arm(now);
    } else {
      if (isDeepStrictEqual([before, between], [devices, this.#between])) {
        this.#cards.filter(devices, bridge);
        return;
      }
      // The kernel lets go of a device before we take it, and takes it again after we let go: a frame may be lost between, none comes twice.
      this.#table.change(both(before, devices), both(between, this.#between));
      this.#cards.filter(devices, bridge);
      // What a device sent to all before, the kernel has sent back inside already.
      if (between.length === 0 && this.#between.length > 0) this.#add(STALE, this.#cards.discard());
      this.#table.change(devices, this.#between);
    }
  }

  /** Before a turn's frames are looked at. */
  turn(now: Micros): void {
    if (this.#bridge === null) return;
    if (now - this.#table.keptAt > TakeOverTable.SURE) {
      // We stood still, and the kernel has gone on without us.
      this.#add(LAPSES, 1);
      this.#arm(now);
    } else if (now - this.#beatAt >= BEAT_EVERY) {
      this.#beatAt = now;
      this.#table.beat();
    }
  }

  /** The kernel carries what comes from now on. What came before is still ours to carry. */
  end(): void {
    if (this.#bridge === null) return;
    this.#cards.finish();
    this.#table.disarm();
    this.#bridge = null;
    this.#values[ARMED] = 0;
    this.#values[ISOLATED] = 0;
  }

  #arm(now: Micros): void {
    this.#table.arm(this.#devices, this.#between);
    this.#beatAt = now;
    this.#add(STALE, this.#cards.discard());
    this.#values[ARMED] = 1;
    this.#values[SINCE] = now;
  }

  #add(index: number, n: number): void {
    this.#values[index] = (this.#values[index] ?? 0) + n;
  }
}

function both(some: readonly number[], others: readonly number[]): number[] {
  return [...new Set([...some, ...others])];
}
