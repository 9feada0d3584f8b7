import { LosslessSearch } from "./lossless.js";
import { guarded, NOISY, send, sendPinned, tcp, type Bed, type Latency, type Load, type Run } from "./measure.js";
import { median, type Result } from "./report.js";
import { say } from "./say.js";
import { ask, latenessBuckets, quantiles, type Buckets } from "./scrape.js";
import type { Variant } from "./variant.js";

const CPU_LOADS = {
  "64 B at 20 k": [64, 20e3],
  "1400 B at 100 k": [1400, 100e3],
  "64 B at 300 k": [64, 300e3],
} as const;

type CpuLoad = keyof typeof CPU_LOADS;

/** The variant that others are measured against. */
const FORWARDER = "libpcap";

function readLateness(bed: Bed): Buckets {
  const metrics = ask(bed.topology, "/metrics");
  if (metrics === null) throw new Error(`${bed.variant.name} does not answer /metrics`);
  return latenessBuckets(metrics);
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

/** Measures beds in rounds and collects what they show. */
export class Rounds {
  readonly #quick: boolean;
  readonly #only: ReadonlySet<string>;
  readonly samples = new Samples();
  /** From then on nothing is waited for or repeated. */
  readonly #hurryAt: number;

  constructor(opts: { quick: boolean; only: ReadonlySet<string> }) {
    this.#quick = opts.quick;
    this.#only = opts.only;
    this.#hurryAt = Date.now() + (opts.quick ? 45_000 : 480_000);
  }

  async round(beds: readonly Bed[]): Promise<void> {
    const tasks: (() => Promise<void>)[] = [];
    if (this.#only.has("cpu"))
      for (const load of Object.keys(CPU_LOADS)) tasks.push(() => this.#cpu(beds, load as CpuLoad));
    for (const bed of beds) {
      if (this.#only.has("lateness") && bed.variant.lateness !== "none")
        for (const rate of [1000, 10000]) tasks.push(() => this.#lateness(bed, rate));
      if (!bed.variant.forwards) continue;
      // Lateness seen from outside holds the path, which the bridge shows.
      const path = bed.variant.name === "bridge" && this.#only.has("lateness");
      if (path || this.#only.has("latency"))
        for (const rate of [1000, 10000]) tasks.push(() => this.#latency(bed, rate));
      if (this.#only.has("tcp")) tasks.push(() => this.#tcp(bed));
    }
    for (const task of shuffled(tasks)) await task();
    if (this.#only.has("lossless")) await this.#lossless(beds);
  }

  /** All boxes one after the other, several times: a figure is worth most beside the other box's of the same seconds. */
  async #cpu(beds: readonly Bed[], load: CpuLoad): Promise<void> {
    const [bytes, rate] = CPU_LOADS[load];
    const boxes = beds.filter(({ variant, child }) => variant.forwards && child !== null);
    for (let repeat = 0; repeat < (this.#quick ? 1 : 3); repeat++) {
      const found = new Map<string, number>();
      for (const bed of shuffled(boxes)) {
        const run = await guarded(
          () => sendPinned(bed, { bytes, rate, ms: this.#quick ? 300 : 600 }),
          this.#tries,
          this.#patience,
        );
        this.#note(bed, run, `${load}: ${run.cpu?.toFixed(2) ?? "–"} µs`);
        if (run.cpu !== null) found.set(bed.variant.name, run.cpu);
      }
      const measure = found.get(FORWARDER);
      for (const [name, cpu] of found) {
        this.samples.add(`${name}.cpu.${load}`, cpu);
        if (measure !== undefined) this.samples.add(`${name}.cpuRatio.${load}`, cpu / measure);
      }
    }
  }

  async #latency(bed: Bed, rate: number): Promise<void> {
    const run = await guarded(
      () => send(bed, { bytes: 300, rate, ms: this.#quick ? 1000 : 3000 }, "latency"),
      this.#tries,
      this.#patience,
    );
    if (run.latency === null) throw new Error(`no latency from ${bed.variant.name}`);
    this.#note(bed, run, `latency at ${rate} pps: ${run.latency.p50.toFixed(1)} / ${run.latency.p99.toFixed(1)} µs`);
    for (const [q, value] of Object.entries(run.latency))
      this.samples.add(`${bed.variant.name}.latency.${rate}.${q}`, value as number);
    this.samples.add(`${bed.variant.name}.reordered`, run.reordered);
    this.samples.add(`${bed.variant.name}.duplicates`, run.duplicates);
  }

  /** With irregular arrivals: regular ones would give jitter nothing to vary, and a timer one phase. */
  async #lateness(bed: Bed, rate: number): Promise<void> {
    const { lateness, name } = bed.variant;
    const load: Load = { bytes: 300, rate, ms: this.#quick ? 1500 : 3000, gaps: "poisson" };
    const run = await guarded(
      async () => {
        const before = lateness === "histogram" ? readLateness(bed) : null;
        const seen = await send(bed, load, "latency");
        const own = before === null ? null : quantiles(before, readLateness(bed));
        return { ...seen, own };
      },
      this.#tries,
      this.#patience,
    );
    this.samples.count(run);
    const found = lateness === "histogram" ? run.own : run.latency;
    if (found === null) {
      say(`  ${name}: nothing was delayed at ${rate} pps`);
      return;
    }
    const less = typeof lateness === "number" ? lateness : 0;
    const { p50, p99, p999 } = found;
    say(`  ${name}: lateness at ${rate} pps: ${(p50 - less).toFixed(1)} / ${(p99 - less).toFixed(1)} µs`);
    for (const [q, value] of Object.entries({ p50, p99, p999 }))
      this.samples.add(`${name}.lateness.${rate}.${q}`, value - less);
    this.samples.add(`${name}.reordered`, run.reordered);
    this.samples.add(`${name}.duplicates`, run.duplicates);
  }

  async #tcp(bed: Bed): Promise<void> {
    const rate = await tcp(bed, this.#quick ? 1 : 2);
    say(`  ${bed.variant.name}: TCP ${rate.toFixed(2)} Gbit/s`);
    this.samples.add(`${bed.variant.name}.tcp`, rate);
  }

  async #lossless(beds: readonly Bed[]): Promise<void> {
    let open = beds
      .filter(({ variant }) => variant.forwards)
      .flatMap((bed) =>
        [64, 1400].map((bytes) => {
          const known = this.samples.median(`${bed.variant.name}.lossless.${bytes}`);
          const near = known === undefined || known === 0 ? undefined : known * 0.85;
          return { bed, bytes, search: new LosslessSearch(this.#quick ? 1.15 : 1.06, this.#tries, near) };
        }),
      );
    while (open.length > 0) {
      for (const { bed, bytes, search } of shuffled(open)) {
        const rate = search.next();
        if (rate === null) continue;
        const run = await guarded(
          () => sendPinned(bed, { bytes, rate, ms: this.#quick ? 250 : 400 }),
          1,
          this.#patience,
        );
        search.record(run);
        this.#note(bed, run, `${bytes} B at ${Math.round(run.rate / 1e3)} kpps: ${(run.loss * 100).toFixed(2)} % lost`);
      }
      const late = Date.now() > this.#hurryAt + (this.#quick ? 30_000 : 90_000);
      if (late) say("  no time to search on: rates are what was proven so far");
      for (const { bed, bytes, search } of open) {
        if (search.next() !== null && !late) continue;
        this.samples.add(`${bed.variant.name}.lossless.${bytes}`, search.result.rate);
        this.samples.add(`${bed.variant.name}.ceiling.${bytes}`, search.result.ceiling ? 1 : 0);
      }
      open = late ? [] : open.filter(({ search }) => search.next() !== null);
    }
  }

  get #tries(): number {
    if (Date.now() > this.#hurryAt) return 1;
    return this.#quick ? 2 : 3;
  }

  /** How long to wait for a quiet machine, in ms. */
  get #patience(): number {
    if (Date.now() > this.#hurryAt) return 0;
    return this.#quick ? 300 : 1500;
  }

  #note(bed: Bed, run: Run, text: string): void {
    this.samples.count(run);
    say(
      `  ${bed.variant.name}: ${text}${run.noise > NOISY ? ` (noisy: ${(run.noise * 100).toFixed(0)} % waiting)` : ""}`,
    );
  }

  result({ name, about, forwards, lateness }: Variant): Result {
    const { samples } = this;
    const result: Result = {
      name,
      about,
      forwards,
      lossless: {},
      cpu: {},
      cpuRatio: {},
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
      const ratio = samples.median(`${name}.cpuRatio.${load}`);
      if (ratio !== undefined) result.cpuRatio[load] = ratio;
    }
    for (const rate of ["1000", "10000"]) {
      const [p50, p99, p999] = (["p50", "p99", "p999"] as const).map((q) =>
        samples.median(`${name}.latency.${rate}.${q}`),
      );
      if (p50 !== undefined && p99 !== undefined && p999 !== undefined)
        result.latency[rate] = { p50, p99, p999 } satisfies Latency;
    }
    // From outside, the path itself is in the figure; the bridge shows how long that is.
    for (const rate of ["1000", "10000"]) {
      const path = typeof lateness === "number" ? (samples.median(`bridge.latency.${rate}.p50`) ?? 0) : 0;
      const found = (["p50", "p99", "p999"] as const).map((q) => samples.median(`${name}.lateness.${rate}.${q}`));
      const [p50 = NaN, p99 = NaN, p999 = NaN] = found.map((value) => (value === undefined ? NaN : value - path));
      if (!Number.isNaN(p50)) result.lateness[`${rate} pps`] = { p50, p99, p999 };
    }
    const rate = samples.median(`${name}.tcp`);
    if (rate !== undefined) result.tcp = rate;
    result.reordered = samples.values.get(`${name}.reordered`)?.reduce((a, b) => a + b, 0) ?? 0;
    result.duplicates = samples.values.get(`${name}.duplicates`)?.reduce((a, b) => a + b, 0) ?? 0;
    return result;
  }
}
