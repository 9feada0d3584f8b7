//   device s0 <-> p0 hushbox p1 <-> k0 world      traffic both ways, defenses toggled over HTTP ten times a second
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Child, pause, run } from "./child.js";
import { machine } from "./machine.js";
import { compile, missing, program, ROOT } from "./programs.js";
import { median } from "./report.js";
import { say } from "./say.js";
import { ask } from "./scrape.js";
import { NOBODY_IP, NOBODY_MAC, removeStale, SINK_IP, SOURCE_IP, Topology } from "./topology.js";
import { hushboxMissing, startHushbox } from "./variants/hushbox.js";

const HELP = `usage: npm run soak -- [--minutes N] [--json]

Real transfers, datagrams, pings and numbered streams in both directions through hushbox while its defenses are changed
at random over HTTP ten times a second. Afterwards: every hash right, nothing reordered or doubled, every packet accounted
for, memory flat. Needs root. Exit status 1 where that does not hold.

  --minutes N  how long (10); memory is judged from 3 on
  --json       one JSON object on standard output`;
const STREAM_PPS = 300;
const SCRAPE_MS = 2000;

interface Stream {
  readonly received: number;
  readonly duplicates: number;
  readonly reordered: number;
}
interface Transfers {
  readonly transfers: number;
  readonly bytes: number;
  readonly bad: number;
  readonly failed: number;
  readonly datagrams: number;
  readonly answered: number;
  readonly datagramsBad: number;
}
interface Toggles {
  readonly changes: number;
  readonly wrong: number;
  readonly first: readonly string[];
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Values of /metrics by name with labels, as they stand there. */
function metrics(topology: Topology): Map<string, number> {
  const text = ask(topology, "/metrics");
  if (text === null) throw new Error("hushbox does not answer /metrics");
  return new Map(
    [...text.matchAll(/^(\w+(?:\{[^}]*\})?) (\S+)$/gm)].map(([, name = "", value = ""]) => [name, Number(value)]),
  );
}

/** What the kernel counted on one of the box's interfaces. */
function kernel(topology: Topology, name: string, counter: string): number {
  return Number(run("ip", ["netns", "exec", topology.box, "cat", `/sys/class/net/${name}/statistics/${counter}`]));
}

async function soak(minutes: number): Promise<{ checks: [string, boolean, string][]; facts: object }> {
  const topology = new Topology("soak");
  const children: Child[] = [];
  process.on("exit", () => {
    topology.down();
  });
  const start = (namespace: string, command: string, args: readonly string[]): Child => {
    const child = new Child(namespace, command, args);
    children.push(child);
    return child;
  };
  const script = (name: string): string => join(ROOT, "build/test/bench", name);
  try {
    topology.up();
    const { child: box, state } = await startHushbox(topology, { preset: "paper", api: { rateLimit: "6000/min" } });
    children.push(box);
    const kernelAtStart = { in: kernel(topology, "p0", "rx_packets"), out: kernel(topology, "p1", "tx_packets") };
    const atStart = metrics(topology);

    const server = start(topology.sink, process.execPath, [script("soak-peer.js"), "server"]);
    await server.printed(/^ready/m);
    const sinks = {
      up: start(topology.sink, program("sink"), ["k0", "latency"]),
      down: start(topology.source, program("sink"), ["s0", "latency"]),
    };
    for (const sink of Object.values(sinks)) await sink.printed(/^ready/m);
    const stream = [String(300), String(STREAM_PPS), String(Math.round(minutes * 60_000)), "poisson"];
    const sinkMac = run("ip", ["netns", "exec", topology.sink, "cat", "/sys/class/net/k0/address"]).trim();
    const generators = {
      up: start(topology.source, program("generator"), [
        "s0",
        topology.deviceMac,
        NOBODY_MAC,
        SOURCE_IP,
        NOBODY_IP,
        ...stream,
      ]),
      down: start(topology.sink, program("generator"), [
        "k0",
        sinkMac,
        topology.deviceMac,
        SINK_IP,
        NOBODY_IP,
        ...stream,
      ]),
    };
    const peer = start(topology.source, process.execPath, [script("soak-peer.js"), "client", SINK_IP]);
    const ping = start(topology.source, "ping", ["-i", "0.2", "-w", String(Math.round(minutes * 60)), "-q", SINK_IP]);
    const toggler = start(topology.box, process.execPath, [script("soak-toggler.js"), join(state, "token")]);
    await toggler.printed(/^ready/m);

    const memory: number[] = [];
    const end = Date.now() + minutes * 60_000;
    while (Date.now() < end) {
      await pause(Math.min(SCRAPE_MS, Math.max(1, end - Date.now())));
      for (const child of [box, server, toggler, peer])
        if (!child.running) throw new Error(`a program ended early: ${child.errors}`);
      const now = metrics(topology);
      memory.push(now.get("process_resident_memory_bytes") ?? NaN);
      if (memory.length % 15 === 0)
        say(`${((end - Date.now()) / 1000).toFixed(0)} s left, ${((memory.at(-1) ?? 0) / 2 ** 20).toFixed(0)} MiB`);
    }
    const sent = {
      up: (await generators.up.result<{ sent: number }>()).sent,
      down: (await generators.down.result<{ sent: number }>()).sent,
    };
    for (const child of [toggler, peer]) child.endInput();
    const toggles = await toggler.result<Toggles>();
    const transfers = await peer.result<Transfers>();
    const pinged = /(\d+) packets transmitted, (\d+) received/.exec(await ping.text());
    // What is still held leaves within maxDelay; the cards' counters are published four times a second.
    await pause(1500);
    for (const sink of Object.values(sinks)) sink.endInput();
    const seen = { up: await sinks.up.result<Stream>(), down: await sinks.down.result<Stream>() };
    const last = metrics(topology);
    const kernelNow = { in: kernel(topology, "p0", "rx_packets"), out: kernel(topology, "p1", "tx_packets") };

    const grown = (name: string): number => (last.get(name) ?? 0) - (atStart.get(name) ?? 0);
    const sum = (prefix: string): number =>
      [...last.keys()].filter((name) => name.startsWith(prefix)).reduce((total, name) => total + grown(name), 0);
    const checks: [string, boolean, string][] = [];
    const check = (what: string, holds: boolean, seenText: string): void => {
      checks.push([what, holds, seenText]);
    };
    check(
      "every transfer's hash right",
      transfers.transfers > 0 && transfers.bad === 0 && transfers.failed === 0,
      `${transfers.transfers} transfers, ${transfers.bad} bad, ${transfers.failed} failed`,
    );
    check(
      "every datagram's hash right",
      transfers.answered > 0 && transfers.datagramsBad === 0,
      `${transfers.answered} of ${transfers.datagrams} answered, ${transfers.datagramsBad} bad`,
    );
    check(
      "every change accepted",
      toggles.changes > 0 && toggles.wrong === 0,
      `${toggles.changes} changes, ${toggles.wrong} refused ${toggles.first.join("; ")}`,
    );
    for (const direction of ["up", "down"] as const) {
      const label = `{direction="${direction}"`;
      const [came, left] = [
        grown(`hushbox_datapath_packets_in_total${label}}`),
        grown(`hushbox_datapath_packets_total${label},kind="real"}`),
      ];
      const swallowed = grown(`hushbox_datapath_swallowed_packets_total${label}}`);
      const dropped = sum(`hushbox_datapath_drops_total${label}`);
      const held = last.get(`hushbox_datapath_held_packets${label}}`) ?? NaN;
      const account = `${came} in = ${left} out + ${swallowed} swallowed + ${dropped} dropped + ${held} held`;
      check(
        `${direction}: every packet accounted for`,
        came > 0 && came === left + swallowed + dropped + held,
        account,
      );
      const { received, duplicates, reordered } = seen[direction];
      check(
        `${direction}: nothing reordered or doubled`,
        received > 0 && reordered + duplicates === 0,
        `${received} received, ${reordered} out of order, ${duplicates} twice`,
      );
      const lost = sent[direction] - received;
      const counted = dropped + sum("hushbox_nic_dropped") + sum("hushbox_nic_no_slot") + sum("hushbox_nic_refused");
      check(
        `${direction}: what was lost was counted`,
        lost >= 0 && lost <= counted,
        `${lost} lost of ${sent[direction]}, ${counted} counted as dropped`,
      );
    }
    const cameIn =
      grown('hushbox_nic_received_packets_total{side="inside"}') +
      grown('hushbox_nic_dropped_packets_total{side="inside"}');
    check(
      "inside card: as many as the kernel counted",
      cameIn === kernelNow.in - kernelAtStart.in,
      `${cameIn} and ${kernelNow.in - kernelAtStart.in}`,
    );
    const wentOut = grown('hushbox_nic_sent_packets_total{side="outside"}');
    check(
      "outside card: as many as the kernel counted",
      wentOut === kernelNow.out - kernelAtStart.out,
      `${wentOut} and ${kernelNow.out - kernelAtStart.out}`,
    );
    const quarter = Math.floor(memory.length / 4);
    const [early, late] = [median(memory.slice(quarter, 2 * quarter)), median(memory.slice(-quarter))].map(
      (v) => v / 2 ** 20,
    ) as [number, number];
    const flat = minutes < 3 || late < early * 1.1 + 8;
    check(
      "memory flat",
      flat,
      `${early.toFixed(0)} MiB in the second quarter, ${late.toFixed(0)} MiB in the last${minutes < 3 ? " (too short to judge)" : ""}`,
    );
    const decoys = sum("hushbox_defense_decoys_total");
    check("decoys were sent", decoys > 0, String(decoys));
    const facts = {
      machine: machine(),
      minutes,
      toggles,
      transfers,
      sent,
      seen,
      pings: { sent: Number(pinged?.[1]), answered: Number(pinged?.[2]) },
      decoys,
    };
    return { checks, facts };
  } finally {
    for (const child of children.reverse()) await child.stop();
    topology.down();
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const minutes = Number(values.minutes);
  if (!(minutes >= 0.1 && minutes <= 55)) throw new TypeError("--minutes takes a number from 0.1 to 55");
  const lacks = [...missing(), ...[hushboxMissing()].filter((lack) => lack !== null)];
  if (lacks.length > 0) throw new Error(`the soak needs: ${lacks.join("; ")}`);
  compile();
  for (const name of removeStale()) say(`removed ${name}, left by an earlier run`);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));
  const { checks, facts } = await soak(minutes);
  const good = checks.every(([, holds]) => holds);
  if (values.json)
    console.log(
      JSON.stringify({ good, checks: checks.map(([what, holds, seen]) => ({ what, holds, seen })), ...facts }),
    );
  else for (const [what, holds, seen] of checks) console.log(`${holds ? "yes" : "NO "}  ${what}: ${seen}`);
  return good ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`soak: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}
