import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { SCENARIOS, TIMETABLES, type ScenarioName, type SessionLabel } from "../../emulator/sessions.js";
import { START } from "../../emulator/synthesis.js";
import { TOPOLOGY } from "../../emulator/topology.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { integer } from "../../random/random.js";
import { SeededRandom } from "../../random/seeded-random.js";
import { CAPTURES, makeFolder } from "./import-dataset.js";
import { Ledger, stampOf } from "./ledger.js";
import { MANIFEST_NAME, writeManifest } from "./manifest.js";
import type { SessionFile, SessionJob } from "./session-file.js";
import type { SessionAnswer } from "./session-worker.js";
import { discard, unfinished } from "./unfinished.js";

/** Bytes kept of a frame: every header of TCP over IPv6 (94 in a SYN), and the connection IDs of QUIC's. */
export const DEFAULT_SNAP = 128;
/** With less, a header would be cut. */
export const LEAST_SNAP = 96;
const DAY = 86_400e6;

/** What set to make. */
export interface EmulateOptions {
  readonly scenario: ScenarioName;
  /** Days of each class. */
  readonly days: number;
  /** Seconds of a session, where it is not the timetable's. */
  readonly session?: number;
  readonly seed: string;
  readonly out: string;
  readonly snap: number;
  /** Threads at work. */
  readonly threads: number;
}

/** What was made. */
export interface EmulateReport {
  readonly manifest: string;
  readonly real: false;
  readonly captures: number;
  readonly labels: Readonly<Record<string, { readonly packets: number; readonly bytes: number }>>;
  /** Captures that an earlier run had written already. */
  readonly reused: number;
}

interface Session {
  readonly name: string;
  readonly group: string;
  readonly job: SessionJob;
}

/** Threads that this machine has room for. */
export function allThreads(): number {
  return availableParallelism();
}

/**
 * Writes an emulated set: a capture for each session, and the manifest when all are there. Same scenario, days and seed: same bytes, whatever the
 * number of threads. Run again after it was cut off, it goes on where it was. Throws HushboxError.
 */
export async function emulateDataset(
  options: EmulateOptions,
  progress?: (done: number, all: number) => void,
): Promise<EmulateReport> {
  const { scenario, days, session: length, seed, out, threads } = options;
  makeFolder(join(out, CAPTURES));
  const ledger = new Ledger<SessionFile>(join(out, "emulate.ledger"));
  const sessions = sessionsOf(options);
  const files = new Map<Session, SessionFile>();
  for (const session of sessions) {
    const { path } = session.job;
    const before = ledger.get(session.name, stampOfJob(session.job));
    if (before !== undefined && existsSync(path) && stampOf(path) === before.stamp) files.set(session, before);
  }
  const reused = files.size;
  const missing = sessions.filter((session) => !files.has(session));
  await inThreads(missing, threads, (session, file) => {
    ledger.put(session.name, stampOfJob(session.job), file);
    files.set(session, file);
    progress?.(files.size, sessions.length);
  });

  const labels: Record<string, { packets: number; bytes: number }> = {};
  for (const [{ job }, { packets, bytes }] of files) {
    const volume = (labels[job.label] ??= { packets: 0, bytes: 0 });
    volume.packets += packets;
    volume.bytes += bytes;
  }
  const manifest = join(out, MANIFEST_NAME);
  writeManifest(manifest, {
    name: `emulated ${scenario}`,
    real: false,
    origin: `hushbox emulate dataset --scenario ${scenario} --days ${days}${length === undefined ? "" : ` --session ${length}s`} --seed ${seed}`,
    licence: "Apache-2.0",
    device: TOPOLOGY.speaker.mac,
    tasks: { [scenario]: { classes: Object.fromEntries(SCENARIOS[scenario].map((label) => [label, [label]])) } },
    captures: sessions.map(({ name, group, job }) => ({ file: `${CAPTURES}/${name}`, label: job.label, group })),
  });
  return { manifest, real: false, captures: sessions.length, labels, reused };
}

/**
 * The sessions of all days. The classes take turns in a drawn order, so that neither the hour nor the neighbour tells a class. One home has all
 * of them: round trips and families of addresses are drawn once for a set.
 */
function sessionsOf({ scenario, days, session, seed, out, snap }: EmulateOptions): Session[] {
  const { sessionsADay, length: usual } = TIMETABLES[scenario];
  const length = session ?? usual;
  const labels: readonly SessionLabel[] = SCENARIOS[scenario];
  const random = new SeededRandom(seed, `timetable ${scenario}`);
  const slot = DAY / sessionsADay;
  return Array.from({ length: Math.ceil(days * sessionsADay) }, (_, i) => {
    const order = shuffled(labels, random);
    return order.map((label, turn): Session => {
      const day = Math.floor(i / sessionsADay) + 1;
      const number = (i % sessionsADay) + 1;
      const group = `day${day}-session${String(number).padStart(2, "0")}`;
      const name = `${label}-${group}.pcap`;
      const path = join(out, CAPTURES, name);
      // Where classes do not fit beside one another into a day, they follow one another.
      const start = START + (i * labels.length + turn) * Math.max(slot / labels.length, length * 1e6);
      return {
        name,
        group,
        job: { path, label, seed: `${seed} ${label} ${day} ${number}`, home: seed, length, start, snap },
      };
    });
  }).flat();
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = integer(random, 0, i);
    const [a, b] = [mixed[i], mixed[j]];
    if (a !== undefined && b !== undefined) [mixed[i], mixed[j]] = [b, a];
  }
  return mixed;
}

/** A job with everything that decides its bytes. */
function stampOfJob({ seed, home, length, start, snap }: SessionJob): string {
  return JSON.stringify([seed, home, length, start, snap]);
}

/** Hands jobs to threads; the first failure ends all. */
async function inThreads(
  sessions: readonly Session[],
  threads: number,
  written: (session: Session, file: SessionFile) => void,
): Promise<void> {
  const queue = [...sessions];
  const workers = Array.from(
    { length: Math.min(threads, queue.length) },
    () => new Worker(new URL("./session-worker.js", import.meta.url)),
  );
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const answer = await asked(worker, next.job);
          if ("code" in answer) throw new HushboxError(answer.code, answer.message);
          written(next, answer);
        }
      }),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
    // What a thread was at when another failed.
    for (const { job } of sessions) discard(unfinished(job.path));
  }
}

function asked(worker: Worker, job: SessionJob): Promise<SessionAnswer> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      reject(new HushboxError("internal", `writing ${job.path}: ${error.message}`, error));
    };
    worker.once("error", failed);
    worker.once("message", (answer: SessionAnswer) => {
      worker.removeListener("error", failed);
      resolve(answer);
    });
    worker.postMessage(job);
  });
}
