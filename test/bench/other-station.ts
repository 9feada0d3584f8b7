// What a station that is not protected loses while hushbox takes another one's frames over: npm run bench:other-station -- --help
//
//     speaker, laptop eth0 ── in0 box(br0, hushbox run) out0 ── lan0 router
//
// TCP between laptop and router, each way, over the plain bridge and beside hushbox in turn; then the same at the rate of a fast radio, in Mbit/s.
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { sh } from "../support/spaces.js";
import { Stations } from "../support/stations.js";
import { Child, pause } from "./child.js";
import { numbersOf } from "./numbers-of.js";

const HELP = `usage: npm run bench:other-station -- [--rounds N] [--seconds N] [--rate MBITS]

What a station that is not protected loses while hushbox takes another one's frames over: TCP each way over the plain bridge and beside
hushbox in turn, as fast as it goes, and then at the rate of a radio. Needs root and iperf3.

  --rounds N     how often (9)
  --seconds N    how long each time (2)
  --rate MBITS   the radio's (300)`;

const given = numbersOf(HELP, { rounds: 9, seconds: 2, rate: 300 });
const directory = mkdtempSync(join(tmpdir(), "hushbox-other-station-"));
const laboratory = await Laboratory.build({ name: "hx-bench", state: join(directory, "laboratory"), mode: "direct" });
const stations = new Stations(laboratory);
const { box, router, speaker } = laboratory.namespaces;

interface Received {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

/** Mbit/s that arrive. */
function rate(laptop: string, ...options: string[]): number {
  const text = sh(
    `ip netns exec ${laptop} iperf3 -J -c ${TOPOLOGY.router.v4} -t ${given.seconds} ${options.join(" ")}`,
  );
  return (JSON.parse(text) as Received).end.sum_received.bits_per_second / 1e6;
}

const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[all.length >> 1] ?? 0;

async function compare(laptop: string, limit: string): Promise<void> {
  const ways = { up: [], down: ["-R"] } as const;
  const found = { up: [] as [number, number][], down: [] as [number, number][] };
  for (let round = 0; round < given.rounds; round++) {
    const plain = { up: rate(laptop), down: rate(laptop, ...ways.down) };
    const running = await LaboratoryBox.start(laboratory, join(directory, "box"), { preset: "standalone" });
    await pause(300);
    for (const way of ["up", "down"] as const) found[way].push([plain[way], rate(laptop, ...ways[way])]);
    await running.stop();
    await pause(300);
  }
  for (const way of ["up", "down"] as const) {
    const [before, beside] = [0, 1].map((i) => median(found[way].map((pair) => pair[i] ?? 0)));
    const ratio = median(found[way].map(([plain, defended]) => defended / plain));
    process.stdout.write(
      `${limit.padEnd(12)} ${way.padEnd(5)} bridge ${(before ?? 0).toFixed(0)} Mbit/s, beside hushbox ${(beside ?? 0).toFixed(0)} Mbit/s; ratio, median of ${found[way].length}: ${ratio.toFixed(3)}\n`,
    );
  }
}

try {
  const laptop = stations.add("laptop", 20).namespace;
  const server = new Child(router, "iperf3", ["-s", "--forceflush", "-B", TOPOLOGY.router.v4]);
  try {
    await server.printed(/listening/i);
    process.stdout.write(`load ${loadavg()[0]?.toFixed(1) ?? ""}\n`);
    await compare(laptop, "no limit");
    const slow = `tbf rate ${given.rate}mbit burst 256kb latency 50ms`;
    sh(`ip netns exec ${speaker} tc qdisc replace dev ${TOPOLOGY.speaker.interface} root ${slow}`);
    sh(`ip netns exec ${box} tc qdisc replace dev ${TOPOLOGY.box.inside} root ${slow}`);
    await compare(laptop, `${given.rate} Mbit/s`);
  } finally {
    await server.stop();
  }
} finally {
  stations.remove();
  await laboratory.remove();
  rmSync(directory, { recursive: true, force: true });
}
