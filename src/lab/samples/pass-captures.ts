import { Worker } from "node:worker_threads";
import type { SampleForm } from "../../attack/attack.js";
import { PRESETS } from "../../defense/presets.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import type { Matrix } from "../../features/matrix.js";
import { stacked } from "../../features/stacked.js";
import { totalCost } from "../../leakage/defense-cost.js";
import type { SampleSet } from "../../leakage/sample-set.js";
import { Dataset } from "../dataset/dataset.js";
import { commonSpan } from "../tunnel/common-span.js";
import type { Look } from "./look.js";
import type { Passed, PassingAnswer, PassingJob } from "./passing-worker.js";
import type { Samples } from "./samples.js";

/** Which captures pass which defense, and who looks on. */
export interface PassingOptions extends Omit<PassingJob, "member"> {
  readonly threads: number;
}

/**
 * Passes every capture of a task through a defense once, in threads, and answers what each look saw: the same as in one thread, in the
 * order of the task. Throws as defendedTrace does.
 */
export async function passCaptures(
  { threads, ...job }: PassingOptions,
  progress: (done: number, all: number) => void,
): Promise<Samples[]> {
  const task = Dataset.open(job.manifest).task(job.task);
  const { members, classes } = task;
  const { preset, defenses = {} } = job.defended;
  const tunnel = defenses.episode?.enabled ?? PRESETS[preset].defenses.episode.enabled;
  const defended = tunnel ? { span: commonSpan(task), ...job.defended } : job.defended;
  const queue = members.map((_, member) => member);
  const passed: Passed[] = [];
  const all = queue.length;
  let done = 0;
  const workers = Array.from(
    { length: Math.min(threads, all) },
    () => new Worker(new URL("./passing-worker.js", import.meta.url)),
  );
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (let member = queue.shift(); member !== undefined; member = queue.shift()) {
          const answer = await asked(worker, { ...job, defended, member });
          if ("code" in answer) throw new HushboxError(answer.code, answer.message);
          passed[member] = answer;
          progress(++done, all);
        }
      }),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  const cost = totalCost(passed.map((one) => one.cost));
  const schedules = passed.flatMap(({ cost: { plans } }, i) => {
    const member = members[i];
    return plans === undefined || member === undefined ? [] : [{ class: member.class, plans }];
  });
  return job.looks.map((look, i) => ({
    ...joined(
      classes,
      look,
      passed.flatMap(({ looks }) => looks[i] ?? []),
    ),
    cost,
    schedules,
  }));
}

/** Sets of one trace each, one behind the other. */
function joined(
  classes: readonly string[],
  { forms }: Look,
  parts: readonly { readonly set: SampleSet; readonly starts: Float64Array }[],
): Omit<Samples, "cost" | "schedules"> {
  const groupNames = [...new Set(parts.flatMap(({ set }) => set.groupNames))];
  const numbers = new Map(groupNames.map((name, i) => [name, i]));
  const rows = parts.reduce((sum, { set }) => sum + set.labels.length, 0);
  const labels = new Uint8Array(rows);
  const groups = new Uint32Array(rows);
  const traces = new Uint32Array(rows);
  const starts = new Float64Array(rows);
  const samples: Partial<Record<SampleForm, Matrix>> = {};
  let at = 0;
  for (const [trace, part] of parts.entries()) {
    const count = part.set.labels.length;
    labels.set(part.set.labels, at);
    groups.fill(numbers.get(part.set.groupNames[0] ?? "") ?? 0, at, at + count);
    traces.fill(trace, at, at + count);
    starts.set(part.starts, at);
    at += count;
  }
  for (const form of forms) samples[form] = stacked(parts.flatMap(({ set }) => set.samples[form] ?? []));
  return { set: { classes, labels, groupNames, groups, traces, samples }, starts };
}

function asked(worker: Worker, job: PassingJob): Promise<PassingAnswer> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      reject(new HushboxError("internal", `passing captures of ${job.manifest}: ${error.message}`, error));
    };
    worker.once("error", failed);
    worker.once("message", (answer: PassingAnswer) => {
      worker.removeListener("error", failed);
      resolve(answer);
    });
    worker.postMessage(job);
  });
}
