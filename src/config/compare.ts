import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { complete } from "./defaults.js";
import { pointer, type Problem } from "./problem.js";
import type { Config } from "./schema.js";

/** What is fixed while the daemon runs. */
const FIXED = ["/inside", "/outside", "/nic", "/state", "/api/listen", "/api/tokenFile"] as const;

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
  if (!composed(before) || !composed(after)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) =>
    changedPaths((before as Record<string, unknown>)[key], (after as Record<string, unknown>)[key], pointer(path, key)),
  );
}

/** Maps, and lists of maps: what is compared inside. */
function composed(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    (!Array.isArray(value) || value.some((item) => typeof item === "object"))
  );
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
