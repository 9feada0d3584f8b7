import { mkdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import { inspectCapture, type Inspected } from "./inspect-capture.js";
import { Ledger, stampOf } from "./ledger.js";
import { MANIFEST_NAME, writeManifest, type Manifest, type ManifestCapture } from "./manifest.js";
import { packingOf, unpacked, writeStream } from "./unpack.js";

/** Where what is unpacked goes, below the folder that the user names. */
export const CAPTURES = "captures";
const LEDGER = "import.ledger";

/** A labelled file that somebody has found: packed or not. */
export interface Candidate {
  /** Where it lies. */
  readonly path: string;
  /** A name for it, unique in the import, from which that of its unpacked copy is made. */
  readonly name: string;
  readonly label: string;
  readonly group: string;
  readonly device: string | null;
  readonly from?: string;
  readonly to?: string;
  /** How many packets whoever labelled it has counted. */
  readonly packets?: number;
}

/** What an importer found: the set without its captures, and candidates for those. */
export interface Found {
  readonly set: Omit<Manifest, "captures" | "tasks">;
  /** The tasks that can be made of the labels that are left. */
  tasks(labels: ReadonlySet<string>): NonNullable<Manifest["tasks"]>;
  readonly candidates: readonly Candidate[];
}

export interface ImportOptions {
  /** The folder for the manifest and for what is unpacked. */
  readonly out: string;
  /** Leave out captures with which something is wrong, instead of failing. */
  readonly skipBad: boolean;
}

/** What an import did. */
export interface ImportReport {
  readonly manifest: string;
  readonly real: boolean;
  readonly captures: number;
  readonly packets: number;
  readonly bytes: number;
  /** Captures of each label. */
  readonly labels: Readonly<Record<string, number>>;
  readonly tasks: readonly string[];
  /** Captures that an earlier run had looked at already. */
  readonly reused: number;
  /** What was wrong with those left out. */
  readonly leftOut: readonly string[];
}

interface Done extends Inspected {
  /** The stamp of the unpacked copy; null where there is none. */
  readonly copy: string | null;
}

/**
 * Unpacks what is packed, reads every capture once, and writes the manifest when all are right. Run again after it was cut off, it goes on where
 * it was. Throws `dataset-invalid` with a line for each capture that is damaged, empty, or does not have the device in it.
 */
export async function importDataset(
  found: Found,
  options: ImportOptions,
  progress?: (done: number, all: number) => void,
): Promise<ImportReport> {
  const { out, skipBad } = options;
  makeFolder(out);
  const ledger = new Ledger<Done>(join(out, LEDGER));
  const captures: ManifestCapture[] = [];
  const bad: string[] = [];
  const counts = { packets: 0, bytes: 0, reused: 0 };
  const read = new Map<string, Done>();
  for (const [i, candidate] of found.candidates.entries()) {
    progress?.(i, found.candidates.length);
    try {
      let done = read.get(candidate.path);
      if (done === undefined) {
        const before = earlier(candidate, out, ledger);
        done = before ?? (await bring(candidate, out, ledger));
        if (before !== null) counts.reused++;
        counts.packets += done.packets;
        counts.bytes += done.bytes;
        read.set(candidate.path, done);
      }
      if (candidate.packets !== undefined && candidate.packets !== done.packets) throw miscounted(candidate, done);
      captures.push(capture(candidate, out, done));
    } catch (error) {
      if (!(error instanceof HushboxError)) throw error;
      bad.push(error.message);
    }
  }
  if (captures.length === 0 || (bad.length > 0 && !skipBad)) throw refused(bad);
  const labels: Record<string, number> = {};
  for (const { label } of captures) labels[label] = (labels[label] ?? 0) + 1;
  const tasks = found.tasks(new Set(Object.keys(labels)));
  const manifest = join(out, MANIFEST_NAME);
  writeManifest(manifest, { ...found.set, ...(Object.keys(tasks).length > 0 ? { tasks } : {}), captures });
  const { real } = found.set;
  return { manifest, real, captures: captures.length, ...counts, labels, tasks: Object.keys(tasks), leftOut: bad };
}

/** What an earlier run found, where neither the source nor the copy has changed since. */
function earlier(candidate: Candidate, out: string, ledger: Ledger<Done>): Done | null {
  const done = ledger.get(candidate.name, sourceStamp(candidate));
  if (done === undefined) return null;
  if (done.copy === null) return done;
  const copy = copyPath(candidate, out);
  return statSync(copy, { throwIfNoEntry: false }) !== undefined && stampOf(copy) === done.copy ? done : null;
}

async function bring(candidate: Candidate, out: string, ledger: Ledger<Done>): Promise<Done> {
  const stamp = sourceStamp(candidate);
  const packed = packingOf(candidate.path) !== "none";
  const path = packed ? copyPath(candidate, out) : candidate.path;
  if (packed) await writeStream(candidate.path, unpacked(candidate.path), path);
  const done = { ...inspectCapture(path, candidate.device), copy: packed ? stampOf(path) : null };
  ledger.put(candidate.name, stamp, done);
  return done;
}

/** Also what is looked for in a capture is part of what was done. */
function sourceStamp({ path, device }: Candidate): string {
  return `${resolve(path)} ${stampOf(path)} ${device ?? ""}`;
}

function copyPath({ name }: Candidate, out: string): string {
  return join(out, CAPTURES, name.replace(/\.(xz|gz)$/, ""));
}

function capture(candidate: Candidate, out: string, { device, copy }: Done): ManifestCapture {
  const { label, group, from, to } = candidate;
  const file = relative(resolve(out), resolve(copy === null ? candidate.path : copyPath(candidate, out)));
  return { file, label, group, device, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

function miscounted({ path, packets }: Candidate, done: Done): HushboxError {
  return new HushboxError(
    "dataset-invalid",
    `reading ${path}: it holds ${done.packets} packets, its label says ${packets ?? 0}`,
  );
}

function refused(bad: readonly string[]): HushboxError {
  if (bad.length === 0) return new HushboxError("dataset-invalid", "there is no capture to import");
  const most = bad.slice(0, 20);
  const rest = bad.length > most.length ? [`and ${bad.length - most.length} more`] : [];
  return new HushboxError(
    "dataset-invalid",
    [`${bad.length} captures are not as they should be:`, ...most, ...rest].join("\n"),
  );
}

/** Makes a folder where there is none. Throws `dataset-invalid`. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    const why = messageOf(cause);
    throw new HushboxError("dataset-invalid", `making the folder ${path}: ${why}`, cause);
  }
}
