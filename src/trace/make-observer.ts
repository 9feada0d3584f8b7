import type { Prefixes } from "../wire/prefix.js";
import { Observer, type Vantage } from "./observer.js";
import { ParsingObserver } from "./parsing-observer.js";

/** `stats` counts packets, lengths and times; `parse` reads headers besides, and undoes padding and decoys as far as they tell. */
export const OBSERVER_KINDS = ["stats", "parse"] as const;
export type ObserverKind = (typeof OBSERVER_KINDS)[number];

/** An observer of a kind, for one trace: it remembers what it has seen. `local`: the networks that no packet leaves the house for. */
export function makeObserver(kind: ObserverKind, vantage: Vantage, local: Prefixes): Observer {
  return kind === "parse" ? new ParsingObserver(vantage, local) : new Observer(vantage, local);
}
