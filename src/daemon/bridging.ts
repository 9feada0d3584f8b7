import { isDeepStrictEqual } from "node:util";
import type { Settings } from "../config/settings.js";
import { messageOf } from "../errors/message-of.js";
import type { Log } from "../log/log.js";
import { withoutFilters, type Bridge } from "../nic/bridge.js";
import type { Guarded, GuardTable } from "../nic/guard-table.js";
import { macNumbers } from "./datapath-loop.js";
import type { GuardFile } from "./guard-file.js";

/** What the kernel tells of the bridge between the two cards, and what guards it. */
export interface BridgeModules {
  /** The bridge that joins them now, or null. */
  readonly read: () => Bridge | null;
  /** True where something about bridges changed since the last time. */
  readonly heard: () => boolean;
  readonly close: () => void;
  /** The filters that bridged frames pass once more (br_netfilter). */
  readonly filters: () => string[];
  readonly guard: Pick<GuardTable, "load" | "remove" | "look">;
}

/** What `onFailure: closed` keeps from passing. */
export function guardedOf(settings: Settings): Guarded {
  const { inside, outside } = settings.cards;
  return {
    outside,
    ...(settings.datapath.isolate ? { inside } : {}),
    devices: macNumbers(settings.datapath.devices.map((device) => device.mac)),
  };
}

/** Why `isolate` does nothing, and what to do; null where it does. */
export function radioKeeps(
  bridge: Bridge,
  inside: string,
): { readonly message: string; readonly advice: string } | null {
  if (bridge.hairpin) return null;
  return {
    message: `is on, and ${bridge.name} sends no frame back out of ${inside}: stations of the access point talk past hushbox, or not at all`,
    advice: `bridge link set dev ${inside} hairpin on, with ap_isolate=1 in hostapd`,
  };
}

/** The daemon's side of a bridge between its cards: which one there is, and that what must not pass without hushbox does not. */
export class Bridging {
  readonly #modules: BridgeModules;
  readonly #file: GuardFile;
  readonly #log: Log;
  #bridge: Bridge | null = null;
  #guarded: Guarded | null = null;
  /** Something changed that was not read yet; and that was said. */
  #stale = false;
  #unread = false;
  #complaint = "";

  constructor(modules: BridgeModules, file: GuardFile, log: Log) {
    this.#modules = modules;
    this.#file = file;
    this.#log = log;
  }

  get bridge(): Bridge | null {
    return this.#bridge;
  }

  /** True while the table of `onFailure: closed` is in force. */
  get guarded(): boolean {
    return this.#guarded !== null;
  }

  /** Looks for the bridge, and makes the guard what the settings say. Throws HushboxError: take-over, permission, host. */
  start(settings: Settings): Bridge | null {
    this.#modules.heard();
    this.#bridge = this.#modules.read();
    try {
      this.guard(settings);
    } catch (error) {
      // Without a bridge there is nothing to guard, and a kernel that knows of none needs none.
      if (this.#bridge !== null) throw error;
      this.#log.warn("the guard of onFailure is not in force", { reason: messageOf(error) });
    }
    if (this.#bridge !== null) this.#tell(this.#bridge);
    this.isolate(settings);
    return this.#bridge;
  }

  /** Makes the guard what the settings say. Throws as `start`. */
  guard(settings: Settings): void {
    const { guard } = this.#modules;
    if (settings.onFailure === "closed") {
      const guarded = guardedOf(settings);
      if (guard.look(guarded) !== "as wanted") guard.load(guarded);
      if (!isDeepStrictEqual(this.#file.load(), guarded)) this.#file.save(guarded);
      this.#guarded = guarded;
      return;
    }
    this.#guarded = null;
    // Who has never guarded needs no permission not to.
    if (guard.look(guardedOf(settings)) !== null && guard.remove())
      this.#log.info("removed the guard: onFailure is open");
    this.#file.remove();
  }

  /** Tells once where frames between stations shall pass hushbox and do not. */
  isolate({ cards, datapath }: Settings): void {
    const kept = datapath.isolate && this.#bridge !== null ? radioKeeps(this.#bridge, cards.inside) : null;
    const complaint = kept === null ? "" : `isolate ${kept.message}; ${kept.advice}`;
    if (complaint !== "" && complaint !== this.#complaint) this.#log.warn(complaint);
    this.#complaint = complaint;
  }

  /** The bridge where it changed, else undefined. */
  changed(): Bridge | null | undefined {
    this.#stale = this.#modules.heard() || this.#stale;
    if (!this.#stale) return undefined;
    let now: Bridge | null;
    try {
      now = this.#modules.read();
    } catch (error) {
      // It may have gone while it was read. What is known stays until it can be read again.
      if (!this.#unread) this.#log.warn("the bridge could not be looked at", { reason: messageOf(error) });
      this.#unread = true;
      return undefined;
    }
    this.#stale = false;
    this.#unread = false;
    if (isDeepStrictEqual(now, this.#bridge)) return undefined;
    const before = this.#bridge;
    this.#bridge = now;
    if (now !== null && now.name !== before?.name) this.#tell(now);
    if (now === null) this.#log.warn("the kernel bridges the two cards no more; hushbox is the only path between them");
    return now;
  }

  /** Puts the guard back where somebody took it away (`nft flush ruleset`). */
  look(): void {
    if (this.#guarded === null || this.#modules.guard.look(this.#guarded) === "as wanted") return;
    this.#log.warn("somebody removed or changed the guard of onFailure: closed; it is put back");
    this.#modules.guard.load(this.#guarded);
  }

  close(): void {
    this.#modules.close();
  }

  #tell(bridge: Bridge): void {
    this.#log.info("the kernel bridges the two cards; what devices send through it is taken over", {
      bridge: bridge.name,
    });
    const filters = this.#modules.filters();
    if (filters.length > 0)
      this.#log.warn(
        `bridged frames pass ${filters.join(", ")} too (br_netfilter): what those drop is not forwarded while hushbox does not run; ${withoutFilters(filters)}`,
      );
  }
}
