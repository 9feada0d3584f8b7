// `hushbox features` over a large volume, on one CPU: npm run bench:features -- [--gb N] [--json]
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DEFAULT_MIXTURE, makePlan } from "../../src/emulator/make-plan.js";
import { writeCapture } from "../../src/emulator/synthesis.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { command } from "../../src/main/features.js";
import { seconds } from "../../src/time/micros.js";
import { FILE_HEADER } from "../../src/wire/pcap.js";
import { CPUS, machine } from "./machine.js";
import { say } from "./say.js";

const HELP = `usage: npm run bench:features -- [--gb N] [--json]

Emulates three hours of a speaker, and passes them through hushbox features, on one CPU, as often as N GB take: as that many
captures, and as a single capture through a pipe. Half the volume goes before, so that memory can be compared.
Example: npm run bench:features -- --gb 2

  --gb N   volume in 10^9 bytes (10)
  --json   one JSON object instead of a table`;

/** What a process that did the work tells of itself. */
interface Used {
  readonly packets: number;
  readonly windows: number;
  readonly seconds: number;
  /** Of all its threads. */
  readonly cpuSeconds: number;
  /** Peak of its resident memory, in bytes. */
  readonly peak: number;
}

interface Result extends Used {
  readonly way: "captures" | "pipe";
  readonly bytes: number;
  readonly packetsPerSecond: number;
  readonly packetsPerCpuSecond: number;
}

/** The process that does the work: the command itself, with what it used beside what it tells. */
async function work(args: string[]): Promise<void> {
  const start = performance.now();
  let told = "";
  const { log } = console;
  console.log = (line: string) => (told = line);
  await command.run([...args, "--json"]);
  console.log = log;
  const { packets, windows } = JSON.parse(told) as { packets: number; windows: number };
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const used: Used = {
    ...{ packets, windows, seconds: (performance.now() - start) / 1e3 },
    ...{ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peak: maxRSS * 1024 },
  };
  console.log(JSON.stringify(used));
}

/** Passes a capture through `times` times. The worker has the last CPU, who feeds the pipe the first. */
function measure(way: Result["way"], capture: string, times: number, folder: string): Result {
  const options = ["--device", TOPOLOGY.speaker.mac, "--out", join(folder, "windows.csv")];
  const inputs = way === "pipe" ? ["/dev/stdin"] : Array<string>(times).fill(capture);
  const worker = ["taskset", "-c", String(CPUS - 1), process.execPath, fileURLToPath(import.meta.url), "--work"];
  const again = `cat "$0"; for i in $(seq 2 ${times}); do tail -c +${FILE_HEADER + 1} "$0"; done`;
  const script = way === "pipe" ? `taskset -c 0 sh -c '${again}' "$0" | exec "$@"` : 'exec "$@"';
  const argv = ["-c", script, capture, ...worker, ...inputs, ...options];
  const used = JSON.parse(execFileSync("sh", argv, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" })) as Used;
  return {
    ...{ way, bytes: (statSync(capture).size - FILE_HEADER) * times, ...used },
    packetsPerSecond: used.packets / used.seconds,
    packetsPerCpuSecond: used.packets / used.cpuSeconds,
  };
}

function table(results: readonly Result[]): string {
  const millions = (n: number): string => (n / 1e6).toFixed(2);
  const rows = results.map((r) => [
    ...[r.way, (r.bytes / 1e9).toFixed(1), millions(r.packets), r.seconds.toFixed(1)],
    ...[millions(r.packetsPerSecond), millions(r.packetsPerCpuSecond), (r.peak / 1e6).toFixed(0)],
  ]);
  const head = ["way", "GB", "M packets", "seconds", "M packets/s", "M packets/CPU s", "peak RSS, MB"];
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

function main(): void {
  const { values } = parseArgs({
    options: {
      gb: { type: "string", default: "10" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const volume = Number(values.gb) * 1e9;
  if (values.help || !(volume > 0)) {
    say(HELP);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "hushbox-bench-"));
  try {
    const capture = join(folder, "speaker.pcap");
    say("emulating a speaker");
    const plan = makePlan({ seed: "bench", duration: seconds(3 * 3600), mixture: DEFAULT_MIXTURE, scale: 1 });
    writeCapture(plan, capture);
    const whole = Math.ceil(volume / statSync(capture).size);
    const results: Result[] = [];
    for (const way of ["captures", "pipe"] as const) {
      for (const times of new Set([Math.ceil(whole / 2), whole])) {
        say(`${way}: ${((statSync(capture).size * times) / 1e9).toFixed(1)} GB`);
        results.push(measure(way, capture, times, folder));
      }
    }
    const text = `${machine()}\n\n${table(results)}`;
    console.log(values.json ? JSON.stringify({ machine: machine(), results }) : text);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[2] === "--work") await work(process.argv.slice(3));
else main();
