import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { parseConfig } from "./document.js";
import { editConfig } from "./edit-config.js";
import type { Config } from "./schema.js";

/** A change that lies ready beside the file: `commit` puts it in its place in one step, `abort` forgets it. */
export interface PreparedWrite {
  commit(): void;
  abort(): void;
}

/** The user's configuration file: read whole, changed in place of the user with care. */
export class ConfigFile {
  readonly path: string;
  #text: string;
  #config: Config;

  private constructor(path: string, text: string, config: Config) {
    this.path = path;
    this.#text = text;
    this.#config = config;
  }

  /** Reads a file. Throws `config-unreadable` or `config-invalid`. */
  static read(path: string): ConfigFile {
    const { text, config } = parseConfig(bytesOf(path), path);
    return new ConfigFile(path, text, config);
  }

  /** What the file said when it was last read or written. */
  get config(): Config {
    return this.#config;
  }

  /**
   * Writes the file with `wanted` in it beside the old one, synced to the disk. Nothing is lost whenever the power goes: the old file
   * stays until `commit` renames the new one over it. Refuses where somebody changed the file since it was read.
   */
  prepare(wanted: Config): PreparedWrite {
    if (!bytesOf(this.path).equals(Buffer.from(this.#text))) {
      throw new HushboxError(
        "config-conflict",
        `${this.path} was changed since it was read: reload it first (systemctl reload hushbox, or SIGHUP)`,
      );
    }
    const text = editConfig(this.#text, wanted);
    // A link is followed, so that the file behind it changes and the link stays.
    const target = realpathSync(this.path);
    const temporary = `${target}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      writeSynced(temporary, text, statSync(target));
    } catch (cause) {
      if (existsSync(temporary)) rmSync(temporary);
      throw new HushboxError(
        "config-unreadable",
        `writing ${this.path} failed: ${messageOf(cause)}; the directory must be writable for hushbox to keep a change`,
        cause,
      );
    }
    return {
      commit: () => {
        renameSync(temporary, target);
        syncDirectory(dirname(target));
        this.#text = text;
        this.#config = wanted;
      },
      abort: () => {
        rmSync(temporary, { force: true });
      },
    };
  }
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const hint = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "; config.example.yaml is one to begin with" : "";
    throw new HushboxError("config-unreadable", `reading the configuration failed: ${messageOf(cause)}${hint}`, cause);
  }
}

function writeSynced(path: string, text: string, like: { mode: number; uid: number; gid: number }): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  chmodSync(path, like.mode & 0o7777);
  if (process.getuid?.() === 0) chownSync(path, like.uid, like.gid);
}

function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
