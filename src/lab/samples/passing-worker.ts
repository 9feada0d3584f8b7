import { parentPort } from "node:worker_threads";
import { HushboxError, type ErrorCode } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import type { CaptureCost } from "../../leakage/defense-cost.js";
import type { SampleSet } from "../../leakage/sample-set.js";
import { OBSERVER_KINDS } from "../../trace/make-observer.js";
import type { Observation } from "../../trace/observation.js";
import { Dataset } from "../dataset/dataset.js";
import { defendedTrace, type DefendedOptions } from "./defended-trace.js";
import type { Look } from "./look.js";
import { SampleTable } from "./sample-table.js";

/** One capture of a task to be passed. Survives structuredClone. */
export interface PassingJob {
  readonly manifest: string;
  readonly task: string;
  readonly defended: DefendedOptions;
  readonly looks: readonly Look[];
  /** Which member of the task. */
  readonly member: number;
}

/** What came of a member, in the order of the looks: sets of one trace. */
export interface Passed {
  readonly looks: readonly { readonly set: SampleSet; readonly starts: Float64Array }[];
  readonly cost: CaptureCost;
}

/** What a thread answers to a job. */
export type PassingAnswer = Passed | { readonly code: ErrorCode; readonly message: string };

/** The set of the last job: threads pass one set at a time. */
let opened: { readonly manifest: string; readonly dataset: Dataset } | null = null;

async function pass({ manifest, task, defended, looks, member }: PassingJob): Promise<Passed> {
  if (opened?.manifest !== manifest) opened = { manifest, dataset: Dataset.open(manifest) };
  const { dataset } = opened;
  const { classes, members } = dataset.task(task);
  const labelled = members[member];
  if (labelled === undefined)
    throw new HushboxError("internal", `passing captures: there is no member ${String(member)}`);
  const tables = looks.map((look) => new SampleTable(look));
  // Whoever looks in the same way is one observer, however many windows are cut of it.
  const onlookers = OBSERVER_KINDS.flatMap((observer) => {
    const own = tables.filter((_, i) => looks[i]?.observer === observer);
    const seen = (observation: Observation): void => {
      for (const table of own) table.seen(observation);
    };
    return own.length === 0 ? [] : [{ observer, sink: { seen } }];
  });
  const cost = await defendedTrace(dataset, labelled.entry, defended, onlookers);
  for (const table of tables) table.end({ class: labelled.class, group: labelled.entry.group });
  return { looks: tables.map((table) => ({ set: table.set(classes), starts: table.starts() })), cost };
}

// A thread of its own: capture after capture, as they are asked for.
parentPort?.on("message", (job: PassingJob) => {
  void pass(job)
    .catch((error: unknown): PassingAnswer => {
      const message = messageOf(error);
      // Of an error that is cloned only its words come over.
      return { code: error instanceof HushboxError ? error.code : "internal", message };
    })
    .then((answer) => parentPort?.postMessage(answer));
});
