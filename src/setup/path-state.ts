import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readlinkSync } from "node:fs";

/** What stands at a path: enough to say whether it is still that, and with a copy of the bytes, to put it back. */
export type PathState =
  | { readonly kind: "absent" }
  | ({ readonly kind: "directory" } & Owner)
  | { readonly kind: "link"; readonly target: string }
  | ({ readonly kind: "file"; readonly sha256: string; readonly mtime: number } & Owner);

export interface Owner {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export const ABSENT: PathState = { kind: "absent" };

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What is there now. Follows no link. */
export function stateOf(path: string): PathState {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return ABSENT;
  if (facts.isSymbolicLink()) return { kind: "link", target: readlinkSync(path) };
  const owner = { mode: facts.mode & 0o7777, uid: facts.uid, gid: facts.gid };
  if (facts.isDirectory()) return { kind: "directory", ...owner };
  return { kind: "file", sha256: sha256(readFileSync(path)), mtime: facts.mtimeMs / 1000, ...owner };
}

/** The same thing for whoever reads it: times, owners and modes are what the system may change by itself. */
export function sameContent(a: PathState, b: PathState): boolean {
  if (a.kind === "file" && b.kind === "file") return a.sha256 === b.sha256;
  if (a.kind === "link" && b.kind === "link") return a.target === b.target;
  return a.kind === b.kind;
}
