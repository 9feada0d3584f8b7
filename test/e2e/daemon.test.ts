//   hx-api-<pid>-s: s0 <-> in0 :hx-api-<pid>-b: out0 <-> w0 :hx-api-<pid>-w     device, box with `hushbox run`, world
//   10.88.0.1                                              10.88.0.2
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import type { Status } from "../../src/api/status.js";

const ROOT = join(import.meta.dirname, "../../..");
const MAIN = join(ROOT, "build/src/main.js");
const [DEVICE, BOX, WORLD] = ["s", "b", "w"].map((end) => `hx-api-${process.pid}-${end}`) as [string, string, string];
const MAC = "02:00:5e:88:00:01";
const OTHER_MAC = "02:00:5e:88:00:02";
/** What the test runner puts into every child makes it slow. */
const PLAIN = { PATH: process.env["PATH"] };

function reason(): string | false {
  if (process.getuid?.() !== 0) return "needs root for network namespaces";
  if (!existsSync(join(ROOT, "build/native/ring.node"))) return "needs build/native/ring.node (npm run build)";
  for (const tool of ["ip", "ping", "setpriv", "python3"]) {
    if (spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0) return `needs ${tool}`;
  }
  return false;
}

function sh(command: string): string {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${stderr}${stdout}`);
  return stdout;
}

function build(): void {
  for (const space of [DEVICE, BOX, WORLD]) sh(`ip netns add ${space} && ip -n ${space} link set lo up`);
  sh(`ip -n ${DEVICE} link add s0 address ${MAC} type veth peer name in0 netns ${BOX}`);
  sh(`ip -n ${WORLD} link add w0 address ${OTHER_MAC} type veth peer name out0 netns ${BOX}`);
  sh(`ip -n ${DEVICE} addr add 10.88.0.1/24 dev s0 && ip -n ${WORLD} addr add 10.88.0.2/24 dev w0`);
  sh(`ip netns exec ${BOX} sysctl -qw net.ipv6.conf.all.disable_ipv6=1`);
  for (const [space, name] of [
    [DEVICE, "s0"],
    [WORLD, "w0"],
    [BOX, "in0"],
    [BOX, "out0"],
  ] as const) {
    sh(`ip -n ${space} link set ${name} up`);
  }
}

function tearDown(): void {
  for (const space of [DEVICE, BOX, WORLD]) spawnSync("ip", ["netns", "del", space]);
}

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

function inSpace(space: string, command: string, ...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      "ip",
      ["netns", "exec", space, command, ...args],
      { env: PLAIN, timeout: 30_000 },
      (failure, out, error) => {
        const code = failure === null ? 0 : failure.code;
        resolve({ status: typeof code === "number" ? code : -1, out, error });
      },
    );
  });
}

const hushbox = (...args: string[]): Promise<Ran> => inSpace(BOX, process.execPath, MAIN, ...args);
const ping = (...args: string[]): Promise<Ran> => inSpace(DEVICE, "ping", "-q", "-W", "1", ...args, "10.88.0.2");

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A daemon in the box's namespace, with its log. */
class Running {
  readonly child: ChildProcess;
  log = "";

  constructor(config: string, environment: NodeJS.ProcessEnv = {}) {
    this.child = spawn("ip", ["netns", "exec", BOX, process.execPath, MAIN, "run", "--config", config], {
      env: { ...PLAIN, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on("data", (part: Buffer) => (this.log += part.toString()));
  }

  async ready(): Promise<void> {
    await until("the daemon is ready", () => {
      if (this.child.exitCode !== null) throw new Error(`the daemon ended: ${this.log}`);
      return this.log.includes('"msg":"ready"');
    });
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const gone = new Promise<number | null>((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    return gone;
  }
}

test("hushbox run, from start to finish", { skip: reason() }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "hushbox-e2e-"));
  const config = join(directory, "hushbox.yaml");
  const state = join(directory, "state");
  const running: Running[] = [];
  t.teardown(() => {
    for (const { child } of running) if (child.exitCode === null) child.kill("SIGKILL");
    tearDown();
    rmSync(directory, { recursive: true, force: true });
  });
  build();
  const start = (environment: NodeJS.ProcessEnv = {}): Running => {
    const daemon = new Running(config, environment);
    running.push(daemon);
    return daemon;
  };
  // The world's address is a private one; it shall count as the Internet.
  const text = `# The test's.
inside: in0
outside: out0
preset: off # the dial
devices: [{name: speaker, mac: "${MAC}"}]
local: {networks: [169.254.0.0/16]}
state: ${state}
`;
  writeFileSync(config, text);
  const finding = async (what: string) => {
    const { findings } = JSON.parse((await hushbox("check", "--config", config, "--json")).out) as {
      findings: { what: string; status: string; message: string }[];
    };
    return findings.find((found) => found.what === what);
  };
  const status = async (): Promise<Status> =>
    JSON.parse((await hushbox("status", "--url", "http://127.0.0.1:8377", "--json")).out) as Status;
  const set = (...args: string[]): Promise<Ran> => hushbox("set", ...args, "--config", config);

  t.match(await finding("offloads of in0"), { status: "ok", message: /^will be turned off.*tx-checksum/ });
  t.match(await finding("interface in0"), { status: "ok" });
  t.equal((await ping("-c", "1")).status, 1, "without the box nothing passes");

  const notes = join(directory, "notes");
  const listener = spawn("python3", [
    "-c",
    "import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nwhile True: print(s.recv(4096).decode().replace('\\n','|'),flush=True)",
    notes,
  ]);
  let told = "";
  listener.stdout.on("data", (part: Buffer) => (told += part.toString()));
  t.teardown(() => listener.kill());
  await until("the listener listens", () => existsSync(notes));

  const first = start({ NOTIFY_SOCKET: notes, WATCHDOG_USEC: "600000" });
  await first.ready();
  t.match(told, /^READY=1\|STATUS=preset off, 1 device/m);
  await until("the watchdog is fed", () => told.includes("WATCHDOG=1"));
  t.equal(statSync(join(state, "token")).mode & 0o777, 0o600);
  t.notMatch(first.log, readFileSync(join(state, "token"), "utf8").trim());
  // The speaker has just failed to resolve the router's address, and asks again when it pleases.
  await until("packets flow", async () => (await ping("-c", "1", "-W", "1")).status === 0);
  t.match(await finding("offloads of in0"), { message: "are off" });
  t.match(await finding("api"), { status: "warn", message: /in use/ });
  const second = await hushbox("run", "--config", config);
  t.equal(second.status, 1);
  t.match(second.error, /another hushbox \(process \d+\) uses the state directory/);

  const traffic = ping("-c", "150", "-i", "0.02");
  for (const preset of ["paper", "off", "paper"]) {
    const ran = await set("preset", preset);
    t.match(ran.out, /^changed \/preset; packets saw it after [\d.]+ ms/, ran.error);
    t.ok(Number(/after ([\d.]+) ms/.exec(ran.out)?.[1]) < 100, "within 100 ms");
  }
  t.match((await traffic).out, " 0% packet loss", "no packet is lost by changes");
  const after = await status();
  t.match(after, {
    ready: true,
    turning: true,
    preset: "paper",
    configuration: { saved: false },
    cards: { inside: { up: true } },
  });
  t.ok((after.up?.counts.paddingBytes ?? 0) > 10_000, "padded");
  t.ok((after.up?.addedDelayMilliseconds.p50 ?? 0) > 0);

  t.equal((await set("jitter.variance=4", "--persist")).status, 0);
  t.match(readFileSync(config, "utf8"), "preset: paper # the dial");
  const edited = readFileSync(config, "utf8").replace("preset: paper", "preset: off");
  writeFileSync(config, edited);
  first.child.kill("SIGHUP");
  await until("the file is reloaded", async () => (await status()).preset === "off");
  t.match(told, /^RELOADING=1\|MONOTONIC_USEC=\d+$/m);
  writeFileSync(config, edited.replace("preset: off", "preset: of"));
  first.child.kill("SIGHUP");
  await until("the mistake is told", () => /hushbox\.yaml:4:9 \/preset expected one of off, paper/.test(first.log));
  t.equal((await status()).preset, "off");
  writeFileSync(config, edited);

  await first.end("SIGKILL");
  t.ok(existsSync(join(state, "offloads.json")), "kill -9 leaves a record of what to put back");
  const verdict = { address: "198.51.100.7", mechanism: "udpSurplus", reason: "no answer", until: Date.now() + 3600e3 };
  writeFileSync(join(state, "destinations.json"), JSON.stringify([verdict]));
  const third = start();
  await third.ready();
  const destinations = await inSpace(
    BOX,
    process.execPath,
    "-e",
    "fetch('http://127.0.0.1:8377/api/v1/destinations').then(async (a) => console.log(await a.text()))",
  );
  t.match(
    JSON.parse(destinations.out),
    { destinations: [{ address: "198.51.100.7", off: [{ mechanism: "udpSurplus", reason: "no answer" }] }] },
    "what an earlier run has found of destinations holds",
  );
  t.match(third.log, "put back offloads that an earlier run had left off");
  t.equal((await ping("-c", "3", "-i", "0.2")).status, 0);
  t.equal(await third.end("SIGTERM"), 0);
  t.notOk(existsSync(join(state, "offloads.json")));
  t.notOk(existsSync(join(state, "lock")));
  const [kept] = JSON.parse(readFileSync(join(state, "destinations.json"), "utf8")) as { until: number }[];
  t.ok(Math.abs((kept?.until ?? 0) - verdict.until) < 60_000, "for no longer than it was to");
  t.match(JSON.parse(readFileSync(join(state, "budget.json"), "utf8")), {
    month: /^\d{4}-\d\d$/,
    bytes: { [MAC]: /./ },
  });
  t.match(await finding("offloads of in0"), { message: /^will be turned off.*tx-checksum/ }, "offloads are back on");

  const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"];
  rmSync(state, { recursive: true });
  writeFileSync(config, edited.replace(state, "/tmp/hushbox-nobody-here/state").replace("in0", "in9"));
  const missing = await hushbox("run", "--config", config);
  t.equal(missing.status, 1);
  t.match(missing.error, /there is no interface in9; this machine has: .*in0/);
  rmSync("/tmp/hushbox-nobody-here", { recursive: true, force: true });
  const open = mkdtempSync(join(tmpdir(), "hushbox-nobody-"));
  t.teardown(() => {
    rmSync(open, { recursive: true, force: true });
  });
  sh(`chown 65534:65534 ${open} && chmod 755 ${directory}`);
  writeFileSync(config, edited.replace(state, join(open, "state")), { mode: 0o644 });
  const refused = await inSpace(BOX, "setpriv", ...nobody, process.execPath, MAIN, "run", "--config", config);
  t.equal(refused.status, 1);
  t.match(refused.error, /CAP_NET_(ADMIN|RAW)/, "it says which capability");
  const findings = await inSpace(BOX, "setpriv", ...nobody, process.execPath, MAIN, "check", "--config", config);
  t.match(findings.out, /FAIL {2}permissions: lacks CAP_NET_RAW, CAP_NET_ADMIN\n +-> run as root/);
});
