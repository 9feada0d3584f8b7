import type { Micros } from "../time/micros.js";
import { Decoy } from "./decoy.js";
import type { Defense } from "./defense.js";
import { Jitter } from "./jitter.js";
import { Pace } from "./pace.js";
import type { DefenseOptions } from "./options.js";
import type { MechanismModules } from "./pad/mechanism.js";
import { Pad } from "./pad/pad.js";
import { Window } from "./window.js";

/** What a defense is made from, beside its options. */
export interface Modules extends MechanismModules {
  /** Of the outside card, in bytes. */
  readonly mtu: number;
  /** Of the inside card. */
  readonly insideMtu: number;
  readonly now: Micros;
}

/** Those that packets meet one by one. `episode` is a tunnel's schedule, not a packet's affair: the room `tunnel` runs it. */
type ChainName = Exclude<keyof DefenseOptions, "episode">;

/** The registry: every defense, in the order in which packets meet them. Sizes come last, so that what others made is padded too. */
const DEFENSES: Readonly<Record<ChainName, (options: DefenseOptions, modules: Modules) => Defense>> = {
  decoy: ({ decoy }, { random, now }) => new Decoy(decoy, random, now),
  jitter: ({ jitter }, { random, now }) => new Jitter(jitter, random, now),
  pace: ({ pace }, modules) => new Pace(pace, modules),
  window: ({ window }, modules) => new Window(window, modules),
  pad: ({ pad }, modules) => new Pad(pad, modules.mtu, modules, modules.insideMtu),
};

/** The names of all defenses, in chain order. */
export const DEFENSE_NAMES = Object.keys(DEFENSES) as readonly ChainName[];

/** The chain for `wanted`. A defense of `current`, made from `had`, is kept with its state where its own options did not change. */
export function chainOf(
  wanted: DefenseOptions,
  current: readonly Defense[],
  had: DefenseOptions,
  modules: Modules,
): readonly Defense[] {
  return DEFENSE_NAMES.filter((name) => wanted[name].enabled).map((name) => {
    const kept = current.find((defense) => defense.name === name);
    const same = JSON.stringify(wanted[name]) === JSON.stringify(had[name]);
    return kept !== undefined && same ? kept : DEFENSES[name](wanted, modules);
  });
}
