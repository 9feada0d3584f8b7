// What attacks that have learnt read of emulated speakers behind a tunnel: always on, and in episodes; of windows and of whole traces.
//   node build/test/bench/chance.js DIR [--traces N] [--null N] [--only TEXT]
// A line a cell, as Markdown. Goes on where it was cut off: DIR/cells.jsonl holds what is measured.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { attackNamed } from "../../src/attack/attacks.js";
import { TrainingPool } from "../../src/attack/training-pool.js";
import type { PresetName } from "../../src/defense/presets.js";
import { SCENARIOS, TIMETABLES, type ScenarioName } from "../../src/emulator/sessions.js";
import type { WindowOptions } from "../../src/features/windows.js";
import { drawnRows } from "../../src/lab/campaign/drawn-rows.js";
import { DEFAULT_SNAP, emulateDataset } from "../../src/lab/dataset/emulate-dataset.js";
import type { DefendedOptions } from "../../src/lab/samples/defended-trace.js";
import type { Look } from "../../src/lab/samples/look.js";
import { passCaptures } from "../../src/lab/samples/pass-captures.js";
import { scheduleBound } from "../../src/lab/tunnel/schedule-bound.js";
import { PoolRunner } from "../../src/leakage/pool-runner.js";
import { DEFAULTS, protocol } from "../../src/leakage/protocol.js";
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
const path = join(folder, "cells.jsonl");
const pool = new TrainingPool({ workers: threads });
const runner = new PoolRunner(pool, threads);
const measured = new Set<string>();
for (const [scenario, classes] of Object.entries(SCENARIOS) as [ScenarioName, readonly string[]][]) {
  const days = Number(values.traces) / TIMETABLES[scenario].sessionsADay;
  const out = join(folder, scenario);
  const made = { scenario, days, session: SESSION[scenario], seed: "1", out, snap: DEFAULT_SNAP, threads };
  if (existsSync(path))
    for (const line of readFileSync(path, "utf8").trim().split("\n")) {
      const { key, row } = JSON.parse(line) as { key: string; row: string };
      if (!measured.has(key) && key.startsWith(`${scenario} `)) console.log(row);
      measured.add(key);
    }
  for (const { name, defended, views } of SETTINGS) {
    const keyOf = ([observer, direction, window]: View): string =>
      [scenario, values.traces, name, observer, direction, window].join(" ");
    const wanted = views.filter((view) => !measured.has(keyOf(view)) && keyOf(view).includes(values.only));
    if (wanted.length === 0) continue;
    const { manifest } = await emulateDataset(made);
    const looks = wanted.map(([observer, direction, window]): Look => {
      const windows: WindowOptions = { ...windowCut(window), direction, field: "raw" };
      return { observer, windows, forms: window === "trace" ? ["table", "fingerprint"] : ["table"] };
    });
    const began = performance.now();
    const seen = await passCaptures(
      { manifest, task: scenario, defended: { ...defended, seed: "1", vantage: "beyond" }, looks, threads },
      () => undefined,
    );
    const passing = (performance.now() - began) / 1e3;
    for (const [i, view] of wanted.entries()) {
      const [observer, direction, window, nulled] = view;
      const { set, schedules = [] } = seen[i] ?? {};
      if (set === undefined) continue;
      const drawn = drawnRows(set, MOST_ROWS, new SeededRandom("1", "rows"));
      const attacks = (window === "trace" ? TRACES : TABLES).map((attack) => attackNamed(attack));
      const options = { ...DEFAULTS, seeds: ["1"], repetitions: nulled ? Number(values.null) : 0 };
      const report = await protocol({ train: drawn, test: drawn }, attacks, options, { runner }).catch(
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      const seconds = passing + (performance.now() - began) / 1e3;
      const bound = window === "trace" ? scheduleBound(classes.length, schedules) : null;
      const row =
        typeof report === "string"
          ? `| ${scenario} | ${name} | ${observer} ${direction} | ${window} | refused: ${report} |`
          : `| ${[
              scenario,
              name,
              `${observer} ${direction}`,
              window,
              drawn.labels.length,
              (report.attacks[0]?.balanced_accuracy.value ?? NaN).toFixed(3),
              report.best,
              report.chance.toFixed(3),
              bound?.toFixed(3) ?? "–",
              report.null === null ? "–" : `${report.null.mean.toFixed(3)}, ${report.null.threshold.toFixed(3)}`,
              report.null?.p_value.toFixed(2) ?? "–",
            ].join(" | ")} |`;
      console.log(row);
      appendFileSync(path, `${JSON.stringify({ key: keyOf(view), row, seconds, passing, report })}\n`);
    }
  }
}
await pool.stop();
