import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  chownSync,
} from "node:fs";
import { dirname } from "node:path";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Host } from "./host.js";
import type { Entry } from "./ledger.js";
import { sameContent, stateOf, type PathState } from "./path-state.js";
import { besides, dress, syncFolder, writeBeside, type Store } from "./store.js";

/** Paths that somebody else has changed since setup did. A folder counts as changed by nobody: it stays while something is in it. */
export function changedByHand(host: Host, entries: readonly Entry[]): string[] {
  return entries
    .filter(({ path, before, after }) => {
      const now = stateOf(host.path(path));
      return after.kind !== "directory" && !sameContent(now, after) && !sameContent(now, before);
    })
    .map(({ path }) => path);
}

/**
 * Puts every path back to what it was, the last first. All bytes are on the disk before the first path changes, so that a full disk
 * changes nothing; it may be cut off anywhere and done again. Answers where it put files that were changed by hand.
 */
export function restore(host: Host, store: Store, entries: readonly Entry[]): string[] {
  const aside = changedByHand(host, entries).flatMap((path) => {
    if (stateOf(host.path(path)).kind !== "file") return [];
    return [store.setAside(path.slice(1).replaceAll("/", "_"), readFileSync(host.path(path)))];
  });
  const backwards = [...entries].reverse();
  const ready: string[] = [];
  try {
    for (const { path, before } of backwards) {
      const place = host.path(path);
      if (before.kind !== "file" || sameContent(stateOf(place), before)) continue;
      mkdirSync(dirname(place), { recursive: true });
      ready.push(place);
      makeReady(store, place, before);
    }
  } catch (cause) {
    throw new HushboxError("setup", `putting files back failed, and nothing was changed: ${messageOf(cause)}`, cause);
  }
  for (const entry of backwards) putBack(host, entry, ready);
  for (const folder of new Set(backwards.map(({ path }) => dirname(host.path(path)))))
    if (existsSync(folder)) syncFolder(folder);
  return aside;
}

/** The old bytes beside the place. Where the disk is full the kept copy itself goes there, which takes no room. */
function makeReady(store: Store, place: string, before: PathState & { kind: "file" }): void {
  // An earlier try may have come so far.
  if (sameContent(stateOf(besides(place)), before)) {
    dress(besides(place), before, before.mtime);
    return;
  }
  try {
    writeBeside(place, store.kept(before), before, before.mtime);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOSPC") throw cause;
    store.giveUp(before, place);
  }
}

function putBack(host: Host, { path, before, after }: Entry, ready: readonly string[]): void {
  const place = host.path(path);
  if (ready.includes(place)) {
    renameSync(besides(place), place);
    return;
  }
  rmSync(besides(place), { force: true });
  const now = stateOf(place);
  if (sameContent(now, before)) {
    if (before.kind === "file") dress(place, before, before.mtime);
    return;
  }
  switch (before.kind) {
    case "absent":
      if (now.kind === "directory") removeEmpty(place);
      else rmSync(place, { force: true });
      return;
    case "link":
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(before.target, besides(place));
      renameSync(besides(place), place);
      return;
    case "directory":
      if (after.kind !== "directory" && now.kind !== "absent") rmSync(place, { force: true });
      mkdirSync(place, { recursive: true });
      if (process.getuid?.() === 0) chownSync(place, before.uid, before.gid);
      chmodSync(place, before.mode);
      return;
    case "file":
      return;
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    // Somebody has put something there, and keeps it.
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
  }
}
