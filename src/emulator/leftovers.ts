import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blocking, tool } from "./command.js";

/** Where the laboratories of this machine note what they made. */
export const STATE_FOLDER = "/run/hushbox-lab";

/** What one laboratory made, noted before it is made, so that a later run can remove it after a kill -9. */
export interface Note {
  pid: number;
  /** Start time of the process in clock ticks since boot: a reused pid is not the same process. */
  started: number;
  namespaces: string[];
}

/** Start time of a process in clock ticks since boot (proc(5), field 22 of stat); null where there is no such process. */
export function startTime(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, "utf8");
    // The command name, in brackets, may itself hold brackets and spaces: count from the last one.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  } catch {
    return null;
  }
}

/** Writes the note of a laboratory of this process. */
export function writeNote(folder: string, prefix: string, namespaces: string[]): void {
  mkdirSync(folder, { recursive: true });
  const note: Note = { pid: process.pid, started: startTime(process.pid) ?? 0, namespaces };
  // By another name first, so that a sweep never reads half a note.
  writeFileSync(join(folder, `${prefix}.new`), JSON.stringify(note));
  renameSync(join(folder, `${prefix}.new`), join(folder, `${prefix}.json`));
}

/** Removes the note of a laboratory. */
export function removeNote(folder: string, prefix: string): void {
  rmSync(join(folder, `${prefix}.json`), { force: true });
}

/** Ends every process in a namespace and deletes it. Harmless where there is none. */
export function removeNamespace(name: string): void {
  const ip = tool("ip");
  const { stdout } = blocking(ip, ["netns", "pids", name]);
  for (const line of stdout.split("\n")) {
    const pid = Number(line);
    if (pid > 1 && pid !== process.pid) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
  }
  blocking(ip, ["netns", "del", name]);
}

/** Removes what laboratories of processes that no longer live have left; answers the prefixes of those. */
export function sweepFolder(folder: string): string[] {
  const swept: string[] = [];
  let files: string[];
  try {
    files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  } catch {
    return swept;
  }
  for (const file of files) {
    const note = readNote(join(folder, file));
    if (note === null || (startTime(note.pid) === note.started && note.started !== 0)) continue;
    note.namespaces.forEach(removeNamespace);
    rmSync(join(folder, file), { force: true });
    swept.push(file.slice(0, -".json".length));
  }
  return swept;
}

function readNote(path: string): Note | null {
  try {
    const note = JSON.parse(readFileSync(path, "utf8")) as Partial<Note>;
    const { pid, started, namespaces } = note;
    if (typeof pid !== "number" || typeof started !== "number" || !Array.isArray(namespaces)) return null;
    return { pid, started, namespaces: namespaces.filter((name) => typeof name === "string") };
  } catch {
    // Not ours.
    return null;
  }
}
