import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Host } from "./host.js";
import { merged, note, type About, type Entry, type Ledger } from "./ledger.js";
import { ABSENT, sameContent, sha256, stateOf, type Owner } from "./path-state.js";
import { restore } from "./restore.js";
import { besides, syncFolder, writeBeside, type Store } from "./store.js";
import { changedLinks, unitLinks } from "./unit-links.js";

/** A file as it shall be. */
export interface Wanted {
  readonly path: string;
  readonly text: string;
  readonly owner: Owner;
}

/** Changes of files that are taken back together, also by a later run where this one is cut off. The ledger is written before each. */
export class Transaction {
  readonly #host: Host;
  readonly #store: Store;
  readonly #ledger: Ledger;

  private constructor(host: Host, store: Store, ledger: Ledger) {
    this.#host = host;
    this.#store = store;
    this.#ledger = ledger;
  }

  /** Begins. Throws `setup` where not even the ledger can be written. */
  static begin(host: Host, store: Store, about: About): Transaction {
    const ledger: Ledger = { version: 1, phase: "open", entries: [], links: null, about };
    try {
      store.open();
      store.saveNext(ledger);
    } catch (cause) {
      store.dropNext();
      throw failed("beginning the ledger", cause);
    }
    return new Transaction(host, store, ledger);
  }

  /** The one that an earlier run left open; null where it left none. */
  static leftOver(host: Host, store: Store): Transaction | null {
    const ledger = store.next;
    if (ledger === null) return null;
    if (ledger.phase === "open") return new Transaction(host, store, ledger);
    store.finishNext();
    return null;
  }

  get about(): About {
    return this.#ledger.about;
  }

  get entries(): readonly Entry[] {
    return this.#ledger.entries;
  }

  /** Writes files: all bytes first, beside their places, and then all names. Throws `setup` where that fails; nothing has its name then. */
  put(files: readonly Wanted[]): void {
    const changed = files.filter(({ path, text, owner }) => {
      const now = stateOf(this.#host.path(path));
      return now.kind !== "file" || now.sha256 !== sha256(Buffer.from(text)) || now.mode !== owner.mode;
    });
    const places = changed.map(({ path }) => this.#host.path(path));
    try {
      for (const file of changed) this.#note(file);
      this.#store.saveNext(this.#ledger);
      for (const { path, text, owner } of changed) {
        this.#makeFolder(dirname(path), owner);
        writeBeside(this.#host.path(path), Buffer.from(text), owner);
      }
      for (const place of places) renameSync(besides(place), place);
      for (const folder of new Set(places.map((place) => dirname(place)))) syncFolder(folder);
    } catch (cause) {
      throw failed("writing files", cause);
    }
  }

  /** Lets systemctl change its links, and notes what it changed. */
  async links(change: () => Promise<void>): Promise<void> {
    this.#ledger.links = unitLinks(this.#host);
    this.#save("noting units");
    try {
      await change();
    } finally {
      this.#noteLinks();
    }
    this.#save("noting units");
  }

  /** All of it is in force, together with what was. */
  finish(): void {
    const before = this.#store.inForce;
    const entries = merged(before?.entries ?? [], this.#ledger.entries);
    try {
      this.#store.saveNext({ ...this.#ledger, phase: "done", entries });
    } catch (cause) {
      throw failed("closing the ledger", cause);
    }
    this.#store.finishNext();
  }

  /** Takes everything back. Answers where it put files that somebody else changed meanwhile. */
  rollback(): string[] {
    this.#noteLinks();
    const aside = restore(this.#host, this.#store, this.#ledger.entries);
    this.#store.dropNext();
    return aside;
  }

  #note({ path, text, owner }: Wanted): void {
    for (const folder of this.#missing(dirname(path)))
      note(this.#ledger.entries, { path: folder, before: ABSENT, after: { kind: "directory", ...folderOwner(owner) } });
    const place = this.#host.path(path);
    const before = stateOf(place);
    if (before.kind === "file") this.#store.keep(readFileSync(place));
    if (before.kind === "directory") throw new HushboxError("setup", `${path} is a folder`);
    const after = { kind: "file", sha256: sha256(Buffer.from(text)), mtime: 0, ...owner } as const;
    note(this.#ledger.entries, { path, before, after });
  }

  #save(doing: string): void {
    try {
      this.#store.saveNext(this.#ledger);
    } catch (cause) {
      throw failed(doing, cause);
    }
  }

  #noteLinks(): void {
    if (this.#ledger.links === null) return;
    for (const entry of changedLinks(this.#host, this.#ledger.links))
      if (!sameContent(entry.before, entry.after)) note(this.#ledger.entries, entry);
    this.#ledger.links = null;
  }

  /** Folders on the way that are not there, the outermost first. */
  #missing(folder: string): string[] {
    if (existsSync(this.#host.path(folder))) return [];
    return [...this.#missing(dirname(folder)), folder];
  }

  #makeFolder(folder: string, owner: Owner): void {
    const place = this.#host.path(folder);
    if (existsSync(place) && statSync(place).isDirectory()) return;
    this.#makeFolder(dirname(folder), owner);
    mkdirSync(place);
    const { mode, uid, gid } = folderOwner(owner);
    chmodSync(place, mode);
    if (process.getuid?.() === 0) chownSync(place, uid, gid);
  }
}

/** A folder is open to all to look into, and its owner's alone to write; what is secret in it is closed by itself. */
function folderOwner({ uid, gid }: Owner): Owner {
  return { mode: 0o755, uid, gid };
}

function failed(doing: string, cause: unknown): HushboxError {
  const full = (cause as NodeJS.ErrnoException).code === "ENOSPC";
  const advice = full ? "; make room on the disk (apt-get clean, journalctl --vacuum-size=50M) and try again" : "";
  return new HushboxError("setup", `${doing} failed: ${messageOf(cause)}${advice}`, cause);
}
