import { statSync } from "node:fs";
import { join } from "node:path";
import { readFile, rm } from "node:fs/promises";
import { HushboxError } from "../../errors/hushbox-error.js";
import { CaptureReader } from "../../nic/capture-reader.js";
import * as ethernet from "../../wire/ethernet.js";
import { readTable, type Row } from "./csv-table.js";
import { findDevice } from "./find-device.js";
import { CAPTURES, makeFolder, type Candidate, type Found } from "./import-dataset.js";
import type { SetWords } from "./import-folder.js";
import { Ledger, stampOf } from "./ledger.js";
import type { Manifest } from "./manifest.js";
import { tarFiles } from "./tar-reader.js";
import { TRACE_DEVICE, writeTrace } from "./trace-capture.js";
import { unpacked, writeStream } from "./unpack.js";

/**
 * What becomes an entry. `captures`: each capture. `spans`: each invocation inside a capture, and the quiet behind it. `traces`: each CSV
 * trace, as a capture of one connection.
 */
export type EchoForm = "captures" | "spans" | "traces";

const MAPPINGS = ["class_balanced", "class_strict"] as const;
/** The label of what is quiet behind an answer. */
export const IDLE = "idle";
/** Seconds that an invocation goes on behind its last active packet, and the shortest quiet stretch that is one. */
const MARGIN = 1;
const SHORTEST_IDLE = 5;

/**
 * Finds the entries of a folder laid out like the Echo's data: labels.csv (kind, file, query, class_balanced, class_strict, packets), captures.tar.xz
 * and traces.tar.xz, invocations.csv. The label and the group of an entry are its query. Unpacks below `out`, where an earlier run stopped.
 * Throws `dataset-invalid`.
 */
export async function findEcho(
  source: string,
  out: string,
  words: SetWords,
  form: EchoForm,
  progress?: (unpacked: number, all: number) => void,
): Promise<Found> {
  const table = readTable(join(source, "labels.csv"), ["kind", "file", "query", ...MAPPINGS, "packets"]);
  const rows = table.filter(({ cells }) => cells["kind"] === (form === "traces" ? "trace" : "capture"));
  const archive = join(source, form === "traces" ? "traces.tar.xz" : "captures.tar.xz");
  const wanted = rows.map(({ cells }) => cells["file"] ?? "");
  await unpackArchive(archive, new Set(wanted), out, form === "traces", progress);
  const whole = rows.map(({ cells }): Candidate => {
    const { file = "", query = "", packets } = cells;
    const path = placeOf(file, out);
    const device = form === "traces" ? TRACE_DEVICE : null;
    return { path, name: file, label: query, group: query, device, packets: Number(packets) };
  });
  const candidates = form === "spans" ? spans(join(source, "invocations.csv"), whole) : whole;
  return { set: words, candidates, tasks: (labels) => tasksOf(table, labels) };
}

/** Takes what is wanted out of an archive, each file under its name when it is whole. */
async function unpackArchive(
  archive: string,
  wanted: ReadonlySet<string>,
  out: string,
  asTraces: boolean,
  progress?: (unpacked: number, all: number) => void,
): Promise<void> {
  makeFolder(join(out, CAPTURES));
  const ledger = new Ledger<string>(join(out, "unpack.ledger"));
  const stamp = stampOf(archive);
  const there = (file: string): boolean => {
    const path = placeOf(file, out);
    return statSync(path, { throwIfNoEntry: false }) !== undefined && ledger.get(file, stamp) === stampOf(path);
  };
  const missing = new Set([...wanted].filter((file) => !there(file)));
  if (missing.size === 0) return;
  for await (const { path: file, content } of tarFiles(archive, unpacked(archive))) {
    if (!missing.has(file)) continue;
    const path = placeOf(file, out);
    if (asTraces) {
      const csv = `${path}.csv`;
      await writeStream(archive, content, csv);
      writeTrace(csv, file, path);
      await rm(csv);
    } else await writeStream(archive, content, path);
    ledger.put(file, stamp, stampOf(path));
    missing.delete(file);
    progress?.(wanted.size - missing.size, wanted.size);
  }
  const [first] = missing;
  if (first !== undefined)
    throw new HushboxError(
      "dataset-invalid",
      `reading the archive ${archive}: ${first} is not in it, but in labels.csv`,
    );
}

/** Only a file's own name counts: an archive cannot write beside the folder. */
function placeOf(file: string, out: string): string {
  return join(out, CAPTURES, (file.split("/").at(-1) ?? file).replace(/\.csv$/, ".pcap"));
}

/** The invocations in captures, and the quiet stretches behind them; one in which the speaker neither sends nor gets anything is none. */
function spans(table: string, captures: readonly Candidate[]): Candidate[] {
  const byName = new Map(captures.map((capture) => [capture.path.split("/").at(-1) ?? "", capture]));
  const timelines = new Map<string, Timeline>();
  const found: Candidate[] = [];
  const rows = readTable(table, ["file", "start", "act"]);
  rows.forEach(({ line, cells }, i) => {
    const capture = byName.get(`${cells["file"] ?? ""}.pcap`);
    if (capture === undefined) return;
    const { path, name, label, group, device } = capture;
    const timeline = timelines.get(path) ?? timelineOf(path);
    timelines.set(path, timeline);
    const start = Number(cells["start"]) - timeline.start;
    const active = Number(cells["act"]);
    if (!(start > -60) || !(active >= 0))
      throw new HushboxError("dataset-invalid", `${table}:${line}: start and act are not times in this capture`);
    const after = rows[i + 1]?.cells;
    const next = after?.["file"] === cells["file"] ? Number(after?.["start"]) - timeline.start : Infinity;
    const quiet = Math.min(start + active + MARGIN, next);
    const add = (own: string, from: number, to: number): void => {
      if (!timeline.own.some((at) => at >= from && at < to)) return;
      found.push({ path, name, label: own, group, device, from: time(from), to: time(to) });
    };
    add(label, Math.max(0, start), quiet);
    if (next < Infinity && next - quiet >= SHORTEST_IDLE) add(IDLE, quiet, next);
  });
  return found;
}

interface Timeline {
  /** Epoch seconds of the first packet. */
  readonly start: number;
  /** Seconds behind it of every packet from or to the speaker. */
  readonly own: readonly number[];
}

function timelineOf(path: string): Timeline {
  const mac = findDevice(path);
  const reader = CaptureReader.open(path);
  const own: number[] = [];
  let start = 0;
  try {
    while (reader.next()) {
      const { view, at, time } = reader;
      if (reader.packets === 1) start = time / 1e6;
      if (!ethernet.fits(at, at + reader.length)) continue;
      if (ethernet.source(view, at) === mac || ethernet.destination(view, at) === mac) own.push(time / 1e6 - start);
    }
  } finally {
    reader.close();
  }
  return { start, own };
}

function time(seconds: number): string {
  return `${seconds.toFixed(6)}s`;
}

/** The two mappings, where each of their classes has a label left; with quiet stretches, active against idle too. */
function tasksOf(rows: readonly Row[], labels: ReadonlySet<string>): NonNullable<Manifest["tasks"]> {
  const tasks: NonNullable<Manifest["tasks"]> = {};
  for (const mapping of MAPPINGS) {
    const classes: Record<string, string[]> = {};
    const mapped = new Set<string>();
    for (const { cells } of rows) {
      const { query = "" } = cells;
      const own = cells[mapping] ?? "";
      if (own === "") continue;
      const members = (classes[own] ??= []);
      if (!labels.has(query) || mapped.has(query)) continue;
      mapped.add(query);
      members.push(query);
    }
    // A mapping without one of its classes is another task: the largest captures are missing from the archive.
    if (Object.values(classes).some(({ length }) => length === 0)) continue;
    const leaveOut = [...labels].filter((label) => !mapped.has(label));
    tasks[mapping] = { classes, ...(leaveOut.length > 0 ? { leaveOut } : {}) };
  }
  if (labels.has(IDLE))
    tasks["activity"] = { classes: { active: [...labels].filter((label) => label !== IDLE), idle: [IDLE] } };
  return tasks;
}

/** The words about such a folder, where nobody says others. */
export async function echoWords(source: string): Promise<SetWords> {
  const licence = await readFile(join(source, "LICENSE"), "utf8").catch(() => null);
  return {
    name: "echo",
    real: true,
    origin: "Amazon Echo, 2018: VCFingerprinting of the SmartHomePrivacyProject; mappings of queries to classes added",
    licence: licence?.split("\n")[0]?.trim() ?? "not stated",
  };
}
