import { realpathSync, renameSync, rmSync, statSync } from "node:fs";
import type { HushboxError } from "../errors/hushbox-error.js";

/** The name of a file that appears when it is whole, or not at all. A device or a pipe is written at once; a link stays one, to the new file. */
export class UnfinishedFile {
  /** Where to write meanwhile. */
  readonly path: string;
  readonly #name: string | null;
  readonly #failure: (cause: unknown) => HushboxError;

  /** `failure` makes the error for what the file system says. */
  constructor(name: string, failure: (cause: unknown) => HushboxError) {
    this.#failure = failure;
    this.#name = this.#attempt(() => {
      const there = statSync(name, { throwIfNoEntry: false });
      if (there === undefined) return name;
      if (there.isDirectory()) throw new Error("it is a directory");
      return there.isFile() ? realpathSync(name) : null;
    });
    this.path = this.#name === null ? name : `${this.#name}.unfinished`;
  }

  /** It is whole: gives it its name. */
  finish(): void {
    const name = this.#name;
    if (name === null) return;
    this.#attempt(() => {
      renameSync(this.path, name);
    });
  }

  /** It is not wanted. */
  discard(): void {
    if (this.#name !== null) rmSync(this.path, { force: true });
  }

  #attempt<T>(what: () => T): T {
    try {
      return what();
    } catch (cause) {
      throw this.#failure(cause);
    }
  }
}
