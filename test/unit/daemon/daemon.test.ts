import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test, type Test } from "tap";
import { ConfigFile } from "../../../src/config/config-file.js";
import { Counters } from "../../../src/datapath/counters.js";
import { BudgetFile } from "../../../src/daemon/budget-file.js";
import { CardWatch } from "../../../src/daemon/card-watch.js";
import { Daemon } from "../../../src/daemon/daemon.js";
import { checkHost } from "../../../src/daemon/check/host-check.js";
import { Shared, within } from "../../../src/daemon/deadline.js";
import { Watchdog } from "../../../src/daemon/systemd.js";
import { compile } from "../../../src/config/settings.js";
import { HushboxError } from "../../../src/errors/hushbox-error.js";
import { DatapathTwin } from "../../support/datapath-twin.js";
import {
  ask,
  bearer,
  BridgesTwin,
  CONFIG,
  layOut,
  LogTwin,
  OffloadsTwin,
  startBench,
} from "../../support/running-daemon.js";

test("it starts, tells systemd, and stops in reverse, once", async (t) => {
  const bench = await startBench(t);
  const { daemon, notes, offloads, log } = bench;
  t.same(offloads.calls, ["recover", "off in0", "off out0"]);
  t.match(notes, [/^READY=1\nSTATUS=preset paper, 2 devices, API at http:\/\/127\.0\.0\.1:\d+$/]);
  t.ok(daemon.ready && daemon.turning);
  const { url } = daemon;
  await Promise.all([daemon.stop(), daemon.stop()]);
  t.equal(bench.twin.stops, 1);
  t.same(offloads.calls.slice(3), ["put back"]);
  t.equal(notes.at(-1), "STOPPING=1");
  t.equal(daemon.url, null);
  t.notOk(daemon.ready);
  await t.rejects(ask({ daemon: { url } }, "/healthz"), { code: "ECONNREFUSED" });
  t.notMatch(JSON.stringify(log.lines), bench.token, "the token is nowhere in the log");
});

/** A daemon that has not started, with what it would start with. */
function unstarted(t: Test, modules: Partial<ConstructorParameters<typeof Daemon>[1]>, config = CONFIG) {
  const { path, state } = layOut(t, config);
  const offloads = new OffloadsTwin();
  const notes: string[] = [];
  const daemon = new Daemon(ConfigFile.read(path), {
    version: "1.2.3",
    log: new LogTwin(),
    environment: {},
    notify: (text) => notes.push(text) > 0,
    startDatapath: (_cards, options) => Promise.resolve(new DatapathTwin(options)),
    bridges: () => new BridgesTwin(),
    offloads: () => offloads,
    makeTunnel: () => {
      throw new Error("no tunnel was asked for");
    },
    ...modules,
  });
  t.teardown(() => daemon.stop());
  return { daemon, offloads, notes, state };
}

test("what was begun is undone where the packets' side does not start", async (t) => {
  const missing = new HushboxError("interface-missing", "there is no interface in0; this machine has: lo");
  const { daemon, offloads, notes } = unstarted(t, { startDatapath: () => Promise.reject(missing) });
  await t.rejects(daemon.start(), missing);
  t.equal(daemon.url, null, "the API is closed again");
  t.same(offloads.calls, ["recover", "off in0", "off out0", "put back"]);
  t.notMatch(notes, [/READY/]);
});

test("a port that is in use stops it before it touches a card", async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const busy = unstarted(t, {}, `${CONFIG}api: {listen: "127.0.0.1:${String(port)}"}\n`);
  await t.rejects(busy.daemon.start(), {
    code: "api",
    message: /in use, perhaps by another hushbox; stop that, or set api\.listen/,
  });
  t.same(busy.offloads.calls, []);
});

test("a second daemon stays out of a state directory that is in use", async (t) => {
  const first = await startBench(t);
  const second = unstarted(t, {}, `${CONFIG}state: ${first.state}\n`);
  await t.rejects(second.daemon.start(), {
    code: "already-running",
    message: new RegExp(`process ${String(process.pid)}\\) uses the state directory`),
  });
  t.same(second.offloads.calls, []);
  t.equal((await ask(first, "/readyz")).status, 200);
  await first.daemon.stop();
  t.notOk(readdirSync(first.state).includes("lock"));
  // As kill -9 leaves it: a process of that number lives, but it is another.
  writeFileSync(join(first.state, "lock"), `${String(process.ppid)} 1@long-ago\n`);
  const third = unstarted(t, {}, `${CONFIG}state: ${first.state}\n`);
  await third.daemon.start();
  t.ok(third.daemon.ready);
});

test("an address that is not there is a clear error", async (t) => {
  const away = unstarted(t, {}, `${CONFIG}api: {listen: "192.0.2.1:8377"}\n`);
  await t.rejects(away.daemon.start(), { code: "api", message: /this machine has no such address/ });
});

test("stopping while it starts leaves nothing running", async (t) => {
  let twin: DatapathTwin | undefined;
  let proceed = (): void => undefined;
  const { daemon } = unstarted(t, {
    startDatapath: (_cards, options) =>
      new Promise((resolve) => {
        proceed = () => {
          twin = new DatapathTwin(options);
          resolve(twin);
        };
      }),
  });
  const starting = daemon.start();
  while (daemon.url === null) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await daemon.stop();
  proceed();
  await t.rejects(starting, /stopped while starting/);
  t.equal(twin?.stops, 1);
});

test("offloads that cannot be turned off stop the start; keep leaves them", async (t) => {
  const offloads = new OffloadsTwin();
  offloads.fails = new HushboxError(
    "permission",
    "turning off the offloads of interface in0: this needs CAP_NET_ADMIN (or root)",
  );
  const refused = unstarted(t, { offloads: () => offloads });
  await t.rejects(refused.daemon.start(), { code: "permission", message: /CAP_NET_ADMIN/ });
  const kept = await startBench(t, { config: `${CONFIG}nic: {offloads: keep}\n` });
  t.same(kept.offloads.calls, ["recover"]);
});

test("a packets' side that ends by itself ends the daemon", async (t) => {
  const bench = await startBench(t);
  bench.twin.fail(new Error("the thread died"));
  t.match(await bench.daemon.ended, { message: "the thread died" });
  t.notOk(bench.daemon.ready);
  t.match(bench.log.lines.at(-1), { level: "error", message: "the packets' side ended by itself" });
  t.equal((await ask(bench, "/readyz")).status, 503);
});

test("a changed file takes effect on reload; a bad one changes nothing", async (t) => {
  const bench = await startBench(t);
  const before = readFileSync(bench.path, "utf8");
  writeFileSync(bench.path, before.replace("preset: paper", "preset: off"));
  await bench.daemon.reload();
  t.equal(bench.daemon.config.preset, "off");
  t.equal(bench.twin.applied.length, 1);
  t.match(bench.notes.slice(-3), [/^RELOADING=1\nMONOTONIC_USEC=\d+$/, /^STATUS=/, /^READY=1\nSTATUS=preset off/]);
  t.ok(bench.daemon.saved);

  for (const [what, text, told] of [
    [
      "broken",
      before.replace("preset: paper", "preset: papr"),
      /hushbox\.yaml:4:9 \/preset expected one of off, paper/,
    ],
    ["no YAML", "inside: [\n", /hushbox\.yaml:2:1/],
    ["for a restart", before.replace("inside: in0", "inside: in1"), /\/inside is fixed while hushbox runs/],
  ] as const) {
    writeFileSync(bench.path, text);
    await bench.daemon.reload();
    t.match(bench.log.lines.at(-1), { level: "error", message: told }, what);
    t.equal(bench.daemon.config.preset, "off", `${what}: nothing changed`);
    t.match(bench.notes.at(-1), /^READY=1/, "and systemd does not wait for ever");
  }
  t.equal(bench.twin.applied.length, 1);
  const patch = await ask(bench, "/api/v1/defenses/pad?persist=true", {
    method: "PATCH",
    headers: bearer(bench),
    body: { target: "max" },
  });
  t.match(patch.json, { type: "/problems/file-changed" }, "a refused edit is not written over");
  t.match(readFileSync(bench.path, "utf8"), "inside: in1");
});

test("changes are made one after the other", async (t) => {
  const bench = await startBench(t, { config: `${CONFIG}api: {listen: "127.0.0.1:0", rateLimit: 1000/s}\n` });
  let running = 0;
  let most = 0;
  bench.twin.onApply = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
  };
  const headers = bearer(bench);
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      ask(bench, `/api/v1/defenses/${i % 2 === 0 ? "jitter" : "decoy"}`, {
        method: "PATCH",
        headers,
        body: { variance: i + 10 },
      }),
    ),
  );
  t.ok(replies.every(({ status }) => status === 200));
  t.equal(most, 1);
  t.match(bench.daemon.config.defenses, { jitter: {}, decoy: {} }, "none was lost");
  t.same(
    bench.twin.applied.at(-1)?.devices[0]?.defenses.jitter.variance,
    bench.daemon.config.defenses?.jitter?.variance,
  );
});

test("the month's budget survives a restart, and a damaged file does not stop one", async (t) => {
  const bench = await startBench(t);
  t.same(bench.saved, { budget: null, verdicts: [] });
  bench.twin.state = { month: "2026-11", bytes: { "aa:bb:cc:dd:ee:ff": 12345 } };
  await bench.daemon.stop();
  const path = join(bench.state, "budget.json");
  t.same(JSON.parse(readFileSync(path, "utf8")), bench.twin.state);
  const log = new LogTwin();
  t.same(new BudgetFile(path, log).load(), bench.twin.state);
  for (const damaged of [
    "",
    "{",
    "[]",
    '{"month":"11-2026","bytes":{}}',
    '{"month":"2026-11","bytes":{"x":-1}}',
    "null",
  ]) {
    writeFileSync(path, damaged);
    t.equal(new BudgetFile(path, log).load(), null);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  t.equal(log.lines.filter(({ level }) => level === "warn").length, 6);
  const aside = readdirSync(bench.state).filter((name) => name.startsWith("budget.json.damaged-"));
  t.equal(aside.length, 6, "damaged files are kept for a person to look at");
  mkdirSync(path);
  new BudgetFile(path, log).save(bench.twin.state);
  t.match(log.lines.at(-1), { level: "error", message: "the month's budget could not be saved" });
  t.throws(() => new BudgetFile(path, log).load(), { code: "state-unreadable" });
});

test("the watchdog is fed only while the datapath turns", async (t) => {
  const notes: string[] = [];
  let alive = true;
  const watchdog = new Watchdog(
    { WATCHDOG_USEC: "60000", WATCHDOG_PID: String(process.pid) },
    () => alive,
    (text) => notes.push(text) > 0,
  );
  watchdog.start();
  // By a timer of the same process: a slow machine holds both up.
  for (let tick = 0; tick < 3; tick++) await new Promise((resolve) => setTimeout(resolve, 30));
  alive = false;
  const fed = notes.length;
  t.ok(fed >= 3 && notes.every((note) => note === "WATCHDOG=1"), "three times within the time allowed");
  await new Promise((resolve) => setTimeout(resolve, 60));
  t.equal(notes.length, fed);
  watchdog.stop();
  const other = new Watchdog(
    { WATCHDOG_USEC: "1000", WATCHDOG_PID: "1" },
    () => true,
    (text) => notes.push(text) > 0,
  );
  other.start();
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(notes.length, fed, "another process' watchdog is not ours");
  other.stop();
});

test("cards that go, come back or misbehave are told, and not over and over", (t) => {
  const log = new LogTwin();
  const back: string[] = [];
  const counters = new Counters();
  const set = (name: string, value: number): void => {
    counters.values[Counters.index(name)] = value;
  };
  const watch = new CardWatch({ inside: "in0", outside: "out0" }, log, (name) => back.push(name));
  set("inside.up", 1);
  set("outside.up", 1);
  watch.look(counters, 0);
  t.same(log.lines, []);
  set("inside.up", 0);
  watch.look(counters, 1000);
  watch.look(counters, 2000);
  t.match(log.lines, [{ level: "warn", message: /went down/, fields: { interface: "in0" } }]);
  t.equal(log.lines.length, 1);
  set("inside.up", 1);
  watch.look(counters, 3000);
  t.same(back, ["in0"], "its offloads are looked at again");
  set("outside.oversize", 5);
  for (let now = 4000; now < 600_000; now += 1000) {
    set("outside.oversize", 5 + now);
    watch.look(counters, now);
  }
  const told = () => log.lines.filter(({ message }) => message.includes("above the MTU"));
  t.match(told(), [{ fields: { interface: "out0", frames: 4005 } }]);
  t.equal(told().length, 1);
  watch.look(counters, 700_000);
  t.equal(told().length, 2);
  t.end();
});

test("answers are awaited for so long, and asked for once at a time", async (t) => {
  t.equal(await within(20, new Promise(() => undefined)), null);
  t.equal(await within(20, Promise.reject(new Error("no"))), null);
  t.equal(await within(1000, Promise.resolve(5)), 5);
  let asked = 0;
  let answer: (value: number) => void = () => undefined;
  const shared = new Shared(() => {
    asked++;
    return new Promise<number>((resolve) => {
      answer = resolve;
    });
  });
  const both = Promise.all([shared.get(), shared.get()]);
  answer(7);
  t.same(await both, [7, 7]);
  t.equal(asked, 1);
  void shared.get();
  t.equal(asked, 2, "an answer is not kept");
});

test("a look at the host finds what would go wrong", async (t) => {
  const root = t.testdir({
    proc: {
      self: {
        status: "Name:\tnode\nCapEff:\t0000000000002000\n",
        limits: "Max realtime priority     4                    4                    \n",
      },
      sys: { net: { bridge: { "bridge-nf-call-iptables": "1\n" } } },
    },
    sys: {},
    state: {},
  });
  const file = join(root, "hushbox.yaml");
  writeFileSync(
    file,
    `${CONFIG.replace("in0", "hx-none0").replace("out0", "lo")}state: ${root}/state/deep\napi: {listen: "192.0.2.1:80"}\nnic: {card: libpcap, priority: 5}\n`,
  );
  const findings = await checkHost(
    compile(ConfigFile.read(file).config),
    { proc: join(root, "proc"), sys: join(root, "sys") },
    0,
  );
  const found = (what: string) => findings.find((finding) => finding.what === what);
  t.match(found("permissions"), {
    status: "fail",
    message: "lacks CAP_NET_ADMIN, CAP_NET_BIND_SERVICE",
    advice: /sudo/,
  });
  t.match(found("priority"), { status: "fail", message: "nic.priority 5 is not allowed here", advice: /LimitRTPRIO/ });
  t.match(found("br_netfilter"), { status: "warn", advice: /sysctl/ });
  t.match(found("state"), { status: "ok", message: /will be made/ });
  t.match(found("clock"), { status: "warn", message: /1970/ });
  t.match(found("api"), { status: "fail", message: /192\.0\.2\.1 port 80/ });
  if (found("addon")?.status === "ok") {
    t.match(found("interface hx-none0"), { status: "fail", message: "is not there", advice: /this machine has/ });
    t.match(found("interface lo"), { status: "fail", message: /does not carry Ethernet frames/ });
  } else t.comment("the addon is not compiled: interfaces were not looked at");
});
