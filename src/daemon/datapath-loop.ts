import { receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { Counters, SIDES, type NicCounter } from "../datapath/counters.js";
import type { Datapath } from "../datapath/datapath.js";
import type { BudgetState } from "../datapath/handle.js";
import type { DatapathOptions } from "../datapath/options.js";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Bridge } from "../nic/bridge.js";
import type { Cards, Nic } from "../nic/nic.js";
import { later, micros, type Micros } from "../time/micros.js";
import { parseMac } from "../wire/ethernet.js";
import type { TakeOver } from "./take-over.js";

/** What the daemon asks of the loop; each is answered with the same number. */
export type Question =
  | { readonly id: number; readonly ask: "apply"; readonly options: DatapathOptions }
  | { readonly id: number; readonly ask: "bridge"; readonly bridge: Bridge | null }
  | { readonly id: number; readonly ask: "stop"; readonly release: boolean }
  | { readonly id: number; readonly ask: "flows" | "devices" | "budget" | "destinations" | "forgetDestinations" };

export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };

const NIC_COUNTERS: readonly NicCounter[] = [
  "received",
  "dropped",
  "noSlot",
  "oversize",
  "partialChecksum",
  "sent",
  "refused",
  "downs",
];
/** Turns that empty a ring of the largest size, 256 frames each. */
const LAST_TURNS = 128;
/** How often the cards' counters are copied to shared memory and the calendar is looked at. */
const PUBLISH_EVERY = micros(250_000);
/** Turns between looks at the port while a wait is never ended by its wake, because there is no wait: under load. */
const READ_EVERY = 64;

/** The UTC month of a moment, as in `2026-11`. */
export function monthOf(time: Date): string {
  return time.toISOString().slice(0, 7);
}

/** MAC addresses as the 48-bit numbers that cards take. */
export function macNumbers(macs: readonly string[]): number[] {
  return macs.map((mac) => {
    const number = parseMac(mac);
    if (number === null) throw new HushboxError("config-invalid", `"${mac}" is no MAC address`);
    return number;
  });
}

function devicesOf(options: DatapathOptions): number[] {
  return macNumbers(options.devices.map((device) => device.mac));
}

/** Turns a datapath and answers questions between turns. The one place on the packets' side that looks at the clock. */
export class DatapathLoop {
  readonly #datapath: Datapath;
  readonly #cards: Cards;
  readonly #counters: Counters;
  readonly #takeOver: TakeOver;
  #devices: readonly number[];
  #bridge: Bridge | null;
  #isolate: boolean;
  #month: string;
  #publishAt = micros(0);
  #now: Micros = micros(0);
  stopped = false;

  /** `wanted`: what the loop begins with; `start` puts it into effect. */
  constructor(
    wanted: { readonly month: string; readonly options: DatapathOptions; readonly bridge: Bridge | null },
    modules: {
      readonly datapath: Datapath;
      readonly cards: Cards;
      readonly counters: Counters;
      readonly takeOver: TakeOver;
    },
  ) {
    this.#datapath = modules.datapath;
    this.#cards = modules.cards;
    this.#counters = modules.counters;
    this.#takeOver = modules.takeOver;
    this.#month = wanted.month;
    this.#devices = devicesOf(wanted.options);
    this.#bridge = wanted.bridge;
    this.#isolate = wanted.options.isolate;
  }

  /** Takes the devices' frames over, where a bridge of the kernel carries them. Throws HushboxError: take-over, permission, host. */
  start(now: Micros): void {
    this.#share(now);
  }

  /** Who carries what from now on. Unless they are ours too, frames between two stations of the inside are the bridge's, whether it sends any back or not. */
  #share(now: Micros): void {
    const bridge = this.#bridge === null || this.#isolate ? this.#bridge : { ...this.#bridge, hairpin: false };
    this.#takeOver.change(this.#devices, bridge, now);
    this.#datapath.share(bridge);
  }

  /** What is to be done in every turn, with the time that the cards told: answers when there is more. */
  poll(now: Micros): Micros {
    this.#takeOver.turn(now);
    return this.#datapath.poll(now);
  }

  /**
   * Turns until a `stop` was answered. Blocks the thread: questions are read from the port by hand, where `woken` says
   * so and now and then (reading an empty port at every turn took 5 % of the thread at a turn for each packet).
   */
  run(port: MessagePort, woken: () => boolean): void {
    let next = micros(0);
    for (let turns = 0; !this.stopped; turns++) {
      this.#now = this.#cards.turn(next);
      next = this.poll(this.#now);
      if (turns % READ_EVERY === 0 || woken()) next = this.#answerAll(port, next);
      if (this.#now >= this.#publishAt) this.publish(this.#now);
    }
  }

  /** Returns the deadline: at once where something was asked. */
  #answerAll(port: MessagePort, deadline: Micros): Micros {
    let next = deadline;
    for (let m = receiveMessageOnPort(port); m !== undefined; m = receiveMessageOnPort(port)) {
      port.postMessage(this.answer(m.message as Question, this.#now));
      next = this.#now;
    }
    return next;
  }

  /** Does what is asked at `now`. */
  answer(question: Question, now: Micros): Answer {
    const { id } = question;
    try {
      switch (question.ask) {
        case "apply":
          this.#devices = devicesOf(question.options);
          this.#isolate = question.options.isolate;
          this.#share(now);
          this.#datapath.apply(question.options, now);
          return { id, value: null };
        case "flows":
          return { id, value: this.#datapath.flows(now) };
        case "devices":
          return { id, value: this.#datapath.devices(now) };
        case "budget":
          return { id, value: { month: this.#month, bytes: this.#datapath.monthBytes() } satisfies BudgetState };
        case "destinations":
          return { id, value: this.#datapath.destinations(now) };
        case "forgetDestinations":
          this.#datapath.forgetDestinations();
          return { id, value: null };
        case "bridge":
          this.#bridge = question.bridge;
          this.#share(now);
          return { id, value: null };
        case "stop":
          this.#stop(now, question.release);
          // The cards send what is due while they close, and count it.
          this.#cards.close();
          this.publish(now);
          this.stopped = true;
          return { id, value: null };
      }
    } catch (error) {
      return { id, error: error instanceof HushboxError ? error.message : String(error) };
    }
  }

  /** `release`: the kernel goes on, so what is held leaves before it does; else it is dropped. */
  #stop(now: Micros, release: boolean): void {
    if (this.#bridge === null) {
      this.#datapath.stop(now);
      return;
    }
    // First what has waited, so that what the kernel forwards does not overtake it.
    if (release) this.#datapath.hurry(now);
    let last = this.#cards.turn(micros(0));
    this.#datapath.poll(last);
    this.#takeOver.end();
    for (let i = 0, before = -1; i < LAST_TURNS && this.#datapath.arrived !== before; i++) {
      before = this.#datapath.arrived;
      last = this.#cards.turn(micros(0));
      this.#datapath.poll(last);
      if (release) this.#datapath.hurry(last);
    }
    this.#datapath.stop(last);
  }

  /** Copies what the cards counted to shared memory, and starts the month's budget anew when a month has begun. */
  publish(now: Micros): void {
    this.#publishAt = later(this.#publishAt, micros(now + PUBLISH_EVERY));
    this.#publishNic("inside", this.#cards.inside);
    this.#publishNic("outside", this.#cards.outside);
    this.#datapath.publish();
    const month = monthOf(new Date());
    if (month === this.#month) return;
    this.#month = month;
    this.#datapath.startMonth();
  }

  #publishNic(side: (typeof SIDES)[number], nic: Nic): void {
    const { values } = this.#counters;
    for (const counter of NIC_COUNTERS)
      values[Counters.index(`${side}.${counter}`)] = nic.counters[counter as keyof typeof nic.counters];
    values[Counters.index(`${side}.up`)] = nic.up ? 1 : 0;
  }
}
