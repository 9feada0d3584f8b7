import { readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import type { Candidate, Found } from "./import-dataset.js";

/** What a capture's file is called. */
const CAPTURE = /\.(pcap|pcapng|cap)(\.xz|\.gz)?$/i;

/** How folders are read. */
export interface FolderOptions {
  /** Which folder on the way to a capture is its class: 1 for the first below the source. */
  readonly level: number;
  /** `folder`: all other folders on the way, or the file's name where there are none. `file`: the file's name. A pattern: what its first parentheses find in the path. */
  readonly group: "folder" | "file" | RegExp;
  readonly device: string | null;
}

/** What every importer is told about the set, since no file says it. */
export interface SetWords {
  readonly name: string;
  readonly origin: string;
  readonly licence: string;
  readonly real: boolean;
}

/** Finds the captures of a folder that has a folder for each class. Throws `dataset-invalid`. */
export function findInFolder(source: string, words: SetWords, options: FolderOptions): Found {
  const files = filesBelow(source).filter((file) => CAPTURE.test(file));
  if (files.length === 0)
    throw new HushboxError(
      "dataset-invalid",
      `looking for captures in ${source}: there is no file ending in .pcap, .pcapng or .cap, packed as .xz or .gz or not`,
    );
  return { set: words, candidates: files.map((file) => candidate(source, file, options)), tasks: () => ({}) };
}

function candidate(source: string, file: string, { level, group, device }: FolderOptions): Candidate {
  const folders = file.split("/").slice(0, -1);
  const label = folders[level - 1];
  if (label === undefined)
    throw new HushboxError(
      "dataset-invalid",
      `importing ${join(source, file)}: it lies in no folder of a class (level ${level} below ${source})`,
    );
  return {
    path: join(source, file),
    name: file,
    label,
    group: groupOf(file, folders.toSpliced(level - 1, 1), group),
    device,
  };
}

function groupOf(file: string, others: readonly string[], group: FolderOptions["group"]): string {
  if (group instanceof RegExp) {
    const found = group.exec(file)?.[1];
    if (found === undefined)
      throw new HushboxError(
        "dataset-invalid",
        `importing ${file}: the pattern ${group.source} finds no group in its path`,
      );
    return found;
  }
  return group === "file" || others.length === 0 ? basename(file).replace(CAPTURE, "") : others.join("/");
}

/** Paths below a folder, in the same order on every machine. */
function filesBelow(folder: string): string[] {
  try {
    return readdirSync(resolve(folder), { recursive: true, encoding: "utf8" }).sort();
  } catch (cause) {
    const why = messageOf(cause);
    throw new HushboxError("dataset-invalid", `looking for captures in ${folder}: ${why}`, cause);
  }
}
