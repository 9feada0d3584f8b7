import { join } from "node:path";
import type { CardOptions, DatapathOptions, DeviceOptions } from "../datapath/options.js";
import type { CoverOptions } from "../defense/decoys/cover.js";
import type { BudgetOptions, DefenseOptions } from "../defense/options.js";
import { DURATION } from "../defense/quantity.js";
import type { LogLevel } from "../log/log.js";
import { parseListen } from "./check-config.js";
import { complete, type CompleteConfig } from "./defaults.js";
import { resolve } from "./resolve.js";
import type { Config, DeviceFile } from "./schema.js";

/** A configuration in the numbers that the rooms work with. */
export interface Settings {
  readonly cards: CardOptions;
  readonly offloads: "off" | "keep";
  readonly datapath: DatapathOptions;
  readonly onFailure: "open" | "closed";
  /** Null: packets go by the two cards. */
  readonly tunnel: TunnelSettings | null;
  readonly api: ApiSettings;
  readonly state: string;
  readonly logLevel: LogLevel;
}

/** The way through WireGuard. */
export interface TunnelSettings {
  readonly role: "box" | "gateway";
  /** Of wg-quick. */
  readonly file: string;
  readonly interface: string;
  readonly inside: string;
  readonly dns: readonly string[];
  /** What the configuration names of decoys' addresses. */
  readonly cover: Partial<CoverOptions>;
  /** Of the devices, lower case. */
  readonly macs: readonly string[];
  readonly local: readonly string[];
  /** One for everything in the tunnel: outside it is one flow. */
  readonly defenses: DefenseOptions;
  readonly budget: BudgetOptions;
}

/** Where and how the control API answers. */
export interface ApiSettings {
  readonly host: string;
  readonly port: number;
  readonly hosts: readonly string[];
  readonly rateLimit: { readonly max: number; readonly milliseconds: number };
  readonly tokenFile: string;
}

const MILLISECONDS: Readonly<Record<string, number>> = { s: 1e3, min: 60e3, h: 3600e3 };

/** Turns a configuration that checkConfig has accepted into numbers. */
export function compile(config: Config): Settings {
  const all = complete(config);
  return {
    cards: {
      card: all.nic.card,
      inside: all.inside,
      outside: all.outside,
      slots: all.nic.slots,
      spin: DURATION.read(all.nic.spin),
      queue: all.nic.queue,
      priority: all.nic.priority,
      decoys: all.nic.decoys,
      capture: all.nic.capture,
    },
    offloads: all.nic.offloads,
    datapath: {
      devices: config.devices.map((device) => compileDevice(config, device)),
      local: all.local.networks,
      delayLocal: all.local.delay,
      isolate: all.isolate,
    },
    onFailure: all.onFailure,
    tunnel: compileTunnel(config, all),
    api: compileApi(all),
    state: all.state,
    logLevel: all.log.level,
  };
}

function compileTunnel(config: Config, all: CompleteConfig): TunnelSettings | null {
  const { file, interface: name, dns, decoySource, decoyDestination } = all.tunnel;
  if (file === "") return null;
  const { defenses, budget } = resolve(config);
  return {
    role: all.role,
    file,
    interface: name,
    inside: all.inside,
    dns,
    cover: {
      ...(decoySource === "" ? {} : { source: decoySource }),
      ...(decoyDestination === "" ? {} : { destination: decoyDestination }),
    },
    macs: config.devices.map(({ mac }) => mac.toLowerCase()),
    local: all.local.networks,
    defenses,
    budget,
  };
}

function compileDevice(config: Config, device: DeviceFile): DeviceOptions {
  const { defenses, budget } = resolve(config, device);
  return { name: device.name, mac: device.mac.toLowerCase(), defenses, budget };
}

function compileApi(all: CompleteConfig): ApiSettings {
  const [max = "", unit = ""] = all.api.rateLimit.split("/");
  return {
    ...parseListen(all.api.listen),
    hosts: all.api.hosts,
    rateLimit: { max: Number(max), milliseconds: MILLISECONDS[unit] ?? NaN },
    tokenFile: all.api.tokenFile === "" ? join(all.state, "token") : all.api.tokenFile,
  };
}
