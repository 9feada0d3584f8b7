import { readdirSync, readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { pause, run } from "./child.js";

/** CPUs of this machine. */
export const CPUS = cpus().length;

/** Lets all threads of a process run on these CPUs only, a list as in `0-1`. */
export function pin(pid: number, list: string): void {
  for (const process of family(pid)) run("taskset", ["-apc", list, String(process)]);
}

/** What all threads of a process have used, in seconds. */
export interface Usage {
  readonly ran: number;
  /** Time in the run queue of each thread: it wanted a CPU and had none. */
  readonly waited: ReadonlyMap<string, number>;
}

/** Run and wait times of a process and its children, from /proc/<pid>/task/<tid>/schedstat. */
export function usage(pid: number): Usage {
  let ran = 0;
  const waited = new Map<string, number>();
  for (const process of family(pid)) {
    for (const thread of readdirSync(`/proc/${process}/task`)) {
      const [on = 0, wait = 0] = readFileSync(`/proc/${process}/task/${thread}/schedstat`, "utf8")
        .split(" ")
        .map(Number);
      ran += on / 1e9;
      waited.set(thread, wait / 1e9);
    }
  }
  return { ran, waited };
}

function family(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(family)];
}

/** The longest time that one thread waited for a CPU between two readings. */
export function longestWait(before: Usage, after: Usage): number {
  let longest = 0;
  for (const [thread, wait] of after.waited) longest = Math.max(longest, wait - (before.waited.get(thread) ?? 0));
  return longest;
}

function ticks(): { idle: number; all: number } {
  const fields = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").split(/\s+/).slice(1, 9).map(Number);
  return { idle: (fields[3] ?? 0) + (fields[4] ?? 0), all: fields.reduce((sum, n) => sum + n, 0) };
}

/** Waits until the CPUs are mostly idle, at most so long. Returns the last share of time they were busy. */
export async function quiet(atMostMs: number): Promise<number> {
  const end = Date.now() + atMostMs;
  for (;;) {
    const before = ticks();
    await pause(60);
    const after = ticks();
    const busy = 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all);
    if (busy < 0.1 || Date.now() > end) return busy;
  }
}

/** The machine in one line. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} x ${model}, ${memory}, Linux ${release()}, Node ${process.versions.node}`;
}
