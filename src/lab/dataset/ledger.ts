import { appendFileSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";

/**
 * What is done already, so that a run that was cut off goes on where it was: one line of JSON for each thing, appended when it is whole.
 * A thing counts as done while its stamp is the same. A last line that was cut off is no line.
 */
export class Ledger<T> {
  readonly #path: string;
  readonly #lines = new Map<string, { stamp: string; value: T }>();

  /** Opens the ledger of that path; there need not be one. Throws `dataset-invalid`. */
  constructor(path: string) {
    this.#path = path;
    try {
      mkdirSync(dirname(path), { recursive: true });
      for (const line of readLines(path)) this.#take(line);
    } catch (cause) {
      throw failed("reading", path, cause);
    }
  }

  /** What was put down for `key`, where its stamp is still the same. */
  get(key: string, stamp: string): T | undefined {
    const found = this.#lines.get(key);
    return found?.stamp === stamp ? found.value : undefined;
  }

  /** Puts down that a thing is done. Throws `dataset-invalid`. */
  put(key: string, stamp: string, value: T): void {
    try {
      // A line break first: what a killed run left of its last line stays a line of its own.
      appendFileSync(this.#path, `\n${JSON.stringify([key, stamp, value])}\n`);
    } catch (cause) {
      throw failed("writing", this.#path, cause);
    }
    this.#lines.set(key, { stamp, value });
  }

  #take(line: string): void {
    try {
      const [key, stamp, value] = JSON.parse(line) as [unknown, unknown, T];
      if (typeof key === "string" && typeof stamp === "string") this.#lines.set(key, { stamp, value });
    } catch {
      // Cut off while it was written.
    }
  }
}

/** What a file's contents are recognised by without reading them: its size and when it was last changed. Throws `dataset-invalid`. */
export function stampOf(path: string): string {
  try {
    const { size, mtimeMs } = statSync(path);
    return `${String(size)}:${String(mtimeMs)}`;
  } catch (cause) {
    throw failed("looking at", path, cause);
  }
}

function readLines(path: string): string[] {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

function failed(doing: string, path: string, cause: unknown): HushboxError {
  const why = messageOf(cause);
  return new HushboxError("dataset-invalid", `${doing} ${path}: ${why}`, cause);
}
