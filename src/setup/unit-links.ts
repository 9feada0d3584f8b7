import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "./host.js";
import type { Entry } from "./ledger.js";
import { UNITS } from "./names.js";
import { ABSENT, stateOf, type PathState } from "./path-state.js";

/** Links and folders below /etc/systemd/system: what systemctl enable, disable and mask change. A folder has no target. */
export type UnitLinks = Record<string, string | null>;

export function unitLinks(host: Host): UnitLinks {
  const found: UnitLinks = {};
  const visit = (folder: string): void => {
    for (const path of names(host.path(folder)).map((name) => join(folder, name))) {
      const facts = lstatSync(host.path(path));
      if (facts.isSymbolicLink()) found[path] = readlinkSync(host.path(path));
      else if (facts.isDirectory()) {
        found[path] = null;
        visit(path);
      }
    }
  };
  visit(UNITS);
  return found;
}

/** What has become of links since they were looked at, folders first. */
export function changedLinks(host: Host, before: UnitLinks): Entry[] {
  const now = unitLinks(host);
  const paths = [...new Set([...Object.keys(now), ...Object.keys(before)])].sort();
  return paths
    .filter((path) => now[path] !== before[path])
    .map((path) => ({ path, before: remembered(host, before[path]), after: stateOf(host.path(path)) }));
}

function remembered(host: Host, target: string | null | undefined): PathState {
  if (target === undefined) return ABSENT;
  if (target !== null) return { kind: "link", target };
  // systemctl removes folders that became empty; they were like the one that they were in.
  const like = stateOf(host.path(UNITS));
  return like.kind === "directory" ? { ...like, mode: 0o755 } : { kind: "directory", mode: 0o755, uid: 0, gid: 0 };
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
