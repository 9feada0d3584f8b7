import type { SampleForm } from "../../attack/attack.js";
import { totalCost, type CaptureCost, type DefenseCost } from "../../leakage/defense-cost.js";
import type { SampleSet } from "../../leakage/sample-set.js";
import type { WindowOptions } from "../../features/windows.js";
import type { ObserverKind } from "../../trace/make-observer.js";
import type { Dataset, Task } from "../dataset/dataset.js";
import { defendedTrace, type DefendedOptions } from "./defended-trace.js";
import { SampleTable } from "./sample-table.js";

/** One way to look at a set and to cut what is seen. Survives structuredClone. */
export interface Look {
  readonly observer: ObserverKind;
  readonly windows: WindowOptions;
  readonly forms: readonly SampleForm[];
}

/** What was collected. */
export interface Collected {
  /** In the order of the looks. */
  readonly sets: readonly SampleSet[];
  /** Names of the columns of each form that some look has. */
  readonly columns: Readonly<Partial<Record<SampleForm, readonly string[]>>>;
  readonly cost: DefenseCost;
}

/** Passes all members of a task through a defense once, and cuts what each look sees into rows. `progress`: members done. */
export async function collectSamples(
  dataset: Dataset,
  task: Task,
  defended: DefendedOptions,
  looks: readonly Look[],
  progress?: (done: number, all: number) => void,
): Promise<Collected> {
  const tables = looks.map(({ windows, forms }) => new SampleTable({ windows, forms }));
  const onlookers = looks.flatMap(({ observer }, i) => {
    const sink = tables[i];
    return sink === undefined ? [] : [{ observer, sink }];
  });
  const costs: CaptureCost[] = [];
  for (const [done, { entry, class: number }] of task.members.entries()) {
    progress?.(done, task.members.length);
    costs.push(await defendedTrace(dataset, entry, defended, onlookers));
    for (const table of tables) table.end({ class: number, group: entry.group });
  }
  return {
    sets: tables.map((table) => table.set(task.classes)),
    columns: Object.fromEntries(
      looks.flatMap(({ forms }, i) => forms.map((form) => [form, tables[i]?.columns(form) ?? []])),
    ),
    cost: totalCost(costs),
  };
}
