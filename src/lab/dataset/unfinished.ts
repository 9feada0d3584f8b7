import { rmSync } from "node:fs";

/** What a file is called until it is whole, where several threads write and any of them may tidy up. */
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
