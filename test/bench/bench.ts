import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../../src/errors/message-of.js";
import { machine } from "./machine.js";
import { warmUp, type Bed } from "./measure.js";
import { compile, missing, ROOT } from "./programs.js";
import { render, type Report } from "./report.js";
import { Rounds } from "./rounds.js";
import { say } from "./say.js";
import { removeStale, Topology } from "./topology.js";
import type { Variant } from "./variant.js";
import { bridge } from "./variants/bridge.js";
import { cap } from "./variants/cap.js";
import { delay } from "./variants/delay.js";
import { hushboxLibpcap, hushboxOff, hushboxPaper, hushboxStandalone } from "./variants/hushbox.js";
import { libpcap } from "./variants/libpcap.js";

const VARIANTS: readonly Variant[] = [bridge, libpcap, cap, hushboxOff, hushboxPaper, hushboxStandalone, delay];
const MORE: readonly Variant[] = [hushboxLibpcap];
/** No round is begun that would end after this. */
const LONGEST_MS = 570_000;
const MEASURES = ["lossless", "cpu", "tcp", "latency", "lateness"] as const;
const nameOf = ({ name }: Variant): string => name.replace(" ", "-");
const HELP = `usage: npm run bench -- [--quick] [--rounds N] [--only MEASURE,...] [--variants NAME,...] [--json] [--write]

Measures packet forwarding in network namespaces, variants interleaved: highest rate without loss, CPU per packet, TCP,
added latency, lateness of delayed release. Needs root. Example: npm run bench -- --quick --only latency

  --quick      one short round, under 90 s
  --rounds N   rounds to take medians of (3)
  --only       of ${MEASURES.join(", ")}
  --variants   of ${VARIANTS.map(nameOf).join(", ")} (these by default), ${MORE.map(nameOf).join(", ")}
  --json       one JSON object on standard output instead of tables
  --write      puts the tables into docs/results.md`;

class Usage extends Error {}

function options(): {
  quick: boolean;
  rounds: number;
  only: Set<string>;
  variants: readonly Variant[];
  json: boolean;
  write: boolean;
} {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      only: { type: "string", default: MEASURES.join(",") },
      variants: { type: "string", default: VARIANTS.map(nameOf).join(",") },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20) throw new Usage("--rounds takes a number from 1 to 20");
  const only = new Set(values.only.split(","));
  for (const name of only)
    if (!(MEASURES as readonly string[]).includes(name)) throw new Usage(`--only: there is no ${name}`);
  const variants = values.variants.split(",").map((name) => {
    const found = [...VARIANTS, ...MORE].find((variant) => nameOf(variant) === name);
    if (found === undefined) throw new Usage(`--variants: there is no ${name}`);
    return found;
  });
  return { quick: values.quick, rounds, only, variants, json: values.json, write: values.write };
}

const MARKS = ["<!-- bench -->", "<!-- /bench -->"] as const;

/** Replaces the bench's section of docs/results.md, or appends it. */
function writeResults(text: string): void {
  const path = join(ROOT, "docs/results.md");
  const old = existsSync(path) ? readFileSync(path, "utf8") : "# Results\n";
  const section = `${MARKS[0]}\n\n## Bench\n\n${text}\n\n${MARKS[1]}`;
  const [from, to] = [old.indexOf(MARKS[0]), old.indexOf(MARKS[1])];
  const whole =
    from >= 0 && to > from
      ? old.slice(0, from) + section + old.slice(to + MARKS[1].length)
      : `${old.trimEnd()}\n\n${section}\n`;
  writeFileSync(path, whole);
}

async function main(): Promise<void> {
  const opts = options();
  const lacks = missing();
  if (lacks.length > 0) throw new Error(`the bench needs: ${lacks.join("; ")}`);
  compile();
  for (const name of removeStale()) say(`removed ${name}, left by an earlier run`);

  const started = Date.now();
  let rounds = 0;
  const bench = new Rounds(opts);
  const topologies: Topology[] = [];
  const beds: Bed[] = [];
  const takeDown = (): void => {
    for (const topology of topologies.splice(0)) topology.down();
  };
  process.on("exit", takeDown);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));
  try {
    for (const [i, variant] of opts.variants.entries()) {
      const lack = variant.missing();
      if (lack !== null) {
        say(`skipping ${variant.name}: ${lack}`);
        continue;
      }
      const topology = new Topology(String(i));
      topologies.push(topology);
      topology.up();
      const bed = { variant, topology, child: await variant.start(topology) };
      beds.push(bed);
      await warmUp(bed);
      say(`${variant.name} is up`);
    }
    let longest = 0;
    for (let round = 1; round <= opts.rounds; round++) {
      const begun = Date.now();
      if (begun + longest > started + LONGEST_MS) {
        say(`no time for round ${round}`);
        break;
      }
      say(`round ${round} of ${opts.rounds}, ${((begun - started) / 1000).toFixed(0)} s so far`);
      await bench.round(beds);
      longest = Math.max(longest, Date.now() - begun);
      rounds = round;
    }
  } finally {
    for (const { child } of beds) await child?.stop();
    takeDown();
  }

  const report: Report = {
    command: ["npm run bench", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(" "),
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    rounds,
    seconds: (Date.now() - started) / 1000,
    noisyRuns: bench.samples.noisy,
    runs: bench.samples.runs,
    results: beds.map(({ variant }) => bench.result(variant)),
  };
  const text = render(report);
  console.log(opts.json ? JSON.stringify(report) : text);
  if (opts.write) writeResults(text);
}

try {
  await main();
} catch (error) {
  const wrongUse = error instanceof Usage || (error instanceof TypeError && "code" in error);
  say(`bench: ${messageOf(error)}${wrongUse ? `\n\n${HELP}` : ""}`);
  process.exitCode = wrongUse ? 2 : 1;
}
