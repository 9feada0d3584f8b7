import type { BudgetState, DeviceReport, FlowReport } from "./handle.js";
import type { DecoyKind } from "../defense/defense.js";
import { SWALLOW, type Asks } from "../defense/defense.js";
import type { Cards, Nic } from "../nic/nic.js";
import { dissect } from "../packet/dissect.js";
import { DOWN, REAL, UP, type Direction, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Random } from "../random/random.js";
import { DepartureQueue } from "../schedule/departure-queue.js";
import { after, millis, NEVER, type Micros } from "../time/micros.js";
import { completeChecksum } from "../wire/checksum.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import { Prefixes } from "../wire/prefix.js";
import { Counters } from "./counters.js";
import { Device } from "./device.js";
import { countDelay, countLateness, meter } from "./meter.js";
import type { DatapathOptions } from "./options.js";
import type { Tap } from "./tap.js";

/** Between the packets of a traceroute series. */
const TRACEROUTE_STEP = millis(20);

const TURNS = Counters.index("turns");
const LAST_TURN = Counters.index("last_turn_us");
const APPLIED = Counters.index("applied");
const COMPLETED = Counters.index("checksums_completed");
const MONTH_BYTES = Counters.index("budget_month_bytes");

/** What the datapath works with; all of it handed in. */
export interface DatapathModules {
  readonly pool: Pool;
  readonly cards: Cards;
  readonly random: Random;
  readonly counters: Counters;
  readonly tap: Tap | null;
  /** Packets that may be held at once. */
  readonly queue: number;
}

/**
 * The loop's body, for both directions, without a clock or a socket of its own:
 *
 *   receive -> dissect -> chain of the device's defenses -> departure queue -> send
 *
 * Every packet that comes in leaves once, or is swallowed, or is counted under one drop reason, or is held. Within a direction, packets of a
 * device leave in the order they came; traffic of the local network is its own lane, so that it need not wait.
 */
export class Datapath implements Asks {
  readonly #pool: Pool;
  readonly #view: DataView;
  readonly #cards: Cards;
  readonly #random: Random;
  readonly #values: Float64Array;
  readonly #tap: Tap | null;
  readonly #queue: DepartureQueue;
  #devices: Device[] = [];
  #local = new Prefixes([]);
  #delayLocal = false;
  #wakeAt: Micros = NEVER;
  /** The device whose defense is being asked for its wishes. */
  #asking: Device | null = null;

  constructor(options: DatapathOptions, saved: BudgetState | null, modules: DatapathModules, now: Micros) {
    this.#pool = modules.pool;
    this.#view = modules.pool.view;
    this.#cards = modules.cards;
    this.#random = modules.random;
    this.#values = modules.counters.values;
    this.#tap = modules.tap;
    this.#queue = new DepartureQueue(modules.queue, modules.pool);
    this.#apply(options, saved, now);
  }

  /** Replaces what changed. Packets already held keep their departures, and later ones of their direction stay behind them. */
  apply(options: DatapathOptions, now: Micros): void {
    this.#apply(options, null, now);
  }

  #apply(options: DatapathOptions, saved: BudgetState | null, now: Micros): void {
    const { mtu } = this.#cards.outside;
    this.#local = new Prefixes(options.local);
    this.#delayLocal = options.delayLocal;
    this.#devices = options.devices.map((wanted) => {
      const kept = this.#devices.find((device) => device.options.mac === wanted.mac);
      if (kept === undefined) return new Device(wanted, saved?.bytes[wanted.mac] ?? 0, this.#random, mtu, now);
      kept.apply(wanted, mtu, now);
      return kept;
    });
    this.#settleWake();
    this.#add(APPLIED, 1);
  }

  /** One turn. Calling it early or often is harmless. Returns when it next has work. */
  poll(now: Micros): Micros {
    const { inside, outside } = this.#cards;
    this.#release(now);
    for (let p = inside.receive(); p !== null; p = inside.receive()) this.#admit(p, UP, now);
    for (let p = outside.receive(); p !== null; p = outside.receive()) this.#admit(p, DOWN, now);
    if (this.#wakeAt <= now) this.#tick(now);
    this.#values[TURNS] = (this.#values[TURNS] ?? 0) + 1;
    this.#values[LAST_TURN] = now;
    const next = this.#queue.nextAt();
    return next < this.#wakeAt ? next : this.#wakeAt;
  }

  /** Packets held for a later departure. */
  get held(): number {
    return this.#queue.size;
  }

  /** Sends what is due and counts what is still held as dropped. */
  stop(now: Micros): void {
    this.#release(now);
    for (let p = this.#queue.popDue(NEVER); p !== null; p = this.#queue.popDue(NEVER)) {
      this.#unhold(p);
      if (p.kind === REAL) this.#add(meter(p.direction).dropStopped, 1);
      this.#pool.release(p);
    }
  }

  /** A calendar month began: budgets are whole again. */
  startMonth(): void {
    for (const device of this.#devices) device.budget.monthBytes = 0;
    this.#values[MONTH_BYTES] = 0;
  }

  /** Decoy bytes of this month by device. */
  monthBytes(): Record<string, number> {
    return Object.fromEntries(this.#devices.map((device) => [device.options.mac, device.budget.monthBytes]));
  }

  devices(now: Micros): DeviceReport[] {
    return this.#devices.map((device) => ({
      name: device.options.name,
      mac: device.options.mac,
      packetsUp: device.packetsUp,
      packetsDown: device.packetsDown,
      bytesUp: device.bytesUp,
      bytesDown: device.bytesDown,
      decoyBytesThisMonth: device.budget.monthBytes,
      budgetLeftBytes: device.budget.left,
      idleSeconds: device.lastSeen < 0 ? null : (now - device.lastSeen) / 1e6,
    }));
  }

  flows(_now: Micros): FlowReport[] {
    return [];
  }

  /* ---- in the order in which a packet meets them ---- */

  #admit(packet: Packet, direction: Direction, now: Micros): void {
    const values = this.#values;
    const m = meter(direction);
    packet.direction = direction;
    packet.departAt = packet.arrivedAt;
    values[m.packetsIn] = (values[m.packetsIn] ?? 0) + 1;
    values[m.bytesIn] = (values[m.bytesIn] ?? 0) + packet.wireLength;
    if (packet.wireLength > this.#towards(direction).longest) {
      // Offloads made a frame that no card can send again.
      this.#add(m.dropOversize, 1);
      this.#pool.release(packet);
      return;
    }
    dissect(packet, this.#view);
    if (packet.partialChecksum) this.#complete(packet);
    const device = this.#deviceOf(packet);
    const local = this.#isLocal(packet);
    packet.local = local && !this.#delayLocal;
    if (local) values[m.local] = (values[m.local] ?? 0) + 1;
    if (packet.version !== 0 ? packet.protocol === -1 : packet.etherType !== ethernet.ARP) this.#add(m.unknown, 1);
    if (this.#tap !== null) this.#tap.arrived(packet, now);
    if (device === null) {
      this.#send(packet, now);
      return;
    }
    this.#count(device, packet, now);
    if (direction === UP) {
      if (!local) device.decoys.sawUp(packet, this.#view);
    } else if (device.decoys.answers(packet, this.#view, now)) {
      this.#swallow(packet);
      return;
    }
    for (const defense of device.chain) {
      if (defense.onPacket(packet, now) === SWALLOW) {
        this.#swallow(packet);
        return;
      }
    }
    this.#schedule(device, packet, now);
  }

  #schedule(device: Device, packet: Packet, now: Micros): void {
    if (packet.local) {
      packet.departAt = packet.arrivedAt;
    } else {
      const last = device.lastDeparture[packet.direction];
      if (packet.departAt < last) packet.departAt = last;
      device.lastDeparture[packet.direction] = packet.departAt;
    }
    const nic = this.#towards(packet.direction);
    // At once what is due, unless something due still waits for room on a card: that was first.
    if (packet.departAt <= now && nic.room > 0 && this.#queue.nextAt() > now) {
      this.#send(packet, now);
    } else if (this.#queue.push(packet)) {
      this.#add(meter(packet.direction).held, 1);
      this.#add(meter(packet.direction).delayed, 1);
    } else {
      this.#add(meter(packet.direction).dropQueueFull, 1);
      this.#pool.release(packet);
    }
  }

  #release(now: Micros): void {
    const { inside, outside } = this.#cards;
    // A full card leaves the rest in the queue, in order, for the next turn.
    while (inside.room > 0 && outside.room > 0) {
      const packet = this.#queue.popDue(now);
      if (packet === null) return;
      this.#unhold(packet);
      if (packet.kind === REAL) countLateness(this.#values, packet.direction, now - packet.departAt);
      this.#send(packet, now);
    }
  }

  #send(packet: Packet, now: Micros): void {
    const values = this.#values;
    const m = meter(packet.direction);
    if (packet.kind === REAL) {
      values[m.packetsOut] = (values[m.packetsOut] ?? 0) + 1;
      values[m.bytesOut] = (values[m.bytesOut] ?? 0) + packet.wireLength;
      countDelay(values, packet.direction, now - packet.arrivedAt);
    } else {
      values[m.decoyPackets] = (values[m.decoyPackets] ?? 0) + 1;
      values[m.decoyBytes] = (values[m.decoyBytes] ?? 0) + packet.wireLength;
    }
    values[m.paddingBytes] = (values[m.paddingBytes] ?? 0) + packet.pad;
    if (this.#tap !== null) this.#tap.sent(packet, now);
    this.#towards(packet.direction).send(packet);
  }

  #towards(direction: Direction): Nic {
    return direction === UP ? this.#cards.outside : this.#cards.inside;
  }

  #swallow(packet: Packet): void {
    this.#add(meter(packet.direction).swallowed, 1);
    this.#pool.release(packet);
  }

  #unhold(packet: Packet): void {
    if (packet.kind === REAL) this.#add(meter(packet.direction).held, -1);
  }

  /* ---- what a packet is ---- */

  #deviceOf(packet: Packet): Device | null {
    if (packet.length < ethernet.HEADER) return null;
    const mac =
      packet.direction === UP ? ethernet.source(this.#view, packet.at) : ethernet.destination(this.#view, packet.at);
    for (let i = 0; i < this.#devices.length; i++) {
      const device = this.#devices[i];
      if (device !== undefined && device.mac === mac) {
        packet.device = i;
        return device;
      }
    }
    return null;
  }

  /** True for frames that are not IP, and where the far end lies in the local network. */
  #isLocal(packet: Packet): boolean {
    const { network } = packet;
    const up = packet.direction === UP;
    if (packet.version === 4)
      return this.#local.has4(up ? ipv4.destination(this.#view, network) : ipv4.source(this.#view, network));
    if (packet.version === 6) return this.#local.has6(this.#view, network + (up ? ipv6.DESTINATION : ipv6.SOURCE));
    return true;
  }

  /** A frame whose checksum was left to hardware that it will never meet: filled in, else the receiver drops it. */
  #complete(packet: Packet): void {
    if (packet.version === 0 || packet.fragment) return;
    const { version, network, protocol, transport, end } = packet;
    if (completeChecksum(this.#view, version, network, protocol, transport, end)) this.#add(COMPLETED, 1);
  }

  #count(device: Device, packet: Packet, now: Micros): void {
    device.budget.spendReal(packet.wireLength);
    device.lastSeen = now;
    if (packet.direction === UP) {
      device.packetsUp++;
      device.bytesUp += packet.wireLength;
    } else {
      device.packetsDown++;
      device.bytesDown += packet.wireLength;
    }
  }

  /* ---- what defenses ask for ---- */

  #tick(now: Micros): void {
    for (const device of this.#devices) {
      this.#asking = device;
      for (const defense of device.chain) if (defense.wakeAt() <= now) defense.onTick(now, this);
    }
    this.#asking = null;
    this.#settleWake();
  }

  #settleWake(): void {
    this.#wakeAt = NEVER;
    for (const device of this.#devices)
      for (const defense of device.chain) if (defense.wakeAt() < this.#wakeAt) this.#wakeAt = defense.wakeAt();
  }

  /** Asks.decoy, answered by the device's budget. */
  decoy(kind: DecoyKind, departAt: Micros, fresh: boolean): boolean {
    const device = this.#asking;
    if (device === null) return false;
    const { hops, size } = device.options.defenses.decoy;
    const series = kind === "traceroute" ? hops : 1;
    for (let step = 1; step <= series; step++) {
      const at = after(departAt, ((step - 1) * TRACEROUTE_STEP) as Micros);
      if (!this.#decoy(device, kind, at, fresh, hops, size, step)) return step > 1;
    }
    return true;
  }

  /** Asks.affordable, by the rate that the device's budget sets. */
  affordable(span: Micros): number {
    return ((this.#asking?.options.budget.packetsPerSecond ?? 0) * span) / 1e6;
  }

  #decoy(
    device: Device,
    kind: DecoyKind,
    at: Micros,
    fresh: boolean,
    hops: number,
    size: number,
    step: number,
  ): boolean {
    const bytes = device.decoys.prepare(kind, fresh, hops, size, step);
    if (bytes === -1) {
      this.#add(REFUSED.destination, 1);
      return false;
    }
    const packet = this.#pool.take();
    if (packet === null) return false;
    device.decoys.make(packet, this.#view, at);
    dissect(packet, this.#view);
    packet.arrivedAt = packet.departAt = at;
    packet.device = this.#devices.indexOf(device);
    for (const defense of device.chain) defense.onPacket(packet, at);
    const refusal = device.budget.ask(packet.length + packet.pad, at);
    if (refusal !== null) {
      this.#add(REFUSED[refusal], 1);
      this.#pool.release(packet);
      return false;
    }
    this.#add(MADE[kind], 1);
    this.#values[MONTH_BYTES] = (this.#values[MONTH_BYTES] ?? 0) + packet.length + packet.pad;
    // A decoy belongs to no flow: it may leave between packets that wait.
    if (!this.#queue.push(packet)) {
      this.#pool.release(packet);
      return false;
    }
    return true;
  }

  #add(index: number, n: number): void {
    this.#values[index] = (this.#values[index] ?? 0) + n;
  }
}

const REFUSED = {
  rate: Counters.index("decoys_refused_rate"),
  bytes: Counters.index("decoys_refused_bytes"),
  share: Counters.index("decoys_refused_share"),
  month: Counters.index("decoys_refused_month"),
  destination: Counters.index("decoys_refused_destination"),
};

const MADE = {
  tcp: Counters.index("decoys_tcp"),
  udp: Counters.index("decoys_udp"),
  icmp: Counters.index("decoys_icmp"),
  traceroute: Counters.index("decoys_traceroute"),
};
