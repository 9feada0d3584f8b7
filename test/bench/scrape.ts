import { spawnSync } from "node:child_process";
import type { Latency } from "./measure.js";
import type { Topology } from "./topology.js";

const FETCH = `
const answer = await fetch("http://127.0.0.1:8377" + process.argv[1]);
process.stdout.write(await answer.text());
process.exitCode = answer.ok ? 0 : 1;`;

/** What hushbox's API answers in the box's namespace, or null where it does not or not well. */
export function ask(topology: Topology, path: string): string | null {
  const args = ["netns", "exec", topology.box, process.execPath, "--input-type=module", "-e", FETCH, path];
  const { status, stdout } = spawnSync("ip", args, { encoding: "utf8", timeout: 10_000 });
  return status === 0 ? stdout : null;
}

/** Cumulative counts of a Prometheus histogram by upper bound. */
export type Buckets = ReadonlyMap<number, number>;

/** The buckets of `hushbox_datapath_lateness_seconds` upward, bounds in µs. */
export function latenessBuckets(metrics: string): Buckets {
  const found = metrics.matchAll(/^hushbox_datapath_lateness_seconds_bucket\{([^}]*)\} (\S+)$/gm);
  const buckets = new Map<number, number>();
  for (const [, labels = "", count = ""] of found) {
    const bound = /le="([^"]+)"/.exec(labels)?.[1];
    if (bound === undefined || !labels.includes('direction="up"')) continue;
    buckets.set(bound === "+Inf" ? Infinity : Number(bound) * 1e6, Number(count));
  }
  return buckets;
}

/** Quantiles of what was counted between two readings, as Prometheus has them: linear inside a bucket. Null: nothing was. */
export function quantiles(before: Buckets, after: Buckets): (Latency & { readonly count: number }) | null {
  const bounds = [...after.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => (after.get(bound) ?? 0) - (before.get(bound) ?? 0));
  const total = counts.at(-1) ?? 0;
  if (total === 0) return null;
  const at = (q: number): number => {
    const rank = q * total;
    const i = counts.findIndex((count) => count >= rank);
    const [low, under] = i <= 0 ? [0, 0] : [bounds[i - 1] ?? 0, counts[i - 1] ?? 0];
    const high = bounds[i] ?? low;
    if (high === Infinity) return low;
    return low + ((high - low) * (rank - under)) / Math.max(1, (counts[i] ?? 0) - under);
  };
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), count: total };
}
