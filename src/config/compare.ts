import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { complete } from "./defaults.js";
import { pointer, type Problem } from "./problem.js";
import type { Config } from "./schema.js";

/** What is fixed while the daemon runs. */
const FIXED = ["/inside", "/outside", "/role", "/tunnel", "/nic", "/state", "/api/listen", "/api/tokenFile"] as const;

/** A tag that is the same for the same configuration, whatever the order of its keys (RFC 9110, 8.8.3: a strong one, with its quotes). */
export function etagOf(config: Config): string {
  const hash = createHash("sha256").update(JSON.stringify(sorted(config)));
  return `"${hash.digest("base64url").slice(0, 22)}"`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** Pointers of all values that differ; a list of plain values counts as one. */
export function changedPaths(before: unknown, after: unknown, path = ""): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [old, young] = [parts(before, after), parts(after, before)];
  if (old === null || young === null) return [path];
  const keys = new Set([...Object.keys(old), ...Object.keys(young)]);
  const inside = [...keys].flatMap((key) => changedPaths(old[key], young[key], pointer(path, key)));
  return inside.length > 0 ? inside : [path];
}

/** What is compared inside: maps, and lists of maps. What is not there is an empty one beside one that is. */
function parts(value: unknown, other: unknown): Record<string, unknown> | null {
  if (value === undefined) return other === undefined ? null : parts(other, other) && {};
  if (typeof value !== "object" || value === null) return null;
  return Array.isArray(value) && !value.some((item) => typeof item === "object")
    ? null
    : (value as Record<string, unknown>);
}

/** What a running daemon cannot take over, each named. Spelling out a default is no change. */
export function needsRestart(before: Config, after: Config): Problem[] {
  return changedPaths(complete(before), complete(after))
    .filter((path) => FIXED.some((fixed) => path === fixed || path.startsWith(`${fixed}/`)))
    .map((path) => ({
      path,
      message: "is fixed while hushbox runs: change it in the file and restart (systemctl restart hushbox)",
    }));
}
