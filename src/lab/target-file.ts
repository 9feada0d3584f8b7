import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Target } from "./target.js";
import { UnfinishedFile } from "./unfinished-file.js";

/** A file that is there when it is whole, and until then what was there before. */
export class TargetFile implements Target {
  readonly #name: string;
  readonly #file: UnfinishedFile;
  #fd: number;

  constructor(name: string) {
    this.#name = name;
    this.#file = new UnfinishedFile(name, (cause) => failure("creating", name, cause));
    this.#fd = this.#attempt("creating", () => openSync(this.#file.path, "w"));
  }

  write(bytes: Uint8Array): void {
    this.#attempt("writing", () => {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#fd, bytes, done);
    });
  }

  room(): Promise<void> {
    return nextTurn();
  }

  finish(): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** What `finish` does, for who has nothing to wait for. */
  close(): void {
    this.#attempt("writing", () => {
      sync(this.#fd);
      closeSync(this.#fd);
    });
    this.#fd = -1;
    this.#file.finish();
  }

  discard(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
    this.#file.discard();
  }

  #attempt<T>(doing: string, what: () => T): T {
    try {
      return what();
    } catch (cause) {
      throw failure(doing, this.#name, cause);
    }
  }
}

/** On disk before it gets its name, or a crash may leave the name and not the bytes. Devices and pipes know nothing of it. */
function sync(fd: number): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
  }
}

function failure(doing: string, name: string, cause: unknown): HushboxError {
  const why = messageOf(cause);
  return new HushboxError("output-unwritable", `${doing} ${name}: ${why}`, cause);
}
