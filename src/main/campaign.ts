import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isPreset, PRESET_NAMES } from "../defense/presets.js";
import { SCENARIOS, type ScenarioName } from "../emulator/sessions.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { measuringOf, planCampaign } from "../lab/campaign/campaign-plan.js";
import type { CampaignResult, Cell } from "../lab/campaign/cell.js";
import { mergeCampaigns } from "../lab/campaign/merge-campaigns.js";
import { PARTS } from "../lab/campaign/plan-cells.js";
import { runCampaign, type CampaignProgress } from "../lab/campaign/run-campaign.js";
import { scenarioOf, type Source } from "../lab/campaign/scenario.js";
import { QUICK, WHOLE, type Scope } from "../lab/campaign/scope.js";
import { parseShard } from "../lab/campaign/shard.js";
import { writeCampaign } from "../lab/campaign/write-campaign.js";
import { makeFolder } from "../lab/dataset/import-dataset.js";
import type { Command } from "./command.js";
import { oneOf } from "./one-of.js";
import { Progress } from "./progress.js";
import { VERSION } from "./version.js";
import { wholeNumber } from "./whole-number.js";

const NAMES = Object.keys(SCENARIOS) as ScenarioName[];
/** Milliseconds between two lines of progress: it may run all night. */
const EVERY = 10_000;

/** `hushbox campaign`: the paper's figures and table, and every preset, measured again. */
export const command: Command = {
  summary: "measure the paper's figures again, and every preset beside them",
  usage: `Usage: hushbox campaign --out DIR [--quick] [options]
       hushbox campaign merge DIR... --out DIR [--json]

Emulates the paper's three scenarios, passes every capture through the defenses, lets attacks learn from what an
observer sees, and writes all figures to DIR/campaign.json: accuracy against the packets of a window for each attack,
degree of smoothing and variance of noise, the simulated adversary beside the real one, and every preset before every
attack. The same command goes on where it was cut off. Same seed, same figures.

  --out DIR         captures, samples, a file for each measured cell, and the result
  --quick           under ten minutes on two cores: fewer points and repetitions; the result says what is left out
  --seed S          of captures, defenses, folds and models (default 1)
  --scenarios LIST  of ${NAMES.join(", ")} (default: all); none: only --dataset
  --dataset M:TASK  a manifest (hushbox dataset) and one of its tasks: its captures pass every preset, and each is
                    one sample. May be given again
  --presets LIST    of ${PRESET_NAMES.join(", ")} (default: all)
  --parts LIST      of ${PARTS.join(", ")} (default: all)
  --windows LIST    packets of a window, instead of the paper's ${WHOLE.sizes.join(", ")}
  --days N          of each class of an emulated scenario (default 3)
  --shard i/n       only one of n shares, i from 0 to n - 1; a folder for each. merge puts them together
  --threads N       at work (default: all of this machine)
  --json            print the result as one object

merge checks that the folders are shards of one campaign and that none is missing.

Examples:
  hushbox campaign --quick --out ~/lab/campaign --dataset ~/lab/echo/manifest.yaml:class_balanced
  hushbox campaign --shard 3/16 --out /shared/campaign/shard-3
  hushbox campaign merge /shared/campaign/shard-* --out /shared/campaign
`,
  run: (args) => (args[0] === "merge" ? Promise.resolve(merge(args.slice(1))) : campaign(args)),
};

async function campaign(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      out: { type: "string" },
      quick: { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      scenarios: { type: "string", default: NAMES.join(",") },
      dataset: { type: "string", multiple: true, default: [] },
      presets: { type: "string", default: PRESET_NAMES.join(",") },
      parts: { type: "string", default: PARTS.join(",") },
      windows: { type: "string" },
      days: { type: "string" },
      shard: { type: "string", default: "0/1" },
      threads: { type: "string", default: String(availableParallelism()) },
      json: { type: "boolean", default: false },
    },
  });
  const folder = outOf(values.out);
  const { quick, seed } = values;
  const measuring = measuringOf(seed, quick);
  const days = values.days === undefined ? measuring.days : positive("days", values.days);
  const sources: Source[] = [
    ...(values.scenarios === "none" ? [] : list(values.scenarios)).map((name): Source => {
      return { kind: "emulated", scenario: oneOf("scenarios", NAMES, name), days, seed };
    }),
    ...values.dataset.map(manifest),
  ];
  const scenarios = sources.map(scenarioOf);
  const twice = scenarios.find(({ name }, i) => scenarios.findIndex((other) => other.name === name) < i);
  if (twice !== undefined) throw wrong(`the scenario ${twice.name} is named twice`);
  const plan = planCampaign({
    hushbox: VERSION,
    seed,
    quick,
    scope: scopeOf(quick ? QUICK : WHOLE, values.windows),
    parts: list(values.parts).map((part) => oneOf("parts", PARTS, part)),
    presets: list(values.presets).map((name) => {
      if (!isPreset(name)) throw wrong(`--presets are of ${PRESET_NAMES.join(", ")}, not "${name}"`);
      return name;
    }),
    measuring: { ...measuring, days },
    scenarios,
  });
  const shard = parseShard(values.shard);
  const threads = wholeNumber("threads", values.threads, 1);
  const progress = new Progress("hushbox campaign", EVERY);
  const result = await runCampaign({ plan, sources, folder, shard, threads }, (now) => {
    progress.tell((seconds) => line(now, seconds));
  });
  if (result === null) {
    const said = { shard: values.shard, complete: false };
    console.log(
      values.json
        ? JSON.stringify(said)
        : `${folder}: shard ${values.shard} is measured; hushbox campaign merge puts it together with the others`,
    );
    return 0;
  }
  told(result, folder, values.json);
  return 0;
}

function merge(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { out: { type: "string" }, json: { type: "boolean", default: false } },
  });
  if (positionals.length === 0) throw wrong("merge takes the folders of the shards");
  const folder = outOf(values.out);
  const result = mergeCampaigns(positionals);
  makeFolder(folder);
  told(result, folder, values.json);
  return 0;
}

function told(result: CampaignResult, folder: string, json: boolean): void {
  const path = writeCampaign(result, folder);
  console.log(json ? JSON.stringify(result) : [...inWords(result), path].join("\n"));
}

/** The numbers that somebody who waited for them wants first: the undefended network and every preset's best attack. */
function inWords({ scenarios, cells, leftOut }: CampaignResult): string[] {
  const refused = cells.filter((cell) => cell.refused !== null).length;
  const best = scenarios.flatMap(({ name, title, real }) => [
    `${title}, ${real ? "real" : "emulated"}`,
    ...cells.filter((cell) => cell.scenario === name && isPresetCell(cell)).map((cell) => `  ${words(cell)}`),
  ]);
  return [
    ...best,
    `${String(cells.length)} cells${refused > 0 ? `, ${String(refused)} of them refused` : ""}${leftOut.length > 0 ? "; left out:" : ""}`,
    ...leftOut.map((sentence) => `  ${sentence}`),
  ];
}

function isPresetCell({ defense, vantage, windows }: Cell): boolean {
  return defense.kind === "preset" && vantage === "beyond" && windows.direction === "both";
}

function words({ defense, observer, windows, leakage, refused }: Cell): string {
  const preset = defense.kind === "preset" ? defense.preset : defense.kind;
  const size = windows.cut === "packets" ? `N = ${String(windows.size)}` : windows.cut;
  const head = `${preset.padEnd(11)} ${observer.padEnd(6)} ${size.padEnd(9)}`;
  const best = leakage?.attacks[0];
  if (leakage === null || best === undefined) return `${head} refused: ${refused ?? ""}`;
  const { value } = best.balanced_accuracy;
  return `${head} ${value.toFixed(3)} by ${best.attack}; chance ${leakage.chance.toFixed(3)}`;
}

function line({ doing, done, before }: CampaignProgress, seconds: number): string {
  const now = done - before;
  const left = now > 0.01 ? `, about ${inTime((seconds * (1 - done)) / now)} left` : "";
  return `${String(Math.floor(100 * done))} %${left}; ${doing}`;
}

function inTime(seconds: number): string {
  if (seconds < 90) return `${String(Math.ceil(seconds))} s`;
  return seconds < 5400 ? `${String(Math.round(seconds / 60))} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function scopeOf(scope: Scope, windows: string | undefined): Scope {
  if (windows === undefined) return scope;
  const sizes = list(windows).map((size) => wholeNumber("windows", size, 1));
  return { ...scope, sizes, sideSizes: sizes, presetSizes: sizes };
}

function manifest(text: string): Source {
  const colon = text.lastIndexOf(":");
  if (colon < 1 || colon === text.length - 1)
    throw wrong(`--dataset is MANIFEST:TASK, such as lab/manifest.yaml:labels, not "${text}"`);
  return { kind: "manifest", path: text.slice(0, colon), task: text.slice(colon + 1) };
}

function list(text: string): string[] {
  return text.split(",").map((item) => item.trim());
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text) || !(number > 0)) throw wrong(`--${option} is a number above 0, not "${text}"`);
  return number;
}

function outOf(out: string | undefined): string {
  if (out === undefined || out === "") throw wrong("--out is missing: a folder for everything that is made and found");
  return out;
}

function wrong(what: string): HushboxError {
  return new HushboxError("usage", what);
}
