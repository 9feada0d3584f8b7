// What is wrong is told or passed, and nothing crashes:
//
//     speaker eth0 ── in0 box(hushbox) out0 ── lan0 router(NAT) wan0 ── down0 isp up0 ── net0 world
//
// Needs root and what the laboratory needs; skipped aloud without them.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tap, { test } from "tap";
import { collect, command, tool, type CommandResult } from "../../src/emulator/command.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import type { Status } from "../../src/api/status.js";
import { accountOf, missing, statusOf, unaccounted } from "../bench/soak/account.js";
import { boxMissing } from "../support/box-missing.js";
import { pcapFile } from "../support/capture.js";
import { frame } from "../support/frame.js";
import { ROOT } from "../support/generated.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { everyKind, Mutator, pick, reversed, type Ends } from "../support/mutator.js";
import { pause, Talking, until } from "../support/talking.js";

const MAIN = join(ROOT, "build/src/main.js");
const RAW = join(ROOT, "build/test/support/raw-frames.js");
const skip = boxMissing(["ping"]);
const { inside, outside } = TOPOLOGY.box;

tap.setTimeout(200_000);

void test("bad input", { skip, timeout: 190_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "hushbox-bad-"));
  const laboratory = await Laboratory.build({ name: "hx-bad", state: join(directory, "laboratory") });
  t.teardown(async () => {
    await laboratory.remove();
    rmSync(directory, { recursive: true, force: true });
  });
  await laboratory.run("box", [tool("ip"), "link", "set", "lo", "up"]);
  const path = (name: string): string => join(directory, name);
  const hushbox = (...args: string[]): Promise<CommandResult> =>
    laboratory.run("box", [process.execPath, MAIN, ...args]);
  const ping = async (count: number): Promise<string> => {
    const argv = [tool("ping"), "-n", "-q", "-c", String(count), "-i", "0.05", "-W", "3", ENDPOINTS.voice.v4];
    return (await laboratory.run("speaker", argv)).stdout;
  };
  const config = (more: object): string => {
    const devices = [{ name: "speaker", mac: TOPOLOGY.speaker.mac }];
    return JSON.stringify({ inside, outside, devices, state: path("state"), ...more });
  };
  const boxes: LaboratoryBox[] = [];
  const start = async (name: string, more: object = {}): Promise<LaboratoryBox> => {
    const box = await LaboratoryBox.start(laboratory, path(name), more);
    boxes.push(box);
    return box;
  };
  t.teardown(async () => {
    for (const box of boxes) await box.stop();
  });

  await t.test("configurations", async (t) => {
    const device = `devices: [{name: a, mac: "${TOPOLOGY.speaker.mac}"}]\n`;
    const good = `inside: ${inside}\noutside: ${outside}\nstate: ${path("state")}\n${device}`;
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${"bcdefghi"
      .split("")
      .map(
        (name, i) =>
          `${name}: &${name} [${Array<string>(9)
            .fill(`*${"abcdefgh"[i] ?? ""}`)
            .join(", ")}]\n`,
      )
      .join("")}`;
    const at = (line: number, column: number): string => `bad\\.yaml:${line}:${column} `;
    const table: readonly (readonly [what: string, text: string | Uint8Array, message: RegExp])[] = [
      ["nothing", "", /bad\.yaml:1:1 .*inside/],
      ["no YAML", `${good}defenses: {pad: [\n`, new RegExp(at(6, 1))],
      ["binary", Uint8Array.from({ length: 4096 }, (_, i) => (i * 197) & 0xff), /bad\.yaml/],
      ["a list", "- inside\n", new RegExp(`${at(1, 1)}.*expected`)],
      ["a misspelt key", `${good}presett: paper\n`, new RegExp(`${at(5, 1)}.*presett.*did you mean "?preset"?`)],
      [
        "a misspelt value",
        `${good}preset: papper\n`,
        new RegExp(`${at(5, 9)}/preset expected one of off, paper, standalone, tunnel, paired, got "papper"`),
      ],
      [
        "a misspelt key within",
        `${good}defenses:\n  jitter:\n    maxdelay: 20ms\n`,
        new RegExp(`${at(7, 5)}.*maxDelay`),
      ],
      [
        "a number without unit",
        `${good}defenses: {jitter: {maxDelay: 20}}\n`,
        new RegExp(`${at(5, 31)}/defenses/jitter/maxDelay`),
      ],
      ["a key twice", `${good}inside: eth9\n`, new RegExp(`${at(5, 1)}this key is there already`)],
      [
        "no MAC",
        good.replace(TOPOLOGY.speaker.mac, "02:68:62"),
        new RegExp(`${at(4, 26)}/devices/0/mac expected a MAC address`),
      ],
      ["one interface twice", good.replace(`outside: ${outside}`, `outside: ${inside}`), new RegExp(at(2, 10))],
      ["aliases without end", `${good}${bomb}`, /bad\.yaml/],
      [
        "an interface that is not there",
        good.replace(inside, "in7"),
        new RegExp(`there is no interface in7; this machine has: .*${inside}.*${outside}`),
      ],
      ["the loopback", good.replace(inside, "lo"), /interface lo does not carry Ethernet frames: it is the loopback/],
    ];
    for (const [what, text, message] of table) {
      writeFileSync(path("bad.yaml"), text);
      const { code, stderr } = await hushbox("run", "--config", path("bad.yaml"));
      t.equal(code, 1, what);
      t.match(stderr, message, what);
      t.notMatch(stderr, /a fault of hushbox|^ +at /m, what);
    }
    t.match(await hushbox("run", "--config", directory), { code: 1, stderr: /EISDIR|is a directory/ });
    t.match(await hushbox("run", "--config", path("nowhere")), { code: 1, stderr: /config\.example\.yaml/ });
    t.match(await hushbox("run", "--confg", path("bad.yaml")), { code: 2 });
  });

  await t.test("permissions", async (t) => {
    writeFileSync(path("plain.json"), config({}));
    const without = (capability: string): Promise<CommandResult> =>
      laboratory.run("box", [
        "setpriv",
        `--bounding-set=-${capability}`,
        process.execPath,
        MAIN,
        "run",
        "--config",
        path("plain.json"),
      ]);
    for (const capability of ["net_raw", "net_admin"]) {
      const { code, stderr } = await without(capability);
      t.equal(code, 1, capability);
      t.match(stderr, new RegExp(`CAP_${capability.toUpperCase()}`), "it says which");
      t.notMatch(stderr, /a fault of hushbox/);
    }
    // Whatever was turned off before it failed is as it was.
    t.notOk(existsSync(path("state/offloads.json")));
  });

  await t.test("a state directory with nonsense in it", async (t) => {
    const state = path("nonsense/state");
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, "budget.json"), '{"month": "no');
    const box = await start("nonsense");
    await box.stop();
    t.equal(
      readdirSync(state).filter((name) => name.startsWith("budget.json.damaged-")).length,
      1,
      "kept for a person to look at",
    );
    writeFileSync(join(state, "offloads.json"), "no JSON");
    const { code, stderr } = await hushbox("run", "--config", path("nonsense/hushbox.yaml"));
    t.equal(code, 1);
    t.match(stderr, /offloads\.json is not a list of offloads; delete it/);
    t.notMatch(stderr, /a fault of hushbox/);
  });

  await t.test("requests, a port that is taken, and a second daemon", async (t) => {
    const box = await start("api");
    const before = await box.ask("GET", "/api/v1/config");
    const preset = { preset: "off" };
    const wrong = { Authorization: `Bearer ${"A".repeat(43)}` };
    t.match(await box.ask("PUT", "/api/v1/preset", preset, wrong), {
      status: 401,
      type: /problem\+json/,
      body: { status: 401 },
    });
    t.match(await box.ask("PUT", "/api/v1/preset", preset, { Authorization: "" }), { status: 401 });
    const misspelt = await box.ask("PATCH", "/api/v1/defenses/jitter", { maxdelay: "5ms" });
    t.match(misspelt, { type: /problem\+json/, body: { errors: [{ path: "/maxdelay", message: /maxDelay/ }] } });
    t.ok(misspelt.status >= 400 && misspelt.status < 500);
    t.match(
      await box.ask("PATCH", "/api/v1/defenses/jitter", { variance: "2" }),
      { status: misspelt.status },
      "nothing is coerced",
    );
    for (const text of [
      "",
      "{",
      "null",
      "[]",
      '"x"',
      "\u0000",
      "{}".padEnd(100_000),
      `{"variance": 1e999}`,
      "[".repeat(30_000),
    ]) {
      const said = await box.ask("PATCH", "/api/v1/defenses/jitter", text);
      t.ok(
        (said.status >= 400 && said.status < 500) || text === "{}",
        `${said.status} for ${JSON.stringify(text.slice(0, 20))}`,
      );
    }
    t.match(await box.ask("GET", "/api/v1/nothing"), { status: 404, type: /problem\+json/ });
    t.match(await box.ask("GET", "/api/v1/status", undefined, { Host: "evil.example" }), { status: 421 });
    t.same((await box.ask("GET", "/api/v1/config")).etag, before.etag, "all that changed nothing");

    t.match(await hushbox("run", "--config", path("api/hushbox.yaml")), {
      code: 1,
      stderr: /another hushbox \(process \d+\) uses the state directory/,
    });
    const { code, stderr } = await hushbox("run", "--config", path("plain.json"));
    t.equal(code, 1);
    t.match(stderr, /cannot listen on 127\.0\.0\.1 port 8377: it is in use, perhaps by another hushbox/);
    writeFileSync(path("twice.json"), config({ state: path("twice"), api: { listen: "127.0.0.1:8379" } }));
    t.match(await hushbox("run", "--config", path("twice.json")), {
      code: 1,
      stderr: /another hushbox carries packets on in0 already/,
    });
    t.match(await ping(3), / 0% packet loss/, "the first one is not disturbed");
    await box.stop();
    t.equal(box.child.status, 0);
  });

  await t.test("frames that nobody would send", async (t) => {
    const box = await start("frames", { log: { level: "warn" } });
    const random = new SeededRandom("bad-input");
    const mutator = new Mutator(random);
    const { speaker, router } = TOPOLOGY;
    const { voice } = ENDPOINTS;
    const four: Ends = { source: speaker.mac, destination: router.mac, from: speaker.v4, to: voice.v4 };
    const six: Ends = { source: speaker.mac, destination: router.mac, from: speaker.v6, to: voice.v6 };
    /** What came to the card; on a busy machine it may drop some of a thousand frames at once, and counts them. */
    const arrived = (status: Status): number => accountOf(status, "up").in + (status.cards.inside.counts?.dropped ?? 0);
    const before = arrived(await statusOf(box));
    await Promise.all(
      (
        [
          ["speaker", speaker.interface, everyKind(four, six)],
          ["router", router.lan, everyKind(reversed(four), reversed(six))],
        ] as const
      ).map(async ([place, name, kinds]) => {
        await laboratory.run(place, [tool("ip"), "link", "add", "x0", "type", "veth", "peer", "name", "x1"]);
        await laboratory.run(place, [tool("ip"), "link", "set", "x0", "up"]);
        const argv = [process.execPath, RAW, name, "x0"];
        const sender = new Talking(laboratory.exec(place, argv, { stdio: ["pipe", "pipe", "inherit"] }));
        t.equal(await sender.line(), "ready");
        for (let batch = 0; batch < 20; batch++) {
          const frames = Array.from({ length: 1_000 }, () => {
            const bytes = mutator.next(pick(random, kinds), pick(random, kinds));
            return Buffer.from(bytes.subarray(0, 1514)).toString("hex").padEnd(28, "0");
          });
          sender.say(frames.join("\n"));
          await pause(20);
        }
        sender.close();
        t.equal(await sender.line(), "20000", `all were sent from ${place}`);
        await laboratory.run(place, [tool("ip"), "link", "del", "x0"]);
      }),
    );
    t.ok(box.child.running);
    t.equal(await unaccounted(box), null, "each is accounted for");
    const status = await statusOf(box);
    t.equal(missing(accountOf(status, "up")), 0);
    t.ok(arrived(status) - before > 18_000, "they came in");
    t.ok(accountOf(status, "up").in > 5_000, `${accountOf(status, "up").in} of them to the datapath`);
    // Among them were wrong answers to ARP and redirects for the two ends.
    for (const [place, ...argv] of [
      ["speaker", "neigh", "flush", "all"],
      ["router", "neigh", "flush", "all"],
    ] as const)
      await laboratory.run(place, [tool("ip"), ...argv]);
    t.ok(await until(async () => (await ping(5)).includes(" 0% packet loss"), 10_000), "packets flow as before");
    await box.stop();
    t.equal(box.child.status, 0);
    t.notMatch(box.child.errors, /fault|Error/);
  });

  await t.test("captures", async (t) => {
    const ends = { source: TOPOLOGY.speaker.mac, destination: TOPOLOGY.router.mac };
    const records = Array.from(
      { length: 500 },
      (_, i) => [1_700_000_000 + i, 0, frame({ ...ends, payload: new Uint8Array(i) })] as const,
    );
    const whole = pcapFile({ records });
    const cut = whole.length - 20;
    const table: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
      [
        "truncated",
        whole.subarray(0, cut),
        new RegExp(`ends at byte ${cut}, within the record at byte \\d+, after 499 whole packets`),
      ],
      ["of a few bytes", whole.subarray(0, 10), /ends at byte 10, within the file header/],
      ["empty", new Uint8Array(0), /the file is empty/],
      ["no capture", Uint8Array.from({ length: 500 }, (_, i) => (i * 89) & 0xff), /neither pcap nor pcapng/],
      ["not of Ethernet", pcapFile({ linkType: 105, records }), /link type 105/],
      ["of somebody else", pcapFile({ records: [[1, 0, frame()]] }), /never appears in the capture/],
    ];
    const shape = (name: string): Promise<CommandResult> =>
      hushbox("shape", path(name), path("out.pcap"), "--preset", "paper", "--device", TOPOLOGY.speaker.mac);
    for (const [what, bytes, message] of table) {
      writeFileSync(path("in.pcap"), bytes);
      const { code, stderr } = await shape("in.pcap");
      t.equal(code, 1, what);
      t.match(stderr, message, what);
      t.notMatch(stderr, /a fault of hushbox/, what);
      t.notOk(existsSync(path("out.pcap")) || existsSync(path("out.pcap.unfinished")), "no half capture is left");
    }
    t.match(await shape("nowhere.pcap"), { code: 1, stderr: /ENOENT/ });
    writeFileSync(path("in.pcap"), whole);
    t.match(await shape("in.pcap"), { code: 0 }, "the whole one is shaped");
  });

  await t.test("kill -9", async (t) => {
    const features = async (): Promise<string[]> =>
      Promise.all(
        [inside, outside].map(async (name) => (await laboratory.run("box", [tool("ethtool"), "-k", name])).stdout),
      );
    const rules = async (): Promise<string> => (await laboratory.run("box", [tool("nft"), "list", "ruleset"])).stdout;
    const before = await features();
    for (const text of before) t.match(text, /^generic-receive-offload: (on|off)$/m);
    t.ok(before.join("").includes("tx-checksumming: on"), "there is something to turn off");
    const first = await start("killed");
    const during = await features();
    t.not(during.join(""), before.join(""));
    t.match(await ping(3), / 0% packet loss/);
    await first.kill();
    t.same(await features(), during, "it leaves offloads off");
    t.equal(await rules(), "", "and no table");
    const second = await start("killed");
    t.match(await ping(3), / 0% packet loss/, "the next one carries on");
    t.same(await features(), during);
    await second.stop();
    t.same(await features(), before, "and leaves all as it was before the first");
    t.same(
      readdirSync(path("killed/state")).filter((name) => name !== "budget.json" && name !== "token"),
      [],
    );
    t.match(JSON.parse(readFileSync(path("killed/state/budget.json"), "utf8")), {
      bytes: { [TOPOLOGY.speaker.mac]: Number },
    });
  });

  await t.test("kill -9 of the demo", async (t) => {
    const names = async (): Promise<string[]> =>
      (await command(tool("ip"), ["netns", "list"])).stdout.split("\n").map((line) => line.split(" ")[0] ?? "");
    const demo = (duration: string): ChildProcess =>
      spawn(process.execPath, [MAIN, "demo", "--duration", duration, "--json"], { stdio: ["ignore", "pipe", "pipe"] });
    const first = demo("60s");
    const mine = `hushbox-demo-${first.pid ?? 0}`;
    const traces = async (): Promise<string[]> => [
      ...(await names()).filter((name) => name.startsWith(`${mine}-`)),
      ...readdirSync(tmpdir()).filter((name) => name === mine),
    ];
    let said = "";
    first.stderr?.setEncoding("utf8").on("data", (part: string) => (said += part));
    const gone = once(first, "exit");
    t.ok(await until(() => /127\.0\.0\.1/.test(said), 30_000), "it runs");
    t.equal((await traces()).filter((name) => name !== mine).length, 5);
    first.kill("SIGKILL");
    await gone;
    const left = await traces();
    const pids = async (): Promise<string[]> =>
      (
        await Promise.all(
          left.filter((name) => name !== mine).map((name) => command(tool("ip"), ["netns", "pids", name])),
        )
      )
        .flatMap(({ stdout }) => stdout.split("\n"))
        .filter(Boolean);
    const orphans = await pids();
    t.ok(left.length >= 5 && orphans.length > 0, `kill -9 leaves ${left.join(" ")} and ${orphans.length} processes`);
    const { code, stdout, stderr } = await collect(demo("5s"), 90_000);
    t.equal(code, 0, stderr.slice(-2_000));
    t.match(JSON.parse(stdout), { preset: "paper", integrity: { bad: 0 } });
    t.same(await traces(), [], "the next start sweeps them away");
    t.same(
      orphans.filter((pid) => existsSync(`/proc/${pid}`)),
      [],
      "and the processes",
    );
  });
});
