import { Child, pause } from "./child.js";
import { CPUS, longestWait, pin, quiet, usage } from "./machine.js";
import { program } from "./programs.js";
import { NOBODY_IP, NOBODY_MAC, SINK_IP, SOURCE_IP, type Topology } from "./topology.js";
import type { Variant } from "./variant.js";

/** A variant that runs in its own topology. */
export interface Bed {
  readonly variant: Variant;
  readonly topology: Topology;
  readonly child: Child | null;
}

/** What the generator is asked to send. */
export interface Load {
  readonly bytes: number;
  /** Packets per second; 0 as many as possible. */
  readonly rate: number;
  readonly ms: number;
  readonly gaps?: "even" | "poisson";
}

/** Microseconds; of one direction, device to world. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** One run. */
export interface Run {
  readonly sent: number;
  readonly received: number;
  readonly loss: number;
  /** Packets per second that were really sent. */
  readonly rate: number;
  /** CPU time of the box's process per received packet in µs; null where the kernel forwards. */
  readonly cpu: number | null;
  /** The largest share of the run in which the sender or a thread of the box waited for a CPU. */
  readonly noise: number;
  readonly latency: Latency | null;
  readonly duplicates: number;
  readonly reordered: number;
}

interface Sent {
  readonly sent: number;
  readonly seconds: number;
  readonly waited: number;
}

interface Received {
  readonly received: number;
  readonly duplicates?: number;
  readonly reordered?: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly p999?: number;
}

/** Above this share of waiting, a run says more about the machine than about the box (the box and the sender each need a CPU). */
export const NOISY = 0.08;

/** Where the scheduler puts the box and those who load it decides between two figures (7 and 12 µs a packet); pinned, there is one. */
const BOX_CPU = CPUS - 1;
const OTHERS_CPU = 0;

/** As `send`, with the box on one CPU and the sender and the sink on another. */
export async function sendPinned(bed: Bed, load: Load): Promise<Run> {
  const { child } = bed;
  if (child === null || CPUS < 2) return send(bed, load, "count");
  pin(child.pid, String(BOX_CPU));
  try {
    return await send(bed, load, "count", ["taskset", "-c", String(OTHERS_CPU)]);
  } finally {
    pin(child.pid, `0-${CPUS - 1}`);
  }
}

/** Sends a load through a bed and counts at the sink, or looks at each frame's latency. `by`: a command that starts both programs. */
export async function send(bed: Bed, load: Load, look: "count" | "latency", by: readonly string[] = []): Promise<Run> {
  const { topology, child } = bed;
  const start = (namespace: string, name: "sink" | "generator", args: readonly string[]): Child => {
    const [command = "", ...rest] = [...by, program(name), ...args];
    return new Child(namespace, command, rest);
  };
  const sink = start(topology.sink, "sink", ["k0", look]);
  await sink.printed(/^ready/m);
  const before = child === null ? null : usage(child.pid);
  const generator = start(topology.source, "generator", [
    ...["s0", topology.deviceMac, NOBODY_MAC, SOURCE_IP, NOBODY_IP],
    ...[String(load.bytes), String(Math.round(load.rate)), String(load.ms), load.gaps ?? "even"],
  ]);
  const out = await generator.result<Sent>();
  sink.endInput();
  const got = await sink.result<Received>();
  const after = child === null ? null : usage(child.pid);
  if (child !== null && !child.running) throw new Error(`${bed.variant.name} died: ${child.errors}`);

  const boxWait = before === null || after === null ? 0 : longestWait(before, after);
  const { p50, p99, p999 } = got;
  return {
    sent: out.sent,
    received: got.received,
    loss: 1 - got.received / Math.max(1, out.sent),
    rate: out.sent / out.seconds,
    cpu: before === null || after === null ? null : ((after.ran - before.ran) / Math.max(1, got.received)) * 1e6,
    noise: Math.max(out.waited, boxWait) / out.seconds,
    latency: p50 === undefined || p99 === undefined || p999 === undefined ? null : { p50, p99, p999 },
    duplicates: got.duplicates ?? 0,
    reordered: got.reordered ?? 0,
  };
}

/** Waits at most `patienceMs` for a quiet machine, runs, and runs again while it was noisy; the least noisy run counts. */
export async function guarded<T extends { readonly noise: number }>(
  run: () => Promise<T>,
  tries: number,
  patienceMs: number,
): Promise<T> {
  let best: T | null = null;
  for (let i = 0; i < tries; i++) {
    if (patienceMs > 0) await quiet(patienceMs);
    const result = await run();
    if (best === null || result.noise < best.noise) best = result;
    if (best.noise <= NOISY) break;
  }
  if (best === null) throw new RangeError("a run needs at least one try");
  return best;
}

/** iperf3 over TCP from the device to the world, Gbit/s. */
export async function tcp(bed: Bed, seconds: number): Promise<number> {
  const server = new Child(bed.topology.sink, "iperf3", ["-s", "-1", "--forceflush"]);
  try {
    await server.printed(/Server listening/);
    const client = new Child(bed.topology.source, "iperf3", [
      "-c",
      SINK_IP,
      "-t",
      String(seconds),
      "-J",
      "--connect-timeout",
      "5000",
    ]);
    const late = setTimeout(() => void client.stop(100), (seconds + 15) * 1000);
    const text = await client.text().finally(() => {
      clearTimeout(late);
    });
    const answer = JSON.parse(text) as { error?: string; end?: { sum_received?: { bits_per_second: number } } };
    if (answer.error !== undefined) throw new Error(`iperf3 through ${bed.variant.name}: ${answer.error}`);
    return (answer.end?.sum_received?.bits_per_second ?? 0) / 1e9;
  } finally {
    await server.stop();
  }
}

/** Compilers warm, address resolution done, buffers touched. */
export async function warmUp(bed: Bed): Promise<void> {
  for (const rate of [2000, 50000, 150000]) await send(bed, { bytes: 300, rate, ms: 300 }, "count");
  await pause(100);
}
