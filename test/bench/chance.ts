// What attacks that have learnt read of emulated speakers behind a tunnel: always on, and in episodes; of windows and of whole traces.
//   node build/test/bench/chance.js DIR [--traces N] [--null N] [--only TEXT]
// A line a cell, as Markdown: task, setting, observer and way, window, rows, best attack, chance, bound, null (mean, 95 %), p. Goes on where it was cut off: DIR/cells.jsonl holds what is measured.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { attackNamed } from "../../src/attack/attacks.js";
import { TrainingPool } from "../../src/attack/training-pool.js";
import type { PresetName } from "../../src/defense/presets.js";
import { SCENARIOS, TIMETABLES, type ScenarioName } from "../../src/emulator/sessions.js";
import { HushboxError } from "../../src/errors/hushbox-error.js";
import type { WindowOptions } from "../../src/features/windows.js";
import { drawnRows } from "../../src/lab/campaign/drawn-rows.js";
import { DEFAULT_SNAP, emulateDataset } from "../../src/lab/dataset/emulate-dataset.js";
import type { DefendedOptions } from "../../src/lab/samples/defended-trace.js";
import type { Look } from "../../src/lab/samples/look.js";
import { passCaptures } from "../../src/lab/samples/pass-captures.js";
import { scheduleBound } from "../../src/lab/tunnel/schedule-bound.js";
import type { LeakageReport } from "../../src/leakage/leakage-report.js";
import { PoolRunner } from "../../src/leakage/pool-runner.js";
import { DEFAULTS, protocol } from "../../src/leakage/protocol.js";
import type { SampleSet } from "../../src/leakage/sample-set.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { windowCut } from "../../src/main/window-cut.js";

/** Seconds of a session: three questions, or some of what a microphone picks up. */
const SESSION: Readonly<Record<ScenarioName, number>> = { queries: 90, "mic-on-off": 300, "mic-on-noise": 300 };
/** Rows of a class to learn from at most. */
const MOST_ROWS = 1000;
const TABLES = ["random-forest", "decision-tree", "k-nearest-neighbours"];
const TRACES = [...TABLES, "ada-boost", "k-fingerprinting"];

type Direction = WindowOptions["direction"];

/** Observer, direction, window, and whether the null is worth its time. */
type View = readonly [observer: Look["observer"], direction: Direction, window: string, nulled: boolean];

interface Setting {
  readonly name: string;
  readonly defended: Omit<DefendedOptions, "seed" | "vantage">;
  readonly views: readonly View[];
}

const ALWAYS = { episode: { always: true } };
const setting = (preset: PresetName, more: object, name: string, views: readonly View[]): Setting => ({
  name: `${preset}${name}`,
  defended: { preset, ...more },
  views,
});
const SETTINGS: readonly Setting[] = [
  setting("off", {}, "", [
    ["stats", "both", "100", false],
    ["stats", "both", "10s", false],
    ["stats", "both", "trace", false],
  ]),
  setting("paired", { defenses: ALWAYS }, ", always", [
    ["stats", "both", "1000", true],
    ["stats", "both", "10s", true],
    ["stats", "both", "trace", true],
    ["stats", "up", "1000", false],
    ["stats", "down", "1000", false],
    ["parse", "both", "1000", false],
    ["parse", "up", "1000", false],
    ["parse", "down", "1000", false],
    ["parse", "both", "trace", false],
  ]),
  setting("tunnel", { defenses: ALWAYS }, ", always", [
    ["stats", "up", "1000", true],
    ["stats", "up", "10s", true],
    ["stats", "up", "trace", true],
    ["parse", "up", "1000", false],
    ["parse", "up", "trace", false],
  ]),
  setting("paired", {}, "", [
    ["stats", "both", "trace", true],
    ["stats", "up", "trace", false],
    ["stats", "down", "trace", false],
    ["parse", "both", "trace", false],
    ["parse", "up", "trace", false],
    ["parse", "down", "trace", false],
  ]),
  setting("tunnel", {}, "", [
    ["stats", "up", "trace", true],
    ["parse", "up", "trace", false],
  ]),
  setting("paired", { stretch: true }, ", a stretch", [
    ["stats", "both", "100", true],
    ["stats", "both", "1s", true],
    ["stats", "up", "100", false],
    ["stats", "down", "100", false],
    ["parse", "both", "100", false],
    ["parse", "up", "100", false],
    ["parse", "down", "100", false],
  ]),
  setting("tunnel", { stretch: true }, ", a stretch", [
    ["stats", "up", "100", true],
    ["stats", "up", "1s", true],
    ["parse", "up", "100", false],
  ]),
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    traces: { type: "string", default: "200" },
    null: { type: "string", default: "19" },
    only: { type: "string", default: "" },
  },
});
const [folder] = positionals;
if (folder === undefined)
  throw new Error("usage: node build/test/bench/chance.js DIR [--traces N] [--null N] [--only TEXT]");
const threads = availableParallelism();
const pool = new TrainingPool({ workers: threads });
const runner = new PoolRunner(pool, threads);

function keyOf(scenario: ScenarioName, { name }: Setting, [observer, direction, window]: View): string {
  return [scenario, values.traces, name, observer, direction, window].join(" ");
}

/** What was measured before, by key: the line of each cell. */
function before(path: string): Map<string, string> {
  const lines = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  return new Map(
    lines.map((line) => JSON.parse(line) as { key: string; row: string }).map(({ key, row }) => [key, row]),
  );
}

/** The session captures of a task, made where they are missing; answers their manifest. */
async function captures(scenario: ScenarioName, into: string): Promise<string> {
  const days = Number(values.traces) / TIMETABLES[scenario].sessionsADay;
  const same = { scenario, days, session: SESSION[scenario], seed: "1", snap: DEFAULT_SNAP, threads };
  return (await emulateDataset({ ...same, out: join(into, scenario) })).manifest;
}

/** What the attacks read of what a view saw, or why they read nothing. */
async function attacked(set: SampleSet, window: string, repetitions: number): Promise<LeakageReport | string> {
  const drawn = drawnRows(set, MOST_ROWS, new SeededRandom("1", "rows"));
  const attacks = (window === "trace" ? TRACES : TABLES).map((attack) => attackNamed(attack));
  try {
    return await protocol(
      { train: drawn, test: drawn },
      attacks,
      { ...DEFAULTS, seeds: ["1"], repetitions },
      { runner },
    );
  } catch (error) {
    if (!(error instanceof HushboxError) || error.code !== "too-few-samples") throw error;
    return error.message;
  }
}

function cellsOf(report: LeakageReport | string, bound: number | null): (string | number)[] {
  if (typeof report === "string") return [`refused: ${report}`];
  const { classes, attacks, best, chance, null: none } = report;
  return [
    classes.reduce((sum, { rows }) => sum + rows, 0),
    (attacks[0]?.balanced_accuracy.value ?? NaN).toFixed(3),
    best,
    chance.toFixed(3),
    bound?.toFixed(3) ?? "–",
    none === null ? "–" : `${none.mean.toFixed(3)}, ${none.threshold.toFixed(3)}`,
    none?.p_value.toFixed(2) ?? "–",
  ];
}

const path = join(folder, "cells.jsonl");
const measured = before(path);
for (const row of measured.values()) console.log(row);
for (const scenario of Object.keys(SCENARIOS) as ScenarioName[])
  for (const one of SETTINGS) {
    const wanted = one.views.filter((view) => {
      const key = keyOf(scenario, one, view);
      return !measured.has(key) && key.includes(values.only);
    });
    if (wanted.length === 0) continue;
    const manifest = await captures(scenario, folder);
    const looks = wanted.map(([observer, direction, window]): Look => {
      const windows: WindowOptions = { ...windowCut(window), direction, field: "raw" };
      return { observer, windows, forms: window === "trace" ? ["table", "fingerprint"] : ["table"] };
    });
    const defended: DefendedOptions = { ...one.defended, seed: "1", vantage: "beyond" };
    const seen = await passCaptures({ manifest, task: scenario, defended, looks, threads }, () => undefined);
    for (const [i, view] of wanted.entries()) {
      const [observer, direction, window, nulled] = view;
      const samples = seen[i];
      if (samples === undefined) continue;
      const report = await attacked(samples.set, window, nulled ? Number(values.null) : 0);
      const bound = window === "trace" ? scheduleBound(samples.set.classes.length, samples.schedules ?? []) : null;
      const cells = [scenario, one.name, `${observer} ${direction}`, window, ...cellsOf(report, bound)];
      const row = `| ${cells.join(" | ")} |`;
      console.log(row);
      appendFileSync(path, `${JSON.stringify({ key: keyOf(scenario, one, view), row, report })}\n`);
    }
  }
await pool.stop();
