import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type Test } from "tap";
import type { Command } from "../../../src/main/command.js";
import { command as check } from "../../../src/main/check.js";
import { command as runs } from "../../../src/main/run.js";
import { command as set } from "../../../src/main/set.js";
import { command as status } from "../../../src/main/status.js";
import { layOut, startBench, type Bench } from "../../support/running-daemon.js";

const MAIN = join(import.meta.dirname, "../../../src/main.js");

/** Without what the test runner puts into every child: it makes each a second slower. */
const PLAIN = { PATH: process.env["PATH"] };

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

function hushbox(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { timeout: 120_000, env: PLAIN }, (failure, out, error) => {
      const code = failure === null ? 0 : failure.code;
      resolve({ status: typeof code === "number" ? code : -1, out, error });
    });
  });
}

/** A command in this process, with what it prints: a process for each would take half a minute. */
async function run(t: Test, command: Command, ...args: string[]): Promise<{ status: number; out: string }> {
  const log = t.capture(console, "log");
  const status = await command.run(args);
  const out = log().map((call) => `${call.args.join(" ")}\n`);
  log.restore();
  return { status, out: out.join("") };
}

test("wrong use is status 2 and says what is right", async (t) => {
  const table: readonly (readonly [args: string[], error: RegExp])[] = [
    [[], /Usage: hushbox COMMAND/],
    [["stauts"], /there is no command "stauts"; did you mean status\?/],
    [["replay", "x.pcap"], /there is no command "replay"; there are setup, run, check, guard, status, set, shape/],
    [["run", "--conf", "x"], /hushbox run: Unknown option '--conf'[^]*hushbox run --help says how/],
    [["set"], /hushbox set: what is to be set\?[^]*hushbox set --help says how/],
  ];
  for (const [args, error] of table) {
    const ran = await hushbox(...args);
    t.equal(ran.status, 2, `hushbox ${args.join(" ")}`);
    t.match(ran.error, error);
    t.equal(ran.out, "", "nothing on standard output");
  }
  const usage: readonly (readonly [command: Command, args: string[], message: RegExp])[] = [
    [runs, ["extra"], /Unexpected argument 'extra'/],
    [check, ["--json=yes"], /does not take an argument/],
    [set, ["preset", "off", "--url", "http://192.0.2.1:8377"], /another machine: name its token with --token-file/],
    [set, ["jitter"], /"jitter" is no KEY=VALUE/],
    [set, ["=4"], /"=4" is no KEY=VALUE/],
    [set, ["decoy.kinds=[tcp"], /the value of "decoy\.kinds=\[tcp" cannot be read/],
    [status, ["--url", "nowhere"], /"nowhere" is no URL/],
  ];
  for (const [command, args, message] of usage) {
    await t.rejects(command.run(args), { code: /^(usage|ERR_PARSE_ARGS.*)$/, message }, args.join(" "));
  }
});

test("every command helps, with an example", async (t) => {
  const { out, status: code } = await hushbox("--help");
  t.equal(code, 0);
  const listed = [...out.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((match) => match[1] ?? "");
  t.ok(listed.length >= 5, listed.join(" "));
  for (const word of listed) {
    const { command } = (await import(`../../../src/main/${word}.js`)) as { command: Command };
    t.match(out, command.summary);
    t.match(command.usage, new RegExp(`^Usage: hushbox ${word}`));
    t.match(command.usage, new RegExp(`Examples?:\n  .*hushbox ${word}`));
    t.ok(
      command.usage.split("\n").every((line) => line.length <= 120),
      `${word}: short lines`,
    );
  }
  const help = await hushbox("set", "x=1", "--help");
  t.equal(help.status, 0, "wherever it stands");
  t.equal(help.out, `${set.usage.trimEnd()}\n`);
  t.match((await hushbox("--version")).out, /^hushbox \d+\.\d+\.\d+\n$/);
});

test("failures are status 1 and say what to do", async (t) => {
  const bad = layOut(t, "inside: a\noutside: b\npreset: papr\ndevices: []\n").path;
  const broken = await hushbox("run", "--config", bad);
  t.equal(broken.status, 1);
  t.match(
    broken.error,
    /hushbox run: .*hushbox\.yaml:3:9 \/preset expected one of off, paper, standalone, tunnel, paired, got "papr"; did you mean "paper"\?\n.*hushbox\.yaml:4:10 \/devices expected at least 1/,
  );
  const nowhere = ["--url", "http://127.0.0.1:9"];
  const table: readonly (readonly [command: Command, args: string[], message: RegExp])[] = [
    [runs, ["--config", "/nowhere/h.yaml"], /ENOENT.*config\.example\.yaml is one to begin with/],
    [status, nowhere, /no hushbox answers at http:\/\/127\.0\.0\.1:9 .*is it running\?/],
    [set, ["preset", "off", ...nowhere, "--token-file", "/nowhere/t"], /changes need the token.*ENOENT.*try with sudo/],
    [status, ["--config", bad], /hushbox\.yaml:3:9/],
  ];
  for (const [command, args, message] of table) await t.rejects(command.run(args), { message }, args.join(" "));
  const { path, state } = layOut(t);
  const missing = await hushbox("run", "--config", path);
  t.equal(missing.status, 1);
  // Without the addon, or without permission, that is what is told first.
  t.match(missing.error, /there is no interface in0; this machine has: |is not compiled|cannot be loaded|CAP_NET/);
  const token = readFileSync(join(state, "token"), "utf8").trim();
  t.notMatch(missing.out + missing.error, token, "the token is not told");
});

test("check lists everything and says what to do", async (t) => {
  const { path } = layOut(t);
  const ran = await run(t, check, "--config", path);
  t.equal(ran.status, 1);
  t.match(ran.out, /^ok {4}configuration: .*hushbox\.yaml is valid$/m);
  t.match(ran.out, /hushbox would not run\n$/);
  const { out } = await run(t, check, "--config", path, "--json");
  const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: { status: string; what: string }[] };
  t.equal(ok, false);
  t.match(
    findings.map(({ what }) => what),
    ["configuration", "addon", "permissions", "interface in0"],
  );
  writeFileSync(path, "inside: [\n");
  const broken = await run(t, check, "--config", path);
  t.equal(broken.status, 1);
  t.match(broken.out, /^FAIL {2}configuration: .*hushbox\.yaml:2:1 /m);
});

const reach = (bench: Bench) => ["--url", bench.daemon.url ?? "", "--token-file", join(bench.state, "token")];

test("status shows what a daemon does", async (t) => {
  const bench = await startBench(t);
  bench.twin.set("up.packets_out", 10);
  bench.twin.set("up.bytes_out", 1000);
  bench.twin.set("up.padding_bytes", 125);
  bench.twin.set("inside.up", 1);
  bench.twin.set("decoys_udp", 4);
  bench.twin.set("decoys_refused_month", 2);
  const words = await hushbox("status", ...reach(bench));
  t.equal(words.status, 0);
  t.match(words.out, "hushbox 1.2.3: ready");
  t.match(words.out, "inside in0 up, outside out0 DOWN");
  t.match(words.out, "10 packets, 1000 bytes; overhead 12.5 % of bytes");
  t.match(words.out, "0 tcp, 4 udp, 0 icmp, 0 traceroute; refused 2 by month");
  t.notMatch(words.out, "padding:");
  bench.twin.set("mechanisms_off", 1);
  t.match((await run(t, status, ...reach(bench))).out, "padding: 1 mechanism is off for a destination");
  bench.twin.set("mechanisms_off", 3);
  t.match((await run(t, status, ...reach(bench))).out, "padding: 3 mechanisms are off for destinations");
  const { out } = await run(t, status, "--json", ...reach(bench));
  t.match(JSON.parse(out), { ready: true, mechanismsOff: 3, up: { overhead: { bytes: 0.125 } } });
  bench.twin.stuck = true;
  bench.twin.set("last_turn_us", 1);
  const still = await run(t, status, ...reach(bench));
  t.equal(still.status, 1);
  t.match(still.out, "STANDS STILL");
});

test("set changes a daemon", async (t) => {
  const bench = await startBench(t);
  const change = async (...args: string[]) => (await run(t, set, ...args, ...reach(bench))).out;
  const first = await hushbox("set", "preset", "off", ...reach(bench));
  t.match(first.out, /^changed \/preset; packets saw it after 1\.5 ms; not saved/);
  t.equal(bench.daemon.config.preset, "off");
  await change("preset=paper", "--device", "hall");
  t.equal(bench.daemon.config.devices[1]?.preset, "paper");
  const json = await change("jitter.variance=4", "jitter.maxDelay=10ms", "--json", "--persist");
  const changed = ["/defenses/jitter/variance", "/defenses/jitter/maxDelay"];
  t.match(JSON.parse(json), { changed, persisted: true });
  t.match(readFileSync(bench.path, "utf8"), "maxDelay: 10ms");
  await change("decoy.kinds=[udp, icmp]", "--device", "kitchen");
  t.same(bench.daemon.config.devices[0]?.defenses, { decoy: { kinds: ["udp", "icmp"] } });
  const several = await change("budget.perMonth=1GB/month", "pad.enabled=false", "log.level=debug");
  for (const path of ["/budget/perMonth", "/defenses/pad/enabled", "/log/level"]) t.match(several, path);
  t.match(bench.daemon.config, {
    budget: { perMonth: "1GB/month" },
    defenses: { pad: { enabled: false }, jitter: { variance: 4 } },
    log: { level: "debug" },
  });
  await change("budget.perMonth=null", "budget.share=0.5", "--device", "hall");
  t.same(bench.daemon.config.devices[1]?.budget, { share: 0.5 });
  t.match(await change("log.level=debug"), "nothing changed: that is how it is already");

  const table: readonly (readonly [args: string[], message: RegExp])[] = [
    [["preset", "papr"], /expected one of off, paper, standalone, tunnel, paired, got "papr"; did you mean "paper"\?/],
    [["jitter.varianc=4"], /\/varianc unknown key "varianc"; did you mean "variance"\?/],
    [["jitter.maxDelay=20"], /\/maxDelay expected a duration with its unit such as 20ms, got 20/],
    [["inside=eth5"], /This needs a restart: [^]*\/inside is fixed while hushbox runs/],
    [["preset", "off", "--device", "cellar"], /There is no such device/],
    [["budget.share=1", "--device", "cellar"], /there is no device cellar; there are kitchen, hall/],
  ];
  for (const [args, message] of table)
    await t.rejects(set.run([...args, ...reach(bench)]), { message }, args.join(" "));
  const wrong = join(bench.state, "wrong");
  writeFileSync(wrong, "w".repeat(43));
  const ran = await hushbox("set", "preset", "off", "--url", bench.daemon.url ?? "", "--token-file", wrong);
  t.equal(ran.status, 1);
  t.match(ran.error, "A token is needed");
});

test("the address and the token come from the daemon's configuration", async (t) => {
  const bench = await startBench(t);
  const port = new URL(bench.daemon.url ?? "").port;
  const text = readFileSync(bench.path, "utf8").replace("127.0.0.1:0", `0.0.0.0:${port}`);
  const path = join(bench.state, "client.yaml");
  writeFileSync(path, text);
  await run(t, set, "preset", "off", "--config", path);
  t.equal(bench.daemon.config.preset, "off");
});
