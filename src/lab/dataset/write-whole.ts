import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { HushboxError } from "../../errors/hushbox-error.js";

/** What a file is called until it is whole. */
export function unfinished(path: string): string {
  return `${path}.unfinished`;
}

/** Removes what could not be finished, where anything of it is there. */
export function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It could not even be begun.
  }
}

/** Writes a small file that is there whole or not at all, whenever the power goes. Throws `dataset-invalid`. */
export function writeWhole(path: string, text: string): void {
  const temporary = unfinished(path);
  try {
    const fd = openSync(temporary, "w");
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (cause) {
    discard(temporary);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HushboxError("dataset-invalid", `writing ${path}: ${why}`, cause);
  }
}
