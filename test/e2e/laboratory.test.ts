// The laboratory itself, with a kernel bridge in the place of hushbox:
//
//     speaker eth0 ── in0 box(br0) out0 ── lan0 router(NAT) wan0 ── down0 isp up0 ── net0 world
//
// Needs root, iproute2, nftables, ethtool, tcpdump, iputils-ping, openssl; skipped aloud without them.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tap, { test } from "tap";
import { Capture } from "../../src/emulator/capture.js";
import { collect, command, missingPackages, tool, type CommandResult } from "../../src/emulator/command.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { OBSERVERS, PLACES, TOPOLOGY } from "../../src/emulator/topology.js";

const program = new URL("../../src/emulator/program.js", import.meta.url).pathname;
const packages = missingPackages(["tcpdump", "ping", "openssl"]);
const skip =
  Laboratory.unavailable() ?? (packages.length > 0 ? `install the Debian packages ${packages.join(" ")}` : false);

tap.setTimeout(150_000);

type Line = Record<string, unknown>;

function json(text: string): Line[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

/** The cloud as a program in the laboratory's world. */
class Cloud {
  readonly #child: ChildProcess;
  readonly #result: Promise<CommandResult>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#result = collect(child, 120_000);
  }

  static async start(laboratory: Laboratory): Promise<Cloud> {
    const child = laboratory.exec("world", [process.execPath, program, "cloud"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const cloud = new Cloud(child);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    return cloud;
  }

  /** Ends it; answers the lines that it printed. */
  async stop(): Promise<Line[]> {
    this.#child.kill("SIGTERM");
    return json((await this.#result).stdout);
  }
}

function speaker(laboratory: Laboratory, args: string[]): Promise<CommandResult> {
  return laboratory.run("speaker", [process.execPath, program, "speaker", ...args], { timeout: 60_000 });
}

async function namespaces(prefix: string): Promise<string[]> {
  const { stdout } = await command(tool("ip"), ["netns", "list"]);
  return stdout.split("\n").filter((line) => line.startsWith(prefix));
}

void test("the laboratory", { skip, timeout: 120_000 }, async (t) => {
  const state = mkdtempSync(join(tmpdir(), "hushbox-lab-"));
  const laboratory = await Laboratory.build({ name: "hx-emu", mode: "direct", state });
  t.teardown(async () => {
    await laboratory.remove();
    rmSync(state, { recursive: true, force: true });
  });

  await t.test("reaches the cloud over IPv4 and IPv6, with packets of 1500 bytes", async (t) => {
    for (const address of [ENDPOINTS.voice.v4, ENDPOINTS.voice.v6]) {
      const size = address.includes(":") ? "1452" : "1472";
      const { stdout } = await laboratory.run("speaker", [
        tool("ping"),
        "-n",
        "-c2",
        "-i0.2",
        "-W2",
        "-Mdo",
        `-s${size}`,
        address,
      ]);
      t.match(stdout, /2 received/, address);
    }
  });

  await t.test("translates both families, so that the provider sees only the router", async (t) => {
    const file = join(state, "wan.pcap");
    const { place, interface: name } = OBSERVERS.wan;
    const capture = await Capture.start(laboratory, place, name, file, { filter: "icmp or icmp6" });
    for (const address of [ENDPOINTS.time.v4, ENDPOINTS.time.v6]) {
      await laboratory.run("speaker", [tool("ping"), "-n", "-c1", "-W2", address]);
    }
    t.match(await capture.stop(), { dropped: 0 });
    const { stdout } = await command(tool("tcpdump"), ["-n", "-r", file]);
    t.match(stdout, `IP ${TOPOLOGY.router.wan4} > ${ENDPOINTS.time.v4}: ICMP echo request`);
    t.match(stdout, `IP6 ${TOPOLOGY.router.wan6} > ${ENDPOINTS.time.v6}: ICMP6, echo request`);
    t.notMatch(stdout, TOPOLOGY.speaker.v4);
    t.notMatch(stdout, TOPOLOGY.speaker.v6);
  });

  await t.test("a packet with two hops to live dies at the provider", async (t) => {
    const world = await Capture.start(laboratory, "world", TOPOLOGY.world.net, join(state, "world.pcap"), {
      filter: "icmp or icmp6",
    });
    for (const [address, provider] of [
      [ENDPOINTS.music.v4, TOPOLOGY.isp.v4],
      [ENDPOINTS.music.v6, TOPOLOGY.isp.v6],
    ] as const) {
      const { stdout } = await laboratory.run("speaker", [tool("ping"), "-n", "-c1", "-W2", "-t2", address]);
      t.match(stdout, new RegExp(`${provider}.*(Time to live exceeded|Hop limit)`, "s"));
    }
    const { stdout } = await laboratory.run("speaker", [tool("ping"), "-n", "-c1", "-W2", "-t4", ENDPOINTS.music.v4]);
    t.match(stdout, /1 received/, "and with more it arrives");
    t.match(await world.stop(), { captured: 2, dropped: 0 }, "one echo and its reply");
  });

  await t.test(
    "speaker and cloud exchange a mixture of everything, every hash right",
    { timeout: 60_000 },
    async (t) => {
      const cloud = await Cloud.start(laboratory);
      const capture = await Capture.start(laboratory, "router", TOPOLOGY.router.lan, join(state, "lan.pcap"));
      const { code, stdout, stderr } = await speaker(laboratory, ["--duration", "15s", "--seed", "e2e"]);
      t.match(await capture.stop(), { dropped: 0 });
      t.equal(code, 0, stderr);
      const [first, ...lines] = json(stdout);
      t.ok(Math.abs(Number(first?.["began"]) - Date.now()) < 60_000, "it says when it began");
      const summary = lines.at(-1);
      t.match(summary, { bad: 0, failed: 0, repeated: 0 });
      t.equal(summary?.["transfers"], lines.length - 1);
      for (const protocol of ["tls", "quic", "dns", "ntp", "http", "ping"]) {
        t.ok(
          lines.some((line) => line["protocol"] === protocol && line["ok"] === true),
          protocol,
        );
      }
      const seen = await cloud.stop();
      t.match(seen.at(-1), { bad: 0, failed: 0 });
      const exchanged = lines.filter((line) => line["protocol"] === "tls" || line["protocol"] === "quic");
      t.equal(seen.at(-1)?.["transfers"], exchanged.length, "both ends count the same");

      const { stdout: hosts } = await command(tool("tcpdump"), [
        "-n",
        "-t",
        "-r",
        join(state, "lan.pcap"),
        "udp or tcp or icmp or icmp6",
      ]);
      const met = new Set(
        hosts
          .match(/198\.18\.\d+\.\d+|2001:db8:c10d:[0-9a-f:]+/g)
          ?.map((found) => found.split(".").slice(0, 4).join(".")),
      );
      t.ok(met.size >= 13, `${String(met.size)} addresses met; calibration 3.1: 13-15`);
    },
  );

  await t.test("a path that is cut is told within the patience, by both ends", { timeout: 60_000 }, async (t) => {
    const cloud = await Cloud.start(laboratory);
    const begun = Date.now();
    const running = speaker(laboratory, ["--duration", "6s", "--mixture", "media:6s", "--patience", "2s"]);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await laboratory.part();
    const { code, stdout } = await running;
    await laboratory.join();
    t.equal(code, 1);
    t.ok(Date.now() - begun < 30_000, `${String(Date.now() - begun)} ms`);
    const lines = json(stdout);
    t.ok(Number(lines.at(-1)?.["failed"]) > 3);
    t.ok(lines.some((line) => line["ok"] === false && typeof line["reason"] === "string"));
    await cloud.stop();
  });

  await t.test("a speaker that is told to stop ends in order", { timeout: 60_000 }, async (t) => {
    const cloud = await Cloud.start(laboratory);
    const child = laboratory.exec("speaker", [process.execPath, program, "speaker", "--duration", "60s"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const running = collect(child);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    child.kill("SIGTERM");
    const { code, stdout } = await running;
    t.equal(code, 0);
    t.match(json(stdout).at(-1), { bad: 0, failed: 0 });
    t.match((await cloud.stop()).at(-1), { bad: 0, failed: 0 });
  });

  await t.test("without the bridge nothing passes", async (t) => {
    await laboratory.part();
    const { stdout } = await laboratory.run("speaker", [tool("ping"), "-n", "-c1", "-W1", TOPOLOGY.router.v4]);
    t.match(stdout, / 0 received/);
    await laboratory.join();
    const again = await laboratory.run("speaker", [tool("ping"), "-n", "-c1", "-W2", TOPOLOGY.router.v4]);
    t.match(again.stdout, / 1 received/);
  });

  await t.test("offloads are off, and a quiet laboratory is silent", async (t) => {
    const { stdout } = await laboratory.run("speaker", [tool("ethtool"), "-k", TOPOLOGY.speaker.interface]);
    t.match(stdout, /tcp-segmentation-offload: off/);
    t.match(stdout, /tx-checksumming: off/);
    const file = join(state, "quiet.pcap");
    const capture = await Capture.start(laboratory, "router", TOPOLOGY.router.lan, file);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    t.match(await capture.stop(), { captured: 0 });
    t.ok(statSync(file).size >= 24, "a capture of nothing is still a pcap file");
  });

  await t.test("a missing interface is a clear error", async (t) => {
    await t.rejects(Capture.start(laboratory, "router", "nothing0", join(state, "none.pcap")), {
      code: "host",
      message: /nothing0/,
    });
  });

  await t.test("is removed with the programs that run in it", async (t) => {
    const sleeper = laboratory.exec("world", ["/bin/sleep", "60"]);
    const ended = new Promise((resolve) =>
      sleeper.once("close", (_code, signal) => {
        resolve(signal);
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    t.equal((await namespaces(laboratory.prefix)).length, PLACES.length);
    await laboratory.remove();
    t.equal(await ended, "SIGTERM");
    t.same(await namespaces(laboratory.prefix), []);
    t.same(
      readdirSync(state).filter((name) => name.endsWith(".json")),
      [],
    );
  });
});

void test("a laboratory whose process is killed", { skip }, async (t) => {
  const state = mkdtempSync(join(tmpdir(), "hushbox-lab-"));
  t.teardown(() => {
    rmSync(state, { recursive: true, force: true });
  });
  const module = new URL("../../src/emulator/laboratory.js", import.meta.url).href;
  // The test runner loads a signal handler into every child; the laboratory leaves ending to it, and it to the laboratory.
  const program = `
    process.removeAllListeners("SIGTERM");
    const { Laboratory } = await import(${JSON.stringify(module)});
    const laboratory = await Laboratory.build({ name: "hx-emu-crash", state: ${JSON.stringify(state)} });
    laboratory.exec("world", ["/bin/sleep", "60"]);
    console.log(laboratory.prefix);
    setInterval(() => {}, 1000);`;
  for (const [signal, left] of [
    ["SIGKILL", PLACES.length],
    ["SIGTERM", 0],
  ] as const) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = new Promise((resolve) => child.once("exit", resolve));
    const said = new Promise<string>((resolve, reject) => {
      child.stdout.once("data", (data: Buffer) => {
        resolve(String(data));
      });
      child.once("exit", () => {
        reject(new Error("ended before it had built its laboratory"));
      });
    });
    const prefix = (await said).trim();
    t.match(prefix, /^hx-emu-crash-\d+$/);
    t.same(Laboratory.sweep(state), [], "nothing is swept while it lives");
    child.kill(signal);
    await closed;
    t.equal((await namespaces(prefix)).length, left, `namespaces left after ${signal}`);
    t.same(Laboratory.sweep(state), left > 0 ? [prefix] : [], `swept after ${signal}`);
    t.same(await namespaces(prefix), []);
    t.notOk(existsSync(join(state, `${prefix}.json`)));
  }
});
