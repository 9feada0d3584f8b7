import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Host } from "./host.js";
import type { Ledger } from "./ledger.js";
import { STORE } from "./names.js";
import { sha256, type Owner, type PathState } from "./path-state.js";

const IN_FORCE = "ledger.json";
const NEXT = "next.json";

/** Where ledgers and kept copies lie: `ledger.json` what is in force, `next.json` what is being done, `kept/` bytes by their hash. */
export class Store {
  readonly #folder: string;

  constructor(host: Host) {
    this.#folder = host.path(STORE);
  }

  /** Throws `setup` where the folder is not ours alone: root would restore what others wrote. */
  open(): void {
    mkdirSync(join(this.#folder, "kept"), { recursive: true, mode: 0o700 });
    this.#guard();
  }

  get inForce(): Ledger | null {
    return this.#load(IN_FORCE);
  }

  /** What was being done when setup ended before its time. */
  get next(): Ledger | null {
    return this.#load(NEXT);
  }

  saveNext(ledger: Ledger): void {
    writeWhole(join(this.#folder, NEXT), Buffer.from(`${JSON.stringify(ledger)}\n`), { mode: 0o600, uid: -1, gid: -1 });
  }

  /** What was next is in force now. */
  finishNext(): void {
    renameSync(join(this.#folder, NEXT), join(this.#folder, IN_FORCE));
    syncFolder(this.#folder);
    const needed = new Set(this.inForce?.entries.map(({ before }) => (before.kind === "file" ? before.sha256 : "")));
    for (const name of this.#kept()) if (!needed.has(name)) rmSync(join(this.#folder, "kept", name));
  }

  /** Nothing is being done, and where nothing is in force either, nothing is left. */
  dropNext(): void {
    rmSync(join(this.#folder, NEXT), { force: true });
    if (this.inForce !== null) return;
    rmSync(join(this.#folder, "kept"), { recursive: true, force: true });
    rmSync(join(this.#folder, `${NEXT}.hushbox-new`), { force: true });
    try {
      rmdirSync(this.#folder);
    } catch {
      // What a person put there stays.
    }
  }

  /** Nothing is in force any more, for all is as before: copies go first, so that a ledger is what goes last. */
  drop(): void {
    rmSync(join(this.#folder, "kept"), { recursive: true, force: true });
    rmSync(join(this.#folder, IN_FORCE), { force: true });
    this.dropNext();
  }

  /** Keeps a copy of a file's bytes. */
  keep(bytes: Buffer): void {
    const path = join(this.#folder, "kept", sha256(bytes));
    if (!existsSync(path)) writeWhole(path, bytes, { mode: 0o600, uid: -1, gid: -1 });
  }

  kept(state: PathState & { kind: "file" }): Buffer {
    const path = join(this.#folder, "kept", state.sha256);
    const bytes = readFileSync(path);
    if (sha256(bytes) !== state.sha256) throw new HushboxError("setup", `${path} is damaged: it cannot be put back`);
    return bytes;
  }

  /** The kept copy itself, beside a place. Throws where that is another file system. */
  giveUp(state: PathState & { kind: "file" }, place: string): void {
    const beside = besides(place);
    renameSync(join(this.#folder, "kept", state.sha256), beside);
    dress(beside, state, state.mtime);
  }

  /** A copy of what a person changed, for them; where it is. */
  setAside(name: string, bytes: Buffer): string {
    const folder = `${this.#folder}-changed`;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, name);
    writeWhole(path, bytes, { mode: 0o600, uid: -1, gid: -1 });
    return path;
  }

  #kept(): string[] {
    try {
      return readdirSync(join(this.#folder, "kept"));
    } catch {
      return [];
    }
  }

  #guard(): void {
    const { uid, mode } = lstatSync(this.#folder);
    const me = process.getuid?.() ?? 0;
    if (uid === me && (mode & 0o022) === 0) return;
    throw new HushboxError(
      "setup",
      `${this.#folder} can be written by others than user ${me}: what it says cannot be trusted; look at it, then chown and chmod 700`,
    );
  }

  #load(name: string): Ledger | null {
    const path = join(this.#folder, name);
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw new HushboxError("setup", `reading ${path} failed: ${messageOf(cause)}`, cause);
    }
    this.#guard();
    try {
      return JSON.parse(text) as Ledger;
    } catch (cause) {
      throw new HushboxError("setup", `${path} is damaged: ${messageOf(cause)}`, cause);
    }
  }
}

/** Writes a file beside its place, synced, then puts it there. A file that exists keeps its bytes until then. */
export function writeWhole(path: string, bytes: Uint8Array, owner: Owner): void {
  const beside = writeBeside(path, bytes, owner);
  renameSync(beside, path);
  syncFolder(dirname(path));
}

/** Writes a file's new bytes beside it, synced, with owner, mode and time; where they are. */
export function writeBeside(path: string, bytes: Uint8Array, owner: Owner, mtime?: number): string {
  const beside = besides(path);
  rmSync(beside, { force: true });
  // Closed to others from its first moment on: it may hold a password.
  const fd = openSync(beside, "wx", 0o600);
  try {
    writeFileSync(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  dress(beside, owner, mtime);
  return beside;
}

/** Owner, mode and time. */
export function dress(path: string, { mode, uid, gid }: Owner, mtime?: number): void {
  if (uid >= 0 && process.getuid?.() === 0) chownSync(path, uid, gid);
  chmodSync(path, mode);
  if (mtime !== undefined) utimesSync(path, mtime, mtime);
}

export function besides(path: string): string {
  return `${path}.hushbox-new`;
}

export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
