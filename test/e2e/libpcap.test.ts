//   hx-lp-<pid>-s: s0 <-> p0 :hx-lp-<pid>-b: p1 <-> k0 :hx-lp-<pid>-k     device, box with the libpcap card, world
import { spawn, spawnSync, type ChildProcessByStdio } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { Worker } from "node:worker_threads";
import { test } from "tap";

const ROOT = join(import.meta.dirname, "../../..");
const [DEVICE, BOX, WORLD] = ["s", "b", "k"].map((end) => `hx-lp-${process.pid}-${end}`) as [string, string, string];
const MAC = "02:00:5e:20:00:01";
const OTHER_MAC = "02:00:5e:20:00:02";

function reason(): string | false {
  if (process.getuid?.() !== 0) return "needs root for network namespaces";
  if (!existsSync(join(ROOT, "build/native/ring.node"))) return "needs build/native/ring.node (npm run build)";
  for (const [tool, flag] of [
    ["ip", "-V"],
    ["ping", "-V"],
    ["ethtool", "--version"],
    ["tcpdump", "--version"],
  ] as const) {
    if (spawnSync(tool, [flag]).status !== 0) return `needs ${tool}`;
  }
  try {
    createRequire(import.meta.url)("cap");
  } catch {
    return "needs npm cap (libpcap-dev, g++, make, python3, then npm install)";
  }
  return false;
}

function sh(command: string): string {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${stderr}${stdout}`);
  return stdout;
}

const config = (macs: readonly string[], preset: "off" | "paper", defenses: object = {}): string =>
  JSON.stringify({
    ...{ inside: "p0", outside: "p1", preset, nic: { card: "libpcap" }, defenses },
    // The test's addresses are private ones; they shall count as the Internet.
    local: { networks: ["169.254.0.0/16"] },
    devices: macs.map((mac, i) => ({ name: `d${i}`, mac })),
  });

/** The box's process. */
class Box {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(text: string) {
    const child = join(ROOT, "build/test/support/datapath-box.js");
    this.process = spawn("ip", ["netns", "exec", BOX, process.execPath, "--expose-gc", child, text], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#reader = createInterface({ input: this.process.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const next = await this.#lines.next();
    return next.done === true ? "(it ended)" : next.value;
  }

  async ask<T>(question: string): Promise<T> {
    this.process.stdin.write(`${question}\n`);
    return JSON.parse(await this.line()) as T;
  }

  async ended(): Promise<number | null> {
    if (this.process.exitCode !== null) return this.process.exitCode;
    return new Promise((resolve) =>
      this.process.once("exit", (code) => {
        resolve(code);
      }),
    );
  }
}

type Snapshot = Record<string, number>;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const ping = (count: number, address = "10.9.0.2"): string =>
  spawnSync("ip", ["netns", "exec", DEVICE, "ping", "-c", String(count), "-i", "0.05", "-W", "2", address], {
    encoding: "utf8",
  }).stdout;

/** tcpdump in the world, listening already; `text` resolves when it has seen so many frames, or after ten seconds. */
async function watch(frames: number, filter: string): Promise<{ readonly text: Promise<string> }> {
  const args = ["netns", "exec", WORLD, "timeout", "10", "tcpdump", "-leni", "k0", "-c", String(frames), filter];
  const dump = spawn("ip", args, { stdio: ["ignore", "pipe", "pipe"] });
  let seen = "";
  dump.stdout.setEncoding("utf8").on("data", (part: string) => (seen += part));
  await new Promise((resolve) => dump.stderr.once("data", resolve));
  await pause(100);
  return {
    text: new Promise((resolve) =>
      dump.once("close", () => {
        resolve(seen);
      }),
    ),
  };
}

/** Asks until the answer pleases, at most five seconds. */
async function until(holds: () => Promise<boolean> | boolean): Promise<boolean> {
  for (let i = 0; i < 50; i++) {
    if (await holds()) return true;
    await pause(100);
  }
  return false;
}

test("the libpcap card", { skip: reason(), timeout: 60_000 }, async (t) => {
  for (const space of [DEVICE, BOX, WORLD]) {
    sh(`ip netns add ${space}`);
    sh(
      `ip netns exec ${space} sh -c 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'`,
    );
  }
  t.teardown(() => {
    for (const space of [DEVICE, BOX, WORLD]) sh(`ip netns del ${space}`);
  });
  sh(`ip -n ${BOX} link add p0 type veth peer name s0 netns ${DEVICE}`);
  sh(`ip -n ${BOX} link add p1 type veth peer name k0 netns ${WORLD}`);
  sh(`ip -n ${DEVICE} link set s0 address ${MAC}`);
  for (const [space, name] of [
    [DEVICE, "s0"],
    [BOX, "p0"],
    [BOX, "p1"],
    [WORLD, "k0"],
  ] as const) {
    sh(`ip netns exec ${space} ethtool -K ${name} gro off gso off tso off tx off`);
    sh(`ip -n ${space} link set ${name} up`);
  }
  sh(`ip -n ${DEVICE} addr add 10.9.0.1/24 dev s0`);
  sh(`ip -n ${WORLD} addr add 10.9.0.2/24 dev k0`);

  await t.test("passes both directions from the very first frame, once each", async (t) => {
    const box = new Box(config([MAC], "off"));
    t.equal(await box.line(), "ready");
    t.match(ping(20), /20 packets transmitted, 20 received, 0% packet loss/);
    t.notMatch(ping(5), /DUP!/);
    await pause(300);
    const counters = await box.ask<Snapshot>("stop");
    // 25 echo requests and an ARP request up, the answers down; ARP may be asked again both ways.
    t.ok((counters["up.packets_in"] ?? 0) >= 26 && (counters["up.packets_in"] ?? 0) <= 30, JSON.stringify(counters));
    t.equal(counters["up.packets_in"], counters["up.packets_out"]);
    t.equal(counters["down.packets_in"], counters["down.packets_out"]);
    t.equal(counters["outside.sent"], counters["up.packets_out"]);
    t.equal(await box.ended(), 0, "and ends well, also when everything is garbage collected");
  });

  await t.test("pads, and frames with it are what leaves", async (t) => {
    const box = new Box(config([MAC], "paper", { jitter: { enabled: false }, decoy: { enabled: false } }));
    await box.line();
    const seen = await watch(8, `ether src ${MAC} and icmp`);
    t.match(ping(8), / 0% packet loss/);
    const text = await seen.text;
    const lengths = [...text.matchAll(/length (\d+):/g)].map((found) => Number(found[1]));
    t.same(lengths, Array<number>(8).fill(1514));
    await box.ask("stop");
  });

  await t.test("takes a further device on while packets flow, and drops what is nobody's", async (t) => {
    const box = new Box(config([OTHER_MAC], "off"));
    await box.line();
    t.match(ping(2), /100% packet loss/, "a stranger");
    const flowing = spawn("ip", ["netns", "exec", DEVICE, "ping", "-i", "0.01", "-c", "150", "10.9.0.2"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await box.ask<number>(`apply ${config([OTHER_MAC, MAC], "off")}`);
    let text = "";
    flowing.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
    await pause(300);
    const took: number[] = [];
    for (let i = 0; i < 5; i++)
      took.push(await box.ask(`apply ${config(i % 2 === 0 ? [MAC] : [MAC, OTHER_MAC], "off")}`));
    t.ok(Math.min(...took) < 100, `${took.join(" ")} ms`);
    await new Promise((resolve) => flowing.once("close", resolve));
    t.notMatch(text, /DUP!/);
    const numbers = [...text.matchAll(/icmp_seq=(\d+)/g)].map((found) => Number(found[1]));
    const gaps = numbers.filter((n, i) => i > 0 && n !== (numbers[i - 1] ?? 0) + 1);
    t.same(gaps, [], "no packet lost or reordered by a change");
    await box.ask("stop");
  });

  await t.test("survives an interface that goes down and comes back", async (t) => {
    const box = new Box(config([MAC], "off"));
    await box.line();
    t.match(ping(3), / 0% packet loss/);
    // What was counted since the process last told is lost with it.
    await pause(400);
    sh(`ip -n ${BOX} link set p1 down`);
    t.ok(await until(async () => (await box.ask<Snapshot>("counters"))["outside.downs"] === 1), "noticed");
    t.equal((await box.ask<Snapshot>("counters"))["outside.up"], 0);
    t.type(await box.ask<number>(`apply ${config([MAC], "off")}`), "number", "a change meanwhile is not refused");
    sh(`ip -n ${BOX} link set p1 up`);
    t.ok(await until(() => ping(1).includes(" 0% packet loss")), "packets flow again");
    const counters = await box.ask<Snapshot>("stop");
    t.ok((counters["up.packets_in"] ?? 0) >= 4, "and go on being counted");
    t.equal(await box.ended(), 0);
  });

  await t.test("leaves no process behind when the daemon is killed", async (t) => {
    const box = new Box(config([MAC], "off"));
    await box.line();
    const children = (): string =>
      spawnSync("pgrep", ["-f", `datapath-process.js`, "--ns", String(box.process.pid), "--nslist", "net"], {
        encoding: "utf8",
      }).stdout;
    const before = children();
    t.not(before, "");
    box.process.kill("SIGKILL");
    await box.ended();
    const pids = before.trim().split("\n");
    t.ok(await until(() => pids.every((pid) => !existsSync(`/proc/${pid}`))));
  });

  await t.test("sends decoys on the IP layer where the kernel has a route, else as frames", async (t) => {
    sh(`ip -n ${BOX} addr add 10.9.0.9/24 dev p1`);
    const boxMac = sh(`ip netns exec ${BOX} cat /sys/class/net/p1/address`).trim();
    const seen = await watch(2, "udp port 34567");
    const child = join(ROOT, "build/test/support/ip-decoy.js");
    const out = sh(`ip netns exec ${BOX} ${process.execPath} ${child} p0 p1 ${MAC} 10.9.0.2 203.0.113.7`);
    const text = await seen.text;
    // Of 16 slots one is each card's, to receive into.
    t.same(JSON.parse(out), { routed: 1, unrouted: 1, sent: 2, refused: 0, free: 14 });
    t.match(
      text,
      new RegExp(`${boxMac} > .* length 62: 10.9.0.1.61000 > 10.9.0.2.34567`),
      "routed: this machine's address, no trailer",
    );
    t.match(
      text,
      new RegExp(`${MAC} > .* length 72: 10.9.0.1.61000 > 203.0.113.7.34567`),
      "not routed: the device's name, padded",
    );
    sh(`ip -n ${BOX} addr del 10.9.0.9/24 dev p1`);
  });

  await t.test("errors", async (t) => {
    const missing = new Box(config([MAC], "off").replace('"p1"', '"nope1"'));
    t.match(await missing.line(), /^interface-missing: there is no interface nope1; this machine has: /);
    const program = `import { loadCap } from ${JSON.stringify(new URL("../../src/nic/libpcap.js", import.meta.url).href)}; loadCap();`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
    const message = await new Promise((resolve) =>
      worker.once("error", (error) => {
        resolve(error.message);
      }),
    );
    t.match(message, /main thread/);
    t.end();
  });
});
