import { FeatureWindow } from "../features/feature-window.js";
import { UP, type Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import { Observer } from "../trace/observer.js";
import { AddressSubject, DeviceSubject, FOREIGN } from "../trace/subject.js";
import type { Prefixes } from "../wire/prefix.js";
import { CaptureTail } from "./capture-tail.js";
import { OBSERVED, WAYS, type BeforeAfter, type ObserverName, type Seen, type Way } from "./report.js";
import { Tuples } from "./tuples.js";
import { Twins } from "./twins.js";

type Side = "before" | "after";

export interface ViewsOptions {
  /** Capture files: in front of the box, behind it, and behind the router. */
  readonly files: { readonly inside: string; readonly lan: string; readonly wan: string };
  /** The device's MAC address. */
  readonly device: number;
  /** Whose frames it is on the link to the router, where the box sends its own: a tunnel's. Nothing in them can be told apart. */
  readonly tunnel: number | null;
  /** The addresses that the router shows to the world. */
  readonly router: Prefixes;
  readonly local: Prefixes;
  /** Packets before this moment do not count: nothing was in place yet. */
  readonly since: Micros;
}

/** What both observers see with the box, measured, and would see without it, worked out from the device's own link. Grows as the captures do. */
export class Views {
  readonly #tails: { readonly inside: CaptureTail; readonly lan: CaptureTail; readonly wan: CaptureTail };
  readonly #since: Micros;
  readonly #device: DeviceSubject;
  readonly #tunnel: DeviceSubject | null;
  readonly #house: AddressSubject;
  readonly #observers: Readonly<Record<ObserverName, Readonly<Record<Side, Observer>>>>;
  readonly #windows = {
    lan: { up: pair(), down: pair() },
    wan: { up: pair(), down: pair() },
  };
  readonly #tuples = new Tuples();
  readonly #twins = new Twins();

  constructor({ files, device, tunnel, router, local, since }: ViewsOptions) {
    this.#since = since;
    this.#tails = {
      inside: new CaptureTail(files.inside),
      lan: new CaptureTail(files.lan),
      wan: new CaptureTail(files.wan),
    };
    this.#device = new DeviceSubject(device);
    this.#tunnel = tunnel === null ? null : new DeviceSubject(tunnel);
    this.#house = new AddressSubject(router);
    this.#observers = {
      lan: { before: new Observer("lan", local), after: new Observer("lan", local) },
      wan: { before: new Observer("beyond", local), after: new Observer("wan", local) },
    };
  }

  /** Takes in what the captures have grown by. */
  poll(): void {
    // The inside last: by then it holds the twin of everything seen outside.
    this.#tails.wan.poll((packet, view, at) => {
      if (at >= this.#since) this.#wan(packet, view, at);
    });
    this.#tails.lan.poll((packet, view, at) => {
      if (at >= this.#since) this.#lan(packet, view, at);
    });
    this.#tails.inside.poll((packet, view, at) => {
      if (at >= this.#since) this.#inside(packet, view, at);
    });
  }

  close(): void {
    for (const tail of Object.values(this.#tails)) tail.close();
  }

  seen(): Seen {
    const { delays } = this.#twins;
    const ms = (q: number): number => Math.round(delays.at(q)) / 1e3;
    return {
      observers: each(OBSERVED, (name) => each(WAYS, (way) => featuresOf(this.#windows[name][way]))),
      overhead: {
        bytes: this.#added((window) => window.bytes),
        packets: this.#added((window) => window.packets),
      },
      added_delay_ms: { p50: ms(0.5), p99: ms(0.99) },
      decoys: this.#tuples.decoys(),
      replies_leaked: this.#tuples.leaked,
    };
  }

  #inside(packet: Packet, view: DataView, at: Micros): void {
    const direction = this.#device.direction(packet, view);
    if (direction === FOREIGN) return;
    const { lan, wan } = this.#observers;
    if (direction === UP) this.#tuples.used(packet, view);
    else this.#tuples.received(packet, view);
    const way = direction === UP ? "up" : "down";
    if (lan.before.observe(packet, view, direction, at)) this.#windows.lan[way].before.add(lan.before.observation);
    if (!wan.before.observe(packet, view, direction, at)) return;
    this.#windows.wan[way].before.add(wan.before.observation);
    if (direction === UP) this.#twins.before(packet, view, at);
  }

  #lan(packet: Packet, view: DataView, at: Micros): void {
    const direction = (this.#tunnel ?? this.#device).direction(packet, view);
    if (direction === FOREIGN) return;
    const { lan } = this.#observers;
    const way = direction === UP ? "up" : "down";
    if (lan.after.observe(packet, view, direction, at)) this.#windows.lan[way].after.add(lan.after.observation);
    if (direction !== UP || this.#tunnel !== null) return;
    this.#tuples.sent(packet, view);
    this.#twins.after(packet, view, at);
  }

  #wan(packet: Packet, view: DataView, at: Micros): void {
    const direction = this.#house.direction(packet, view);
    if (direction === FOREIGN) return;
    const { wan } = this.#observers;
    const way = direction === UP ? "up" : "down";
    if (wan.after.observe(packet, view, direction, at)) this.#windows.wan[way].after.add(wan.after.observation);
  }

  #added(count: (window: FeatureWindow) => number): number {
    const { up, down } = this.#windows.lan;
    const before = count(up.before) + count(down.before);
    return before === 0 ? 0 : (count(up.after) + count(down.after)) / before - 1;
  }
}

function pair(): Record<Side, FeatureWindow> {
  // The captures begin before the first handshake, so that windows are read in bytes.
  return { before: new FeatureWindow("scaled"), after: new FeatureWindow("scaled") };
}

function featuresOf({ before, after }: Record<Side, FeatureWindow>): BeforeAfter {
  return { before: before.features(), after: after.features() };
}

function each<const K extends ObserverName | Way, V>(keys: readonly K[], make: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>;
}
