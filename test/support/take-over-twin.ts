import type { Table } from "../../src/daemon/take-over.js";
import type { Bridge } from "../../src/nic/bridge.js";
import type { SharedCards } from "../../src/nic/nic.js";
import { millis } from "../../src/time/micros.js";

export const BRIDGE: Bridge = {
  name: "br0",
  own: [0x020000000003],
  inside: [],
  outside: [],
  elsewhere: [],
  hairpin: false,
};

/** Cards and a table that only remember, in one list, what was asked of them. */
export class TakeOverTwin implements SharedCards, Table {
  readonly calls: string[] = [];
  /** What the cards give back unread. */
  waiting = 0;
  /** Whether the kernel takes what is kept. */
  keeps = true;
  /** The time by which it keeps. */
  now = millis(0);
  keptAt = millis(0);

  filter(macs: readonly number[], bridge: Bridge | null): void {
    this.calls.push(`filter ${macs.join()} ${bridge?.name ?? "-"}${bridge?.hairpin === true ? " hairpin" : ""}`);
  }

  discard(): number {
    this.calls.push("discard");
    return this.waiting;
  }

  finish(): void {
    this.calls.push("finish");
  }

  arm(devices: readonly number[], between: readonly number[]): void {
    this.keptAt = this.now;
    this.calls.push(`arm ${told(devices, between)}`);
  }

  change(devices: readonly number[], between: readonly number[]): boolean {
    this.calls.push(`change ${told(devices, between)}`);
    return this.keeps;
  }

  beat(): void {
    this.calls.push("beat");
    if (this.keeps) this.keptAt = this.now;
  }

  disarm(): void {
    this.calls.push("disarm");
  }
}

function told(devices: readonly number[], between: readonly number[]): string {
  return between.length === 0 ? devices.join() : `${devices.join()} between ${between.join()}`;
}
