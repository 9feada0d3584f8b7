import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { Ajv } from "ajv";
import { Type } from "typebox";
import type { BudgetState } from "../datapath/handle.js";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Log } from "../log/log.js";

const validate = new Ajv().compile<BudgetState>(
  Type.Object({
    month: Type.String({ pattern: "^[0-9]{4}-(0[1-9]|1[0-2])$" }),
    bytes: Type.Record(Type.String(), Type.Number({ minimum: 0 })),
  }),
);

/** What decoys have cost this month, kept over restarts: `<state>/budget.json`. */
export class BudgetFile {
  readonly #path: string;
  readonly #log: Log;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** What was saved; null where nothing was. A file that makes no sense is moved aside, for a person to look at. */
  load(): BudgetState | null {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw new HushboxError("state-unreadable", `reading ${this.#path} failed: ${reason(cause)}`, cause);
    }
    const value = parsed(text);
    if (validate(value)) return value;
    const aside = `${this.#path}.damaged-${new Date().toISOString().replaceAll(":", "")}`;
    renameSync(this.#path, aside);
    this.#log.warn("the month's budget was damaged and begins anew; the old file is kept", { file: aside });
    return null;
  }

  /** Saves, so that a power cut leaves either the old state or the new. A disk that is full is told and survived. */
  save(state: BudgetState): void {
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
      this.#log.error("the month's budget could not be saved", { file: this.#path, reason: reason(cause) });
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

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
