import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Log } from "../log/log.js";

/** Something that survives restarts: one JSON value in the state directory. */
export class StateFile<T> {
  readonly #path: string;
  readonly #what: string;
  readonly #isValid: (value: unknown) => value is T;
  readonly #log: Log;

  /** `what`: what is kept, for the log. */
  constructor(path: string, what: string, isValid: (value: unknown) => value is T, log: Log) {
    this.#path = path;
    this.#what = what;
    this.#isValid = isValid;
    this.#log = log;
  }

  /** What was saved; null where nothing was. A file that makes no sense is moved aside, for a person to look at. */
  load(): T | null {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw new HushboxError("state-unreadable", `reading ${this.#path} failed: ${messageOf(cause)}`, cause);
    }
    const value = parsed(text);
    if (this.#isValid(value)) return value;
    const aside = `${this.#path}.damaged-${new Date().toISOString().replaceAll(":", "")}`;
    renameSync(this.#path, aside);
    this.#log.warn(`${this.#what} was damaged and begins anew; the old file is kept`, { file: aside });
    return null;
  }

  /** Saves, so that a power cut leaves either the old state or the new. A disk that is full is told and survived. */
  save(state: T): void {
    const temporary = `${this.#path}.new`;
    try {
      const fd = openSync(temporary, "w", 0o600);
      try {
        writeFileSync(fd, `${JSON.stringify(state)}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, this.#path);
    } catch (cause) {
      this.#log.error(`${this.#what} could not be saved`, { file: this.#path, reason: messageOf(cause) });
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
