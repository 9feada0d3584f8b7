import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { LosslessSearch } from "./lossless.js";
import { machine } from "./machine.js";
import { guarded, NOISY, send, tcp, warmUp, type Bed, type Latency, type Run } from "./measure.js";
import { compile, missing, ROOT } from "./programs.js";
import { median, render, type Report, type Result } from "./report.js";
import { removeStale, Topology } from "./topology.js";
import type { Variant } from "./variant.js";
import { bridge } from "./variants/bridge.js";
import { cap } from "./variants/cap.js";
import { libpcap } from "./variants/libpcap.js";

const VARIANTS: readonly Variant[] = [bridge, libpcap, cap];
const MEASURES = ["lossless", "cpu", "tcp", "latency", "lateness"] as const;
const CPU_LOADS = {
  "64 B at 20 k": [64, 20e3],
  "1400 B at 100 k": [1400, 100e3],
  "64 B at 300 k": [64, 300e3],
} as const;
const HELP = `usage: npm run bench -- [--quick] [--rounds N] [--only MEASURE,...] [--variants NAME,...] [--json] [--write]

Measures packet forwarding in network namespaces, variants interleaved: highest rate without loss, CPU per packet, TCP,
added latency, lateness of delayed release. Needs root. Example: npm run bench -- --quick --only latency

  --quick      one short round, under 90 s
  --rounds N   rounds to take medians of (3)
  --only       of ${MEASURES.join(", ")}
  --variants   of ${VARIANTS.map(({ name }) => name).join(", ")}
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
      variants: { type: "string", default: VARIANTS.map(({ name }) => name).join(",") },
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
    const found = VARIANTS.find((variant) => variant.name === name.replace("-", " "));
    if (found === undefined) throw new Usage(`--variants: there is no ${name}`);
    return found;
  });
  return { quick: values.quick, rounds, only, variants, json: values.json, write: values.write };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Collects what the rounds show. */
class Samples {
  readonly values = new Map<string, number[]>();
  runs = 0;
  noisy = 0;

  add(key: string, value: number): void {
    this.values.set(key, [...(this.values.get(key) ?? []), value]);
  }

  count(run: { noise: number }): void {
    this.runs++;
    if (run.noise > NOISY) this.noisy++;
  }

  median(key: string): number | undefined {
    const values = this.values.get(key);
    return values === undefined ? undefined : median(values);
  }
}

class Bench {
  readonly #quick: boolean;
  readonly #only: ReadonlySet<string>;
  readonly samples = new Samples();

  constructor(opts: { quick: boolean; only: ReadonlySet<string> }) {
    this.#quick = opts.quick;
    this.#only = opts.only;
  }

  async round(beds: readonly Bed[]): Promise<void> {
    const tasks: (() => Promise<void>)[] = [];
    for (const bed of beds) {
      if (this.#only.has("cpu"))
        for (const load of Object.keys(CPU_LOADS)) tasks.push(() => this.#cpu(bed, load as keyof typeof CPU_LOADS));
      if (this.#only.has("latency")) for (const rate of [1000, 10000]) tasks.push(() => this.#latency(bed, rate));
      if (this.#only.has("tcp")) tasks.push(() => this.#tcp(bed));
    }
    for (const task of shuffled(tasks)) await task();
    if (this.#only.has("lossless")) await this.#lossless(beds);
  }

  async #cpu(bed: Bed, load: keyof typeof CPU_LOADS): Promise<void> {
    if (bed.child === null) return;
    const [bytes, rate] = CPU_LOADS[load];
    const run = await guarded(() => send(bed, { bytes, rate, ms: this.#quick ? 300 : 500 }, "count"), this.#tries);
    this.#note(bed, run, `${load}: ${run.cpu?.toFixed(2) ?? "–"} µs`);
    if (run.cpu !== null) this.samples.add(`${bed.variant.name}.cpu.${load}`, run.cpu);
  }

  async #latency(bed: Bed, rate: number): Promise<void> {
    const run = await guarded(
      () => send(bed, { bytes: 300, rate, ms: this.#quick ? 1000 : 3000 }, "latency"),
      this.#tries,
    );
    if (run.latency === null) throw new Error(`no latency from ${bed.variant.name}`);
    this.#note(bed, run, `latency at ${rate} pps: ${run.latency.p50.toFixed(1)} / ${run.latency.p99.toFixed(1)} µs`);
    for (const [q, value] of Object.entries(run.latency))
      this.samples.add(`${bed.variant.name}.latency.${rate}.${q}`, value as number);
    this.samples.add(`${bed.variant.name}.reordered`, run.reordered);
    this.samples.add(`${bed.variant.name}.duplicates`, run.duplicates);
  }

  async #tcp(bed: Bed): Promise<void> {
    const rate = await tcp(bed, this.#quick ? 1 : 2);
    say(`  ${bed.variant.name}: TCP ${rate.toFixed(2)} Gbit/s`);
    this.samples.add(`${bed.variant.name}.tcp`, rate);
  }

  async #lossless(beds: readonly Bed[]): Promise<void> {
    let open = beds.flatMap((bed) =>
      [64, 1400].map((bytes) => ({ bed, bytes, search: new LosslessSearch(this.#quick ? 1.15 : 1.06, this.#tries) })),
    );
    while (open.length > 0) {
      for (const { bed, bytes, search } of shuffled(open)) {
        const rate = search.next();
        if (rate === null) continue;
        const run = await guarded(() => send(bed, { bytes, rate, ms: this.#quick ? 250 : 400 }, "count"), 1);
        search.record(run);
        this.#note(bed, run, `${bytes} B at ${Math.round(run.rate / 1e3)} kpps: ${(run.loss * 100).toFixed(2)} % lost`);
      }
      for (const { bed, bytes, search } of open) {
        if (search.next() !== null) continue;
        this.samples.add(`${bed.variant.name}.lossless.${bytes}`, search.result.rate);
        this.samples.add(`${bed.variant.name}.ceiling.${bytes}`, search.result.ceiling ? 1 : 0);
      }
      open = open.filter(({ search }) => search.next() !== null);
    }
  }

  get #tries(): number {
    return this.#quick ? 2 : 3;
  }

  #note(bed: Bed, run: Run, text: string): void {
    this.samples.count(run);
    say(
      `  ${bed.variant.name}: ${text}${run.noise > NOISY ? ` (noisy: ${(run.noise * 100).toFixed(0)} % waiting)` : ""}`,
    );
  }

  result({ name, about }: Variant): Result {
    const { samples } = this;
    const result: Result = {
      name,
      about,
      lossless: {},
      cpu: {},
      latency: {},
      lateness: {},
      reordered: 0,
      duplicates: 0,
    };
    for (const size of ["64", "1400"]) {
      const rate = samples.median(`${name}.lossless.${size}`);
      if (rate !== undefined)
        result.lossless[size] = { rate, ceiling: (samples.median(`${name}.ceiling.${size}`) ?? 0) > 0.5 };
    }
    for (const load of Object.keys(CPU_LOADS)) {
      const cpu = samples.median(`${name}.cpu.${load}`);
      if (cpu !== undefined) result.cpu[load] = cpu;
    }
    for (const rate of ["1000", "10000"]) {
      const [p50, p99, p999] = (["p50", "p99", "p999"] as const).map((q) =>
        samples.median(`${name}.latency.${rate}.${q}`),
      );
      if (p50 !== undefined && p99 !== undefined && p999 !== undefined)
        result.latency[rate] = { p50, p99, p999 } satisfies Latency;
    }
    const rate = samples.median(`${name}.tcp`);
    if (rate !== undefined) result.tcp = rate;
    result.reordered = samples.values.get(`${name}.reordered`)?.reduce((a, b) => a + b, 0) ?? 0;
    result.duplicates = samples.values.get(`${name}.duplicates`)?.reduce((a, b) => a + b, 0) ?? 0;
    return result;
  }
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
  const bench = new Bench(opts);
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
    for (let round = 1; round <= opts.rounds; round++) {
      say(`round ${round} of ${opts.rounds}, ${((Date.now() - started) / 1000).toFixed(0)} s so far`);
      await bench.round(beds);
    }
  } finally {
    for (const { child } of beds) await child?.stop();
    takeDown();
  }

  const report: Report = {
    command: ["npm run bench", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(" "),
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    rounds: opts.rounds,
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
  say(`bench: ${error instanceof Error ? error.message : String(error)}${wrongUse ? `\n\n${HELP}` : ""}`);
  process.exitCode = wrongUse ? 2 : 1;
}
