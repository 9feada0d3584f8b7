import type { Asks, DecoyKind } from "../defense/defense.js";
import { dissect } from "../packet/dissect.js";
import type { Pool } from "../packet/pool.js";
import type { DepartureQueue } from "../schedule/departure-queue.js";
import { after, micros, millis, type Micros } from "../time/micros.js";
import { Counters } from "./counters.js";
import type { Device } from "./device.js";

/** Between the packets of a traceroute series. */
const TRACEROUTE_STEP = millis(20);

const MONTH_BYTES = Counters.index("budget_month_bytes");
const REFUSED = {
  rate: Counters.index("decoys_refused_rate"),
  bytes: Counters.index("decoys_refused_bytes"),
  share: Counters.index("decoys_refused_share"),
  month: Counters.index("decoys_refused_month"),
  destination: Counters.index("decoys_refused_destination"),
  room: Counters.index("decoys_refused_room"),
};
const MADE = {
  tcp: Counters.index("decoys_tcp"),
  udp: Counters.index("decoys_udp"),
  icmp: Counters.index("decoys_icmp"),
  traceroute: Counters.index("decoys_traceroute"),
};

/** Answers what one device's defenses ask for: makes decoys within the device's budget and puts them into the departure queue. */
export class Wishes implements Asks {
  readonly #pool: Pool;
  readonly #queue: DepartureQueue;
  readonly #values: Float64Array;
  #device: Device | null = null;

  constructor(pool: Pool, queue: DepartureQueue, counters: Counters) {
    this.#pool = pool;
    this.#queue = queue;
    this.#values = counters.values;
  }

  /** Who asks from now on. */
  of(device: Device): this {
    this.#device = device;
    return this;
  }

  decoy(kind: DecoyKind, departAt: Micros, fresh: boolean): boolean {
    const device = this.#device;
    if (device === null) return false;
    const series = kind === "traceroute" ? device.options.defenses.decoy.hops : 1;
    for (let step = 1; step <= series; step++) {
      const at = after(departAt, micros((step - 1) * TRACEROUTE_STEP));
      if (!this.#make(device, kind, at, fresh, step)) return step > 1;
    }
    return true;
  }

  get kinds(): readonly DecoyKind[] {
    return this.#device?.options.defenses.decoy.kinds ?? [];
  }

  affordable(span: Micros): number {
    return ((this.#device?.options.budget.packetsPerSecond ?? 0) * span) / 1e6;
  }

  #make(device: Device, kind: DecoyKind, at: Micros, fresh: boolean, step: number): boolean {
    const { hops, size } = device.options.defenses.decoy;
    if (device.decoys.prepare(kind, fresh, hops, size, step) === -1) return this.#refuse(REFUSED.destination);
    const packet = this.#queue.size < this.#queue.capacity ? this.#pool.take() : null;
    if (packet === null) return this.#refuse(REFUSED.room);
    device.decoys.make(packet, this.#pool.view, at);
    dissect(packet, this.#pool.view);
    packet.arrivedAt = packet.departAt = at;
    packet.device = device.index;
    for (const defense of device.chain) defense.onPacket(packet, at);
    const bytes = packet.wireLength + packet.pad;
    const refusal = device.budget.ask(bytes, at);
    if (refusal !== null) {
      for (const defense of device.chain) defense.refused?.(packet);
      this.#pool.release(packet);
      return this.#refuse(REFUSED[refusal]);
    }
    this.#add(MADE[kind], 1);
    this.#add(MONTH_BYTES, bytes);
    // A decoy belongs to no flow: it may leave between packets that wait.
    this.#queue.push(packet);
    return true;
  }

  #refuse(counter: number): false {
    this.#add(counter, 1);
    return false;
  }

  #add(index: number, n: number): void {
    this.#values[index] = (this.#values[index] ?? 0) + n;
  }
}
