import { chainOf, type Modules } from "../defense/chain.js";
import { Budget } from "../defense/decoys/budget.js";
import { CoverSource } from "../defense/decoys/cover.js";
import type { Decoys } from "../defense/decoys/decoys.js";
import { DecoySource } from "../defense/decoys/source.js";
import type { Defense } from "../defense/defense.js";
import { parseMac } from "../wire/ethernet.js";
import { Prefixes } from "../wire/prefix.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { DOWN, UP } from "../packet/packet.js";
import type { MechanismModules } from "../defense/pad/mechanism.js";
import { micros, type Micros } from "../time/micros.js";
import type { DeviceOptions } from "./options.js";
import { TunnelEnd, type TunnelEndModules } from "./tunnel-end.js";

/** What devices' defenses work with, and their tunnels. */
export type DeviceModules = MechanismModules & TunnelEndModules;

/** Of the two cards, in bytes; `mtu` is that of the outside one. */
type Mtus = Pick<Modules, "mtu" | "insideMtu">;

/** One device while it is configured: its chain, its budget, its decoys, and when its last packet of each direction leaves. */
export class Device {
  readonly mac: number;
  /** Where it is known by its addresses instead. */
  networks: Prefixes | null;
  /** Place in the configuration. */
  index: number;
  options: DeviceOptions;
  chain: readonly Defense[] = [];
  readonly budget: Budget;
  decoys: Decoys;
  /** Where it has a tunnel with a schedule: what packets of its way up wait in. */
  end: TunnelEnd | null;
  /** The latest departure of each direction: no later packet of the same direction leaves before it. */
  readonly lastDeparture: [Micros, Micros] = [micros(0), micros(0)];
  /** Local traffic leaves no earlier than this: what became local by a change must not overtake what is held of it from before. */
  readonly localFrom: [Micros, Micros] = [micros(0), micros(0)];
  packetsUp = 0;
  packetsDown = 0;
  bytesUp = 0;
  bytesDown = 0;
  lastSeen = micros(-1);
  readonly #modules: DeviceModules;

  constructor(
    options: DeviceOptions,
    index: number,
    monthBytes: number,
    modules: DeviceModules,
    mtus: Mtus,
    now: Micros,
  ) {
    const mac = parseMac(options.mac);
    if (mac === null)
      throw new HushboxError("config-invalid", `device ${options.name}: "${options.mac}" is no MAC address`);
    this.mac = mac;
    this.index = index;
    this.options = options;
    this.#modules = modules;
    this.budget = new Budget(options.budget, monthBytes, now);
    this.networks = networksOf(options);
    this.decoys =
      options.tunnel === undefined ? new DecoySource(modules) : new CoverSource(options.tunnel.cover, modules.tally);
    this.end = this.#endOf(options, now);
    this.chain = chainOf(options.defenses, [], options.defenses, { ...modules, ...mtus, now });
  }

  /**
   * Takes new values over. A defense whose own values stay the same keeps its state. Answers the tunnel's end that another has taken the
   * place of: what waits there is the caller's.
   */
  apply(options: DeviceOptions, mtus: Mtus, now: Micros): TunnelEnd | null {
    const before = this.end;
    if (scheduleOf(options) !== scheduleOf(this.options)) this.end = this.#endOf(options, now);
    this.chain = chainOf(options.defenses, this.chain, this.options.defenses, { ...this.#modules, ...mtus, now });
    if (options.tunnel !== undefined && JSON.stringify(options.tunnel) !== JSON.stringify(this.options.tunnel)) {
      this.networks = networksOf(options);
      this.decoys = new CoverSource(options.tunnel.cover, this.#modules.tally);
    }
    this.options = options;
    this.budget.options = options.budget;
    return before === this.end ? null : before;
  }

  #endOf({ defenses, tunnel, budget }: DeviceOptions, now: Micros): TunnelEnd | null {
    if (tunnel === undefined || !defenses.episode.enabled) return null;
    const { monthBytes } = this.budget;
    return new TunnelEnd(defenses, tunnel, { perMonth: budget.perMonth, monthBytes }, this.#modules, now);
  }

  /** What counts as local, or whether it waits, is another from now on. */
  localChanged(): void {
    this.localFrom[UP] = this.lastDeparture[UP];
    this.localFrom[DOWN] = this.lastDeparture[DOWN];
  }
}

function networksOf({ tunnel }: DeviceOptions): Prefixes | null {
  const networks = tunnel?.networks ?? null;
  return networks === null ? null : new Prefixes(networks);
}

/** Two with the same have the same end. */
function scheduleOf({ defenses: { episode }, tunnel, budget: { perMonth } }: DeviceOptions): string {
  return JSON.stringify([episode, tunnel, perMonth]);
}
