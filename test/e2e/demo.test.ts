// `hushbox demo --json`, as a person starts it:
//
//     speaker eth0 ── in0 [hushbox] out0 ── lan0 router(NAT) wan0 ── down0 isp up0 ── net0 world
//
// Needs root, iproute2, nftables, ethtool, tcpdump, iputils-ping, openssl; skipped aloud without them.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "tap";
import { Demo } from "../../src/demo/demo.js";
import { OBSERVED, WAYS, type DemoReport } from "../../src/demo/report.js";
import { FEATURES } from "../../src/features/features.js";
import { ROOT } from "../support/generated.js";

const skip =
  Demo.unavailable() ??
  (existsSync(join(ROOT, "build/native/ring.node")) ? false : "the packet ring is not built: sh native/build");

interface Running {
  readonly child: ChildProcess;
  /** What it said on standard output, and on standard error, so far. */
  readonly out: string[];
  readonly told: string[];
  readonly exit: Promise<number>;
}

function demo(...args: string[]): Running {
  const child = spawn(process.execPath, [join(ROOT, "build/src/main.js"), "demo", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, told]: [string[], string[]] = [[], []];
  createInterface(child.stdout).on("line", (line) => out.push(line));
  createInterface(child.stderr).on("line", (line) => told.push(line));
  // A signal that nobody caught counts as -1.
  const exit = once(child, "close").then(([code]: unknown[]) => (typeof code === "number" ? code : -1));
  return { child, out, told, exit };
}

/** Namespaces, folders and notes of the demo with this process id. */
function leftovers(pid: number | undefined): string[] {
  const mark = `hushbox-demo-${pid}`;
  const { stdout } = spawnSync("ip", ["netns", "list"], { encoding: "utf8" });
  const notes = existsSync("/run/hushbox-lab") ? readdirSync("/run/hushbox-lab") : [];
  const processes = readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`/${mark}/`);
    } catch {
      return false;
    }
  });
  return [
    ...stdout.split("\n"),
    ...readdirSync(tmpdir()),
    ...notes,
    ...processes.map((id) => `${mark} process ${id}`),
  ].filter((name) => name.startsWith(mark));
}

async function until(condition: () => boolean, milliseconds: number): Promise<boolean> {
  for (const end = performance.now() + milliseconds; performance.now() < end;) {
    if (condition()) return true;
    await sleep(50);
  }
  return false;
}

/** Resolves when the first line of figures was shown. */
function runs({ told }: Running): Promise<boolean> {
  return until(() => told.some((line) => /^\d+ s/.test(line)), 40_000);
}

void test("the demo of 20 seconds", { skip, timeout: 120_000 }, async (t) => {
  const rules = (): string => spawnSync("nft", ["list", "tables"], { encoding: "utf8" }).stdout;
  const before = rules();
  const running = demo("--json", "--duration", "20s", "--seed", "1");
  t.teardown(() => running.child.kill("SIGTERM"));

  const docs = (): string | undefined => /http:\/\/127\.0\.0\.1:\d+\/docs/.exec(running.told.join("\n"))?.[0];
  t.ok(await until(() => docs() !== undefined, 20_000), "says where its API is");
  const page = await fetch(docs() ?? "");
  t.equal(page.status, 200, "and there it is, on this machine's loopback");
  const token = readFileSync(join(tmpdir(), `hushbox-demo-${running.child.pid}`, "state/token"), "utf8").trim();
  const changed = await fetch((docs() ?? "").replace("/docs", "/api/v1/defenses/jitter"), {
    method: "PATCH",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ variance: 3 }),
  });
  t.equal(changed.status, 200, "it takes changes while traffic flows");

  t.equal(await running.exit, 0, running.told.join("\n"));
  t.equal(running.out.length, 1, "one line on standard output");
  const report = JSON.parse(running.out[0] ?? "") as DemoReport;
  t.same(Object.keys(report), [
    "preset",
    "seconds",
    "observers",
    "overhead",
    "added_delay_ms",
    "lateness_us",
    "drops",
    "decoys",
    "integrity",
  ]);
  for (const observer of OBSERVED) {
    for (const way of WAYS) {
      const { before, after } = report.observers[observer][way];
      for (const features of [before, after]) {
        t.same(Object.keys(features), [...FEATURES]);
        t.ok(Object.values(features).every((n) => Number.isFinite(n) && n >= 0));
        t.ok(features.n_pack_tcp > 100 && features.n_pack_udp > 10, `${observer} ${way}: there is traffic`);
      }
    }
  }
  const { lan, wan } = report.observers;
  t.equal(lan.up.after.std_len_pack, 0, "lan: every frame up has one length");
  t.equal(lan.up.after.mean_len_pack, 1514);
  t.ok(lan.up.before.std_len_pack > 100);
  t.ok(wan.up.after.std_len_pack > 100, "wan: trailers are gone");
  t.ok(wan.up.after.n_port_unique > wan.up.before.n_port_unique, "decoys on ports of their own");
  t.ok(wan.down.after.n_pack_icmp > wan.down.before.n_pack_icmp, "answers to decoys are seen outside");

  const { decoys, integrity, overhead, added_delay_ms: delay, lateness_us: late } = report;
  t.ok(decoys.tcp > 0 && decoys.udp > 0 && decoys.icmp > 0, `decoys of every kind: ${JSON.stringify(decoys)}`);
  t.ok(decoys.replies_swallowed > 0);
  t.equal(decoys.replies_leaked, 0);
  t.ok(integrity.transfers > 20);
  t.equal(integrity.bad, 0);
  t.ok(overhead.bytes > 0.1 && overhead.packets > 0.01);
  t.ok(delay.p50 > 0 && delay.p99 > delay.p50);
  t.ok(late.p50 >= 0 && late.p99 >= late.p50);
  t.same([...new Set(Object.values(report.drops))], [0], "nothing dropped");
  t.ok(report.seconds > 15 && report.seconds < 60);

  t.same(leftovers(running.child.pid), []);
  t.equal(rules(), before);
});

void test("the demo with preset standalone", { skip, timeout: 120_000 }, async (t) => {
  const running = demo("--json", "--preset", "standalone", "--duration", "15s", "--seed", "1");
  t.teardown(() => running.child.kill("SIGTERM"));
  t.equal(await running.exit, 0, running.told.join("\n"));
  const { observers, decoys, integrity, added_delay_ms: delay } = JSON.parse(running.out[0] ?? "") as DemoReport;
  const { lan, wan } = observers;
  t.equal(lan.up.after.std_len_pack, 0);
  t.equal(lan.up.after.mean_len_pack, 1514);
  t.ok(wan.up.after.mean_len_pack > 1.5 * wan.up.before.mean_len_pack, "packets are longer behind the router too");
  t.ok(wan.up.before.std_window > 1000 && wan.up.after.std_window === 0, "one window, also in SYNs and decoys");
  t.equal(wan.up.after.mean_window, 14_336, "in whole KiB, below the 14,400 bytes that the speaker begins with");
  // Slots are waited for: half of one at the median where the line is idle, at most maxDelay and what the machine adds.
  t.ok(delay.p50 > 1 && delay.p50 < 21, `p50 ${delay.p50} ms`);
  t.ok(delay.p99 >= delay.p50);
  t.ok(decoys.tcp > 0 && decoys.udp > 0 && decoys.replies_swallowed > 0, JSON.stringify(decoys));
  t.equal(decoys.replies_leaked, 0);
  t.ok(integrity.transfers > 20);
  t.equal(integrity.bad, 0);
  t.same(leftovers(running.child.pid), []);
});

void test("an interrupted demo leaves nothing", { skip, timeout: 120_000 }, async (t) => {
  const running = demo("--json", "--duration", "60s");
  t.ok(await runs(running), `it runs: ${running.told.join("\n")}`);
  t.ok(leftovers(running.child.pid).length > 5);
  running.child.kill("SIGINT");
  t.equal(await running.exit, 130);
  t.same(running.out, [], "no result");
  t.same(leftovers(running.child.pid), []);
});

void test("what a killed demo leaves, the next one removes", { skip, timeout: 120_000 }, async (t) => {
  const killed = demo("--json", "--duration", "60s");
  t.ok(await runs(killed), `it runs: ${killed.told.join("\n")}`);
  killed.child.kill("SIGKILL");
  await killed.exit;
  t.ok(leftovers(killed.child.pid).length > 5, "it left its namespaces");
  const next = demo("--json", "--duration", "1s");
  t.equal(await next.exit, 0, next.told.join("\n"));
  t.same(leftovers(killed.child.pid), []);
  t.same(leftovers(next.child.pid), []);
});
