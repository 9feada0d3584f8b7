import type { BudgetState, DestinationReport, DeviceReport, FlowReport } from "./handle.js";
import { SWALLOW } from "../defense/defense.js";
import { Destinations } from "../defense/pad/destinations.js";
import { Paths } from "../defense/pad/paths.js";
import { QuicFlows } from "../defense/pad/quic-flows.js";
import { TcpMemory } from "../defense/pad/tcp-memory.js";
import { Trust } from "../defense/pad/trust.js";
import { Tally } from "../defense/tally.js";
import { FlowTable } from "../flow/flow-table.js";
import { TcpFlows } from "../flow/tcp-flows.js";
import type { Bridge } from "../nic/bridge.js";
import type { Cards, Nic } from "../nic/nic.js";
import { dissect } from "../packet/dissect.js";
import { ipBytes } from "../packet/ip-bytes.js";
import { ACROSS, BACK, BOTH, DOWN, REAL, UP, type Direction, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Random } from "../random/random.js";
import { DepartureQueue } from "../schedule/departure-queue.js";
import { earlier, NEVER, seconds, type Micros } from "../time/micros.js";
import { KeepAlives } from "../tunnel/keep-alives.js";
import { completeChecksum } from "../wire/checksum.js";
import { HEADER as ETHERNET_HEADER } from "../wire/ethernet.js";
import { Prefixes } from "../wire/prefix.js";
import { protocolName, TCP } from "../wire/protocol.js";
import { isLocal, isUnknown } from "./classify.js";
import { Counters } from "./counters.js";
import { Device, type DeviceModules } from "./device.js";
import { DeviceIndex } from "./device-index.js";
import { Exits } from "./exits.js";
import { countDelay, countLateness, meter } from "./meter.js";
import type { DatapathOptions } from "./options.js";
import type { Tap } from "./tap.js";
import type { TunnelEnd } from "./tunnel-end.js";
import { TunnelSlots } from "./tunnel-slots.js";
import { Unpacker } from "./unpacker.js";
import { Wishes } from "./wishes.js";

/** Flows that are known at once, and how long an idle one is. */
const FLOWS = { capacity: 4096, idle: seconds(600) };
/** Remote hosts of which something is remembered. */
const DESTINATIONS = 1024;

const TURNS = Counters.index("turns");
const LAST_TURN = Counters.index("last_turn_us");
const APPLIED = Counters.index("applied");
const COMPLETED = Counters.index("checksums_completed");
const MONTH_BYTES = Counters.index("budget_month_bytes");
const MECHANISMS_OFF = Counters.index("mechanisms_off");
const FLOWS_KNOWN = Counters.index("flows");
const FLOWS_EVICTED = Counters.index("flows_evicted");

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
export class Datapath {
  readonly #pool: Pool;
  readonly #view: DataView;
  readonly #cards: Cards;
  readonly #values: Float64Array;
  readonly #tap: Tap | null;
  readonly #queue: DepartureQueue;
  #devices: Device[] = [];
  #index = new DeviceIndex([]);
  #local = new Prefixes([]);
  #delayLocal = false;
  /** Null: what comes in by one card leaves by the other. */
  #exits: Exits | null = null;
  /** The options that say what is local and whether it waits. */
  #lanes = "";
  readonly #wishes: Wishes;
  readonly #flows: FlowTable;
  readonly #tcp: TcpFlows;
  /** What the devices' defenses work with. */
  readonly #modules: DeviceModules;
  readonly #unpacker: Unpacker;
  /** Places of what is counted of the far end's decoys. */
  readonly #farDecoys: number;
  readonly #farDecoysOfOthers: number;
  readonly #slots: TunnelSlots;
  readonly #keepAlives: KeepAlives;
  /** Place of what is counted of them. */
  readonly #answered: number;
  #wakeAt: Micros = NEVER;

  constructor(options: DatapathOptions, saved: BudgetState | null, modules: DatapathModules, now: Micros) {
    this.#pool = modules.pool;
    this.#view = modules.pool.view;
    this.#cards = modules.cards;
    this.#values = modules.counters.values;
    this.#tap = modules.tap;
    this.#queue = new DepartureQueue(modules.queue, modules.pool);
    this.#wishes = new Wishes(modules.pool, this.#queue, modules.counters);
    this.#flows = new FlowTable(FLOWS, modules);
    this.#tcp = new TcpFlows(FLOWS.capacity);
    const { pool, random } = modules;
    const tally = new Tally(this.#values, (name) => Counters.index(name));
    const destinations = new Destinations(DESTINATIONS, modules);
    const paths = new Paths(destinations);
    this.#modules = {
      ...{ pool, random, tally, destinations, paths, flows: this.#flows, tcp: this.#tcp },
      quic: new QuicFlows(FLOWS.capacity),
      trust: new Trust({ destinations, paths, tally }),
      memory: new TcpMemory(FLOWS.capacity, { random, destinations }),
      left: (packet) => {
        this.#slots.left(packet);
      },
    };
    this.#unpacker = new Unpacker(pool);
    this.#farDecoys = tally.place("far_decoys");
    this.#keepAlives = new KeepAlives(FLOWS.capacity, this.#modules);
    this.#answered = tally.place("keep_alives_answered");
    this.#farDecoysOfOthers = tally.place("far_decoys_of_other_version");
    this.#slots = new TunnelSlots(modules, now);
    this.#apply(options, saved, now);
  }

  /** Replaces what changed. Packets already held keep their departures, and later ones of their direction stay behind them. */
  apply(options: DatapathOptions, now: Micros): void {
    this.#apply(options, null, now);
  }

  #apply(options: DatapathOptions, saved: BudgetState | null, now: Micros): void {
    const { inside, outside } = this.#cards;
    const mtus = { mtu: outside.mtu, insideMtu: inside.mtu };
    const before = this.#devices;
    const lanes = JSON.stringify([options.local, options.delayLocal]);
    if (lanes !== this.#lanes) {
      this.#lanes = lanes;
      this.#local = new Prefixes(options.local);
      this.#delayLocal = options.delayLocal;
      for (const device of before) device.localChanged();
    }
    this.#devices = options.devices.map((wanted, index) => {
      const kept = before.find((device) => device.options.mac === wanted.mac);
      if (kept === undefined) return new Device(wanted, index, saved?.bytes[wanted.mac] ?? 0, this.#modules, mtus, now);
      const old = kept.apply(wanted, mtus, now);
      if (old !== null) this.#slots.retire(old);
      return kept;
    });
    for (const { end } of before.filter((device) => !this.#devices.includes(device)))
      if (end !== null) this.#slots.retire(end);
    this.#flows.renumber(before.map((device) => this.#devices.indexOf(device)));
    this.#devices.forEach((device, index) => {
      device.index = index;
    });
    this.#index = new DeviceIndex(this.#devices);
    this.#slots.of(this.#devices, now);
    this.#settleWake();
    this.#add(APPLIED, 1);
  }

  /** The bridge whose frames we share, or none; with `hairpin`, frames between two stations of its inside port are ours too. */
  share(bridge: Bridge | null): void {
    this.#exits = bridge?.hairpin === true ? new Exits(bridge) : null;
  }

  /** One turn. Calling it early or often is harmless. Returns when it next has work. */
  poll(now: Micros): Micros {
    const { inside, outside } = this.#cards;
    this.#release(now);
    this.#slots.fill(now);
    for (let p = inside.receive(); p !== null; p = inside.receive()) this.#heard(p, now);
    for (let p = outside.receive(); p !== null; p = outside.receive()) this.#admit(p, DOWN, now);
    if (this.#wakeAt <= now) this.#tick(now);
    // What came now may have begun an episode, whose first slot is now.
    const slot = this.#slots.fill(now);
    this.#values[TURNS] = (this.#values[TURNS] ?? 0) + 1;
    this.#values[LAST_TURN] = now;
    this.#values[FLOWS_KNOWN] = this.#flows.size;
    this.#values[FLOWS_EVICTED] = this.#flows.evicted;
    const next = earlier(this.#queue.nextAt(), slot);
    return next < this.#wakeAt ? next : this.#wakeAt;
  }

  /** Packets that have come in so far. */
  get arrived(): number {
    return (this.#values[meter(UP).packetsIn] ?? 0) + (this.#values[meter(DOWN).packetsIn] ?? 0);
  }

  /** Packets held for a later departure. */
  get held(): number {
    return this.#queue.size;
  }

  /** Sends what is held for later too, in its order, as far as the cards have room; decoys are for nobody any more. */
  hurry(now: Micros): void {
    this.#release(now);
    while (this.#cards.inside.room > 0 && this.#cards.outside.room > 0) {
      const packet = this.#queue.popDue(NEVER);
      if (packet === null) return;
      this.#unhold(packet);
      if (packet.kind === REAL) this.#send(packet, now);
      else this.#pool.release(packet);
    }
  }

  /** Sends what is due and counts what is still held as dropped. */
  stop(now: Micros): void {
    this.#release(now);
    for (let p = this.#queue.popDue(NEVER); p !== null; p = this.#queue.popDue(NEVER)) {
      this.#unhold(p);
      if (p.kind === REAL) this.#add(meter(p.direction).dropStopped, 1);
      this.#pool.release(p);
    }
    for (const { end } of this.#devices) if (end !== null) this.#slots.drain(end);
  }

  /** Brings those counters up to date that are not told packet by packet. For now and then. */
  publish(): void {
    this.#slots.publish();
  }

  /** A calendar month began: budgets are whole again. */
  startMonth(): void {
    for (const device of this.#devices) {
      device.budget.monthBytes = 0;
      device.end?.startMonth();
    }
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
      otherVersion: device.end?.strangers ?? 0,
      idleSeconds: device.lastSeen < 0 ? null : (now - device.lastSeen) / 1e6,
    }));
  }

  flows(now: Micros): FlowReport[] {
    return this.#flows.report(now).map((flow) => ({
      ...flow,
      device: this.#devices[flow.device]?.options.name ?? "",
      protocol: protocolName(flow.protocol),
    }));
  }

  /** Takes over what an earlier run has found of destinations; last used last. */
  restore(found: readonly Pick<DestinationReport, "address" | "off">[], now: Micros): void {
    const { destinations, trust } = this.#modules;
    for (const { address, off } of found) {
      const place = destinations.named(address);
      for (const refusal of off) trust.restore(place, refusal, now);
    }
  }

  /** The remote hosts that devices talk to, last used first. */
  destinations(now: Micros): DestinationReport[] {
    const { destinations, paths, trust } = this.#modules;
    const reports = destinations.places().map((place) => {
      const limit = paths.limit(place, now);
      return {
        address: destinations.address(place),
        pathMtu: limit === Infinity ? null : limit,
        off: trust.refusals(place, now),
      };
    });
    this.#values[MECHANISMS_OFF] = reports.reduce((n, { off }) => n + off.length, 0);
    return reports;
  }

  /** Every mechanism is tried again with every destination. */
  forgetDestinations(): void {
    this.#modules.trust.forget();
    this.#values[MECHANISMS_OFF] = 0;
  }

  /* ---- in the order in which a packet meets them ---- */

  /** What came in by the inside card. */
  #heard(packet: Packet, now: Micros): void {
    const direction = this.#exits === null ? UP : this.#exits.find(packet, this.#view, this.#devices);
    if (direction === null) this.#pool.release(packet);
    else this.#admit(packet, direction, now);
  }

  #admit(packet: Packet, direction: Direction, now: Micros): void {
    const values = this.#values;
    const m = meter(direction);
    packet.direction = direction;
    packet.departAt = packet.arrivedAt;
    values[m.packetsIn] = (values[m.packetsIn] ?? 0) + 1;
    values[m.bytesIn] = (values[m.bytesIn] ?? 0) + packet.wireLength;
    if (packet.wireLength > this.#towards(packet).longest) {
      // Offloads made a frame that no card can send again.
      this.#add(m.dropOversize, 1);
      this.#pool.release(packet);
      return;
    }
    dissect(packet, this.#view);
    if (packet.partialChecksum) this.#complete(packet);
    const device = this.#index.of(packet, this.#view);
    if (device !== null) packet.device = device.index;
    // From station to station no router sees it, whatever its addresses.
    const local = packet.exit === BACK || isLocal(packet, this.#view, this.#local);
    packet.home = local;
    packet.local = local && !this.#delayLocal;
    if (local) values[m.local] = (values[m.local] ?? 0) + 1;
    if (packet.exit !== ACROSS) this.#add(m.between, 1);
    if (isUnknown(packet)) this.#add(m.unknown, 1);
    if (this.#tap !== null) this.#tap.arrived(packet, now);
    if (device === null) {
      this.#send(packet, now);
      return;
    }
    this.#count(device, packet, now);
    if (direction === DOWN && device.end !== null && this.#isUnpacked(device, device.end, packet, now)) return;
    if (direction === UP) {
      if (!local) device.decoys.sawUp(packet, this.#view);
    } else if (device.decoys.answers(packet, this.#view, now)) {
      this.#swallow(packet);
      return;
    }
    this.#find(packet, now);
    if (device.end !== null) this.#keepAlive(device, device.end, packet, now);
    if (this.#isSwallowed(device, packet, now)) return;
    if (direction === UP && device.end !== null) this.#slots.offer(device, device.end, packet, now);
    else this.#schedule(device, packet, now);
  }

  /** Past the device's defenses; true where one of them wanted it to go no further. */
  #isSwallowed(device: Device, packet: Packet, now: Micros): boolean {
    for (const defense of device.chain) {
      if (defense.onPacket(packet, now) !== SWALLOW) continue;
      this.#swallow(packet);
      return true;
    }
    return false;
  }

  /** Takes a carrier of the far end apart; what it holds comes in as if it had come by itself. False for what is no carrier. */
  #isUnpacked(device: Device, end: TunnelEnd, packet: Packet, now: Micros): boolean {
    const from = end.heard(packet, now);
    this.#slots.moved(device, end);
    if (from === 0) {
      end.carried(packet.version === 0 ? 0 : ipBytes(packet, this.#view), now);
      return false;
    }
    let empty = true;
    const { lost } = this.#unpacker;
    if (from > 0) {
      for (let inner = this.#unpacker.first(packet, from); inner !== null; inner = this.#unpacker.next()) {
        empty = false;
        end.carried(inner.length - ETHERNET_HEADER, now);
        this.#deliver(device, inner, now);
      }
    }
    if (this.#unpacker.lost !== lost) this.#noSlot(this.#unpacker.lost - lost);
    else if (empty) this.#modules.tally.add(from > 0 ? this.#farDecoys : this.#farDecoysOfOthers, 1);
    this.#swallow(packet);
    return true;
  }

  /** Packets of a carrier that the pool had no slot for. */
  #noSlot(packets: number): void {
    this.#add(meter(DOWN).packetsIn, packets);
    this.#add(meter(DOWN).dropNoSlot, packets);
  }

  /** What a carrier held goes to the device. */
  #deliver(device: Device, packet: Packet, now: Micros): void {
    const m = meter(DOWN);
    packet.direction = DOWN;
    packet.arrivedAt = packet.departAt = now;
    packet.device = device.index;
    dissect(packet, this.#view);
    this.#add(m.packetsIn, 1);
    this.#add(m.bytesIn, packet.wireLength);
    if (this.#tap !== null) this.#tap.arrived(packet, now);
    this.#count(device, packet, now);
    this.#find(packet, now);
    if (device.end !== null) this.#keepAlive(device, device.end, packet, now);
    if (!this.#isSwallowed(device, packet, now)) this.#schedule(device, packet, now);
  }

  /** The flow that it belongs to, and where that is now. */
  #find(packet: Packet, now: Micros): void {
    packet.flow = this.#flows.lookup(packet, this.#view, now);
    if (packet.protocol === TCP && packet.flow !== -1 && !packet.fragment)
      this.#tcp.see(packet, this.#view, this.#flows.generation(packet.flow));
  }

  /** A keep-alive of the device that waits for its slot has an answer at once. */
  #keepAlive(device: Device, { patience }: TunnelEnd, packet: Packet, now: Micros): void {
    if (patience === 0 || packet.flow === -1) return;
    const generation = this.#flows.generation(packet.flow);
    if (packet.direction === DOWN) {
      this.#keepAlives.sawDown(packet, generation);
      return;
    }
    const answer = this.#keepAlives.sawUp(packet, generation, patience, now);
    if (answer === null) return;
    answer.direction = DOWN;
    answer.arrivedAt = answer.departAt = now;
    answer.device = device.index;
    answer.flow = packet.flow;
    dissect(answer, this.#view);
    this.#modules.tally.add(this.#answered, 1);
    this.#add(meter(DOWN).packetsIn, 1);
    this.#add(meter(DOWN).bytesIn, answer.wireLength);
    if (!this.#isSwallowed(device, answer, now)) this.#schedule(device, answer, now);
  }

  #schedule(device: Device, packet: Packet, now: Micros): void {
    if (packet.local) {
      const from = device.localFrom[packet.direction];
      packet.departAt = packet.arrivedAt < from ? from : packet.arrivedAt;
    } else {
      const last = device.lastDeparture[packet.direction];
      if (packet.departAt < last) packet.departAt = last;
      device.lastDeparture[packet.direction] = packet.departAt;
    }
    // At once what is due, unless something due still waits for room on a card: that was first.
    if (packet.departAt <= now && this.#hasRoom(packet) && this.#queue.nextAt() > now) {
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
    if (packet.exit === BOTH && !this.#sendBack(packet)) {
      this.#add(m.dropNoSlot, 1);
      this.#pool.release(packet);
      return;
    }
    if (packet.kind === REAL) {
      values[m.packetsOut] = (values[m.packetsOut] ?? 0) + 1;
      values[m.bytesOut] = (values[m.bytesOut] ?? 0) + packet.wireLength - packet.added;
      countDelay(values, packet.direction, now - packet.arrivedAt);
    } else {
      values[m.decoyPackets] = (values[m.decoyPackets] ?? 0) + 1;
      values[m.decoyBytes] = (values[m.decoyBytes] ?? 0) + packet.wireLength - packet.added;
    }
    values[m.paddingBytes] = (values[m.paddingBytes] ?? 0) + packet.pad + packet.added;
    if (this.#tap !== null) this.#tap.sent(packet, now);
    this.#towards(packet).send(packet);
  }

  /** Sends what leaves by both cards back out by its own, as it is by now. False where no slot is left for that. */
  #sendBack(packet: Packet): boolean {
    const twin = this.#pool.take();
    if (twin === null) return false;
    this.#pool.bytes.copyWithin(twin.at, packet.at, packet.at + packet.length);
    twin.length = packet.length;
    twin.wireLength = packet.wireLength;
    twin.pad = packet.pad;
    this.#cards.inside.send(twin);
    return true;
  }

  #towards({ direction, exit }: Packet): Nic {
    return direction === UP && exit !== BACK ? this.#cards.outside : this.#cards.inside;
  }

  #hasRoom(packet: Packet): boolean {
    return this.#towards(packet).room > 0 && (packet.exit !== BOTH || this.#cards.inside.room > 0);
  }

  #swallow(packet: Packet): void {
    this.#add(meter(packet.direction).swallowed, 1);
    this.#pool.release(packet);
  }

  #unhold(packet: Packet): void {
    if (packet.kind === REAL) this.#add(meter(packet.direction).held, -1);
  }

  /* ---- what a packet is ---- */

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

  #tick(now: Micros): void {
    for (const device of this.#devices) {
      const asks = this.#wishes.of(device);
      for (const defense of device.chain) if (defense.wakeAt() <= now) defense.onTick(now, asks);
    }
    this.#settleWake();
  }

  #settleWake(): void {
    this.#wakeAt = NEVER;
    for (const device of this.#devices)
      for (const defense of device.chain) if (defense.wakeAt() < this.#wakeAt) this.#wakeAt = defense.wakeAt();
  }

  #add(index: number, n: number): void {
    this.#values[index] = (this.#values[index] ?? 0) + n;
  }
}
