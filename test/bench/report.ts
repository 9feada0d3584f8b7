import type { Latency } from "./measure.js";

/** What one variant showed, medians over the rounds. Missing: not measured. */
export interface Result {
  readonly name: string;
  readonly about: string;
  readonly forwards: boolean;
  /** Packets per second by frame size. `ceiling`: the generator was the limit. */
  lossless: Record<string, { rate: number; ceiling: boolean }>;
  /** µs of CPU per packet by load. */
  cpu: Record<string, number>;
  /** Of the C forwarder's CPU per packet in the same seconds, by load. */
  cpuRatio: Record<string, number>;
  /** Gbit/s. */
  tcp?: number;
  /** µs by rate, as measured (with what the test bed itself takes). */
  latency: Record<string, Latency>;
  /** µs by rate. */
  lateness: Record<string, Latency>;
  reordered: number;
  duplicates: number;
}

/** The whole bench. */
export interface Report {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly noisyRuns: number;
  readonly runs: number;
  readonly results: readonly Result[];
}

/** The middle value; the mean of the two middle ones where there are as many above as below. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? NaN;
  const high = sorted[Math.floor(middle)] ?? NaN;
  return (low + high) / 2;
}

const pps = (found: { rate: number; ceiling: boolean } | undefined): string =>
  found === undefined ? "–" : `${found.ceiling ? "≥ " : ""}${Math.round(found.rate / 1e3)} k`;
const digits = (value: number | undefined, places: number): string =>
  value === undefined ? "–" : value.toFixed(places);

/** Latency beyond the bridge's: the variant's own share. */
function added(result: Result, bridge: Result | undefined, rate: string): string {
  const own = result.latency[rate];
  if (own === undefined) return "–";
  const base = bridge?.latency[rate];
  if (result === bridge || base === undefined)
    return `(${[own.p50, own.p99, own.p999].map((v) => v.toFixed(1)).join(" / ")})`;
  return [own.p50 - base.p50, own.p99 - base.p99, own.p999 - base.p999].map((v) => v.toFixed(1)).join(" / ");
}

/** The tables and goals as Markdown, which reads well on a terminal too. */
export function render(report: Report): string {
  const { results } = report;
  const bridge = results.find(({ name }) => name === "bridge");
  const rows = results
    .filter(({ forwards }) => forwards)
    .map((r) => [
      r.name,
      pps(r.lossless["64"]),
      pps(r.lossless["1400"]),
      [r.cpu["64 B at 20 k"], r.cpu["1400 B at 100 k"], r.cpu["64 B at 300 k"]].map((v) => digits(v, 2)).join(" / "),
      digits(r.tcp, 2),
      added(r, bridge, "1000"),
      added(r, bridge, "10000"),
    ]);
  const head = [
    "variant",
    "lossless 64 B",
    "1400 B",
    "CPU µs/packet: 64 B at 20 k / 1400 B at 100 k / 64 B at 300 k",
    "TCP Gbit/s",
    "added latency µs p50 / p99 / p99.9 at 1 kpps",
    "at 10 kpps",
  ];
  const parts = [
    `Command: \`${report.command}\`, ${report.date}, ${report.rounds} ${report.rounds === 1 ? "round" : "rounds"}, ${report.seconds.toFixed(0)} s.`,
    `Machine: ${report.machine}. Runs: ${report.runs}, of them noisy even after retries: ${report.noisyRuns}.`,
    "",
    table([head, ...rows]),
    "",
    "≥: the generator, not the box, was the limit. The bridge's latency, in brackets, is the whole path's; the others' is what they add to it.",
    ...results.map((r) => `${r.name}: ${r.about}.`),
  ];
  const late = results.flatMap((r) =>
    Object.entries(r.lateness).map(([what, l]) => [
      r.name,
      what,
      l.p50.toFixed(1),
      l.p99.toFixed(1),
      l.p999.toFixed(1),
    ]),
  );
  if (late.length > 0)
    parts.push("", table([["lateness of delayed release, µs", "load", "p50", "p99", "p99.9"], ...late]));
  const disorder = results.filter((r) => r.reordered + r.duplicates > 0);
  for (const r of disorder) parts.push("", `${r.name}: ${r.reordered} packets out of order, ${r.duplicates} twice.`);
  const goals = judge(results);
  if (goals.length > 0) parts.push("", table([["goal", "measured", "met"], ...goals]));
  return parts.join("\n");
}

function judge(results: readonly Result[]): string[][] {
  const find = (name: string): Result | undefined => results.find((r) => r.name === name);
  const [c, off, paper] = [find("libpcap"), find("hushbox off"), find("hushbox paper")];
  const standalone = find("hushbox standalone");
  const goals: string[][] = [];
  const goal = (what: string, value: number | undefined, places: number, met: (v: number) => boolean): void => {
    if (value !== undefined && Number.isFinite(value))
      goals.push([what, value.toFixed(places), met(value) ? "yes" : "NO"]);
  };
  for (const size of ["64", "1400"]) {
    const [a, b, p] = [off?.lossless[size]?.rate, c?.lossless[size]?.rate, paper?.lossless[size]?.rate];
    if (a !== undefined && b !== undefined)
      goal(`passing / libpcap, lossless packets/s, ${size} B: at least 0.95`, a / b, 2, (v) => v >= 0.95);
    if (a !== undefined && p !== undefined)
      goal(`paper / passing, lossless packets/s, ${size} B: at least 0.5`, p / a, 2, (v) => v >= 0.5);
    const rate = standalone?.lossless[size]?.rate;
    if (rate !== undefined)
      goal(`standalone, lossless packets/s on one CPU, ${size} B: at least 100,000`, rate, 0, (v) => v >= 100e3);
  }
  for (const [load, ratio] of Object.entries(off?.cpuRatio ?? {}))
    goal(`passing / libpcap, CPU per packet, ${load}: at most 1.15`, ratio, 2, (v) => v <= 1.15);
  for (const rate of Object.keys(off?.latency ?? {})) {
    const [a, b] = [off?.latency[rate]?.p50, c?.latency[rate]?.p50];
    if (a !== undefined && b !== undefined)
      goal(`passing − libpcap, latency p50 at ${rate} pps: at most 10 µs`, a - b, 1, (v) => v <= 10);
  }
  for (const [what, late] of Object.entries(paper?.lateness ?? {})) {
    if (!what.startsWith("1000 ")) continue;
    goal(`lateness p50, ${what}: under 10 µs`, late.p50, 1, (v) => v < 10);
    goal(`lateness p99, ${what}: under 150 µs`, late.p99, 1, (v) => v < 150);
  }
  return goals;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), `| ${widths.map((w) => "-".repeat(Math.max(3, w))).join(" | ")} |`, ...body.map(line)].join("\n");
}
