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
import { isDeepStrictEqual } from "node:util";
import { dirname } from "node:path";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Host } from "./host.js";
import type { Entry } from "./ledger.js";
import { sameContent, stateOf } from "./path-state.js";
import { besides, reason, syncFolder, writeBeside, type Store } from "./store.js";

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
      if (before.kind !== "file" || isDeepStrictEqual(stateOf(place), before)) continue;
      mkdirSync(dirname(place), { recursive: true });
      ready.push(place);
      writeBeside(place, store.kept(before), before, before.mtime);
    }
  } catch (cause) {
    for (const place of ready) rmSync(besides(place), { force: true });
    throw new HushboxError("setup", `putting files back failed, and nothing was changed: ${reason(cause)}`, cause);
  }
  for (const entry of backwards) putBack(host, entry, ready);
  for (const folder of new Set(backwards.map(({ path }) => dirname(host.path(path)))))
    if (existsSync(folder)) syncFolder(folder);
  return aside;
}

function putBack(host: Host, { path, before, after }: Entry, ready: readonly string[]): void {
  const place = host.path(path);
  if (ready.includes(place)) {
    renameSync(besides(place), place);
    return;
  }
  rmSync(besides(place), { force: true });
  const now = stateOf(place);
  if (sameContent(now, before)) return;
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
