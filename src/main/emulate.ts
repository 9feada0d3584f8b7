import { parseArgs } from "node:util";
import { emulateCommand, HELP } from "../emulator/emulate.js";
import { SCENARIOS, type ScenarioName } from "../emulator/sessions.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { allThreads, DEFAULT_SNAP, emulateDataset, LEAST_SNAP } from "../lab/dataset/emulate-dataset.js";
import { DURATION_PATTERN, parseDuration } from "../time/duration.js";
import { seconds } from "../time/micros.js";
import type { Command } from "./command.js";
import { Progress } from "./progress.js";
import { wholeNumber } from "./whole-number.js";

const NAMES = Object.keys(SCENARIOS) as ScenarioName[];

/** `hushbox emulate`: the emulated speaker and its cloud, each by itself, and data sets of them. */
export const command: Command = {
  summary: "a smart speaker or its cloud on real sockets, both as a capture, or a data set",
  usage: `${HELP}
Usage: hushbox emulate dataset --scenario NAME --out DIR [--days N] [--session TIME] [options]

Writes labelled captures of emulated sessions, and their manifest (real: false). The same seed gives the same bytes. The
same command goes on where it was cut off.

  --scenario NAME      ${NAMES.map((name) => `${name}: ${SCENARIOS[name].join(", ")}`).join("\n                       ")}
  --days N             of each class (default 3)
  --session TIME       how long each is, as 10min; as many a day (default: 28.5min of queries, else 2h)
  --seed S             any text (default 1)
  --snap BYTES         kept of each frame, from ${LEAST_SNAP}; its length is told whole (default ${DEFAULT_SNAP})
  --threads N          at work (default: all of this machine)
  --json               print what was written as one object

Example:
  hushbox emulate dataset --scenario queries --days 3 --seed 1 --out ~/lab/queries
`,
  run: (args) => (args[0] === "dataset" ? dataset(args.slice(1)) : emulateCommand(args)),
};

async function dataset(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      scenario: { type: "string" },
      days: { type: "string", default: "3" },
      session: { type: "string" },
      seed: { type: "string", default: "1" },
      out: { type: "string" },
      snap: { type: "string", default: String(DEFAULT_SNAP) },
      threads: { type: "string", default: String(allThreads()) },
      json: { type: "boolean", default: false },
    },
  });
  const scenario = NAMES.find((name) => name === values.scenario);
  if (scenario === undefined) throw wrong(`--scenario is one of ${NAMES.join(", ")}`);
  const { out, seed } = values;
  if (out === undefined) throw wrong("--out is missing: a folder for captures and manifest");
  const days = Number(values.days);
  if (!(days > 0 && days <= 366)) throw wrong(`--days is a number above 0, up to 366, not "${values.days}"`);
  const session = values.session === undefined ? {} : { session: sessionOf(values.session) };
  const snap = wholeNumber("snap", values.snap, LEAST_SNAP);
  const threads = wholeNumber("threads", values.threads, 1);
  const progress = new Progress("hushbox emulate");
  const report = await emulateDataset({ scenario, days, ...session, seed, out, snap, threads }, (done, all) => {
    progress.tell(() => `${done} of ${all} captures`);
  });
  if (values.json) console.log(JSON.stringify(report));
  else {
    const rows = Object.entries(report.labels).map(
      ([label, { packets, bytes }]) => `${label.padEnd(8)} ${packets} packets, ${bytes} bytes`,
    );
    const reused = report.reused > 0 ? ` (${report.reused} were there)` : "";
    console.log([`${report.manifest}: ${report.captures} captures${reused}, emulated`, ...rows].join("\n"));
  }
  return 0;
}

/** In seconds. */
function sessionOf(text: string): number {
  const length = new RegExp(DURATION_PATTERN).test(text) ? parseDuration(text) : null;
  if (length === null || length < seconds(30) || length > seconds(86_400))
    throw wrong(`--session ${text}: expected a time of 30s to 1d`);
  return length / 1e6;
}

function wrong(what: string): HushboxError {
  return new HushboxError("usage", `dataset: ${what}`);
}
