import { closeSync, fsyncSync, openSync, writeFileSync } from "node:fs";
import { HushboxError } from "../../errors/hushbox-error.js";
import { UnfinishedFile } from "../unfinished-file.js";

/** Writes a text that is there whole or not at all. Throws `output-unwritable`. */
export function writePage(path: string, text: string): void {
  const failure = (cause: unknown): HushboxError => {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new HushboxError("output-unwritable", `writing ${path}: ${why}`, cause);
  };
  const file = new UnfinishedFile(path, failure);
  try {
    const fd = openSync(file.path, "w");
    try {
      writeFileSync(fd, text);
      fsync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    file.discard();
    throw failure(cause);
  }
  file.finish();
}

/** Devices and pipes know nothing of it. */
function fsync(fd: number): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
  }
}
