import { HushboxError } from "../errors/hushbox-error.js";
import type { Progress } from "./activate.js";
import { settle, stopUnits } from "./deactivate.js";
import type { Host } from "./host.js";
import { changedByHand, restore } from "./restore.js";
import { takeBackLeftOver } from "./set-up.js";
import { Store } from "./store.js";

export interface UndoFlags {
  /** Also files that were changed by hand since; copies of them are kept. */
  readonly force: boolean;
  readonly dryRun: boolean;
}

export interface UndoReport {
  /** Paths that are (or would be) as before again. */
  readonly restored: readonly string[];
  /** Copies of what was changed by hand. */
  readonly copies: readonly string[];
  readonly done: boolean;
}

/** `hushbox setup --undo`: every file and unit as before setup. May be cut off anywhere and called again. */
export async function undo({ force, dryRun }: UndoFlags, host: Host, progress: Progress): Promise<UndoReport> {
  const store = new Store(host);
  if (dryRun) return { restored: paths(store), copies: [], done: false };
  const cutOff = await takeBackLeftOver(host, store, progress);
  const ledger = store.inForce;
  if (ledger === null) {
    // An undo that was cut off at its very end leaves the empty folder.
    store.dropNext();
    return { restored: [], copies: [], done: cutOff };
  }
  const changed = changedByHand(host, ledger.entries);
  if (changed.length > 0 && !force)
    throw new HushboxError(
      "setup",
      `${changed.join(", ")} was changed by hand since setup wrote it; nothing is undone. hushbox setup --undo --force puts back what was there before setup, and keeps a copy of what is there now`,
    );
  const restored = paths(store);
  if (host.live) {
    progress.say("stopping the access point");
    await stopUnits(host, ledger.about);
  }
  progress.say(`putting ${restored.length} files and links back`);
  const copies = restore(host, store, ledger.entries);
  if (host.live) {
    progress.say("giving the cards back");
    await settle(host, ledger.about, progress.say.bind(progress));
  }
  store.drop();
  return { restored, copies, done: true };
}

function paths(store: Store): string[] {
  const entries = [...(store.next?.entries ?? []), ...(store.inForce?.entries ?? [])];
  return [...new Set(entries.map(({ path }) => path))];
}
