import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { SCENARIOS, type ScenarioName } from "../../emulator/sessions.js";
import { Dataset } from "../dataset/dataset.js";
import { DEFAULT_SNAP, emulateDataset } from "../dataset/emulate-dataset.js";
import { bytesOf } from "../dataset/manifest.js";
import type { ScenarioKind } from "./scope.js";

/** Where a scenario's captures come from. Survives structuredClone. */
export type Source =
  | { readonly kind: "emulated"; readonly scenario: ScenarioName; readonly days: number; readonly seed: string }
  | { readonly kind: "manifest"; readonly path: string; readonly task: string };

/** A scenario as the plan has it: the same wherever its captures lie. Survives structuredClone. */
export interface Scenario {
  readonly name: string;
  readonly kind: ScenarioKind;
  readonly title: string;
  readonly real: boolean;
  readonly origin: string;
  readonly classes: readonly string[];
  readonly dataset: string;
  readonly task: string;
  /** Of what the captures are known by, their contents aside. */
  readonly digest: string;
}

const TITLES: Readonly<Record<ScenarioName, string>> = {
  "mic-on-off": "Microphone off or on",
  "mic-on-noise": "Microphone on, in a quiet or a noisy room",
  queries: "Three classes of queries",
};

/** What a source is to a plan. Throws as Dataset.open and Dataset.task do; an emulated set need not be there. */
export function scenarioOf(source: Source): Scenario {
  if (source.kind === "emulated") {
    const { scenario, days, seed } = source;
    return {
      name: scenario,
      kind: scenario === "queries" ? "queries" : "microphone",
      title: TITLES[scenario],
      real: false,
      origin: `hushbox emulate dataset --scenario ${scenario} --days ${String(days)} --seed ${seed}`,
      classes: SCENARIOS[scenario],
      dataset: `emulated ${scenario}`,
      task: scenario,
      digest: digestOf(JSON.stringify([scenario, days, seed, DEFAULT_SNAP])),
    };
  }
  const dataset = Dataset.open(source.path);
  const task = dataset.task(source.task);
  const sizes = dataset.entries.map(({ path }) => statSync(path).size);
  return {
    name: `${dataset.name} ${task.name}`.replace(/[^A-Za-z0-9]+/g, "-"),
    kind: "captures",
    title: `${dataset.name}: ${task.name}`,
    real: dataset.real,
    origin: dataset.origin,
    classes: task.classes,
    dataset: dataset.name,
    task: task.name,
    digest: digestOf(bytesOf(source.path), JSON.stringify(sizes)),
  };
}

/** The manifest of a source, behind whatever is missing of an emulated set, which lies under `folder`. */
export async function manifestOf(
  source: Source,
  folder: string,
  threads: number,
  progress: (done: number, all: number) => void,
): Promise<string> {
  if (source.kind === "manifest") return source.path;
  const { scenario, days, seed } = source;
  const out = join(folder, scenario);
  const { manifest } = await emulateDataset({ scenario, days, seed, out, snap: DEFAULT_SNAP, threads }, progress);
  return manifest;
}

function digestOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex").slice(0, 16);
}
