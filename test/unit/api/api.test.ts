import { connect } from "node:net";
import { Ajv } from "ajv";
import { test, type Test } from "tap";
import { EventStream } from "../../../src/api/event-stream.js";
import { PROBLEMS } from "../../../src/api/problem.js";
import { buildApp } from "../../../src/api/server.js";
import { StatusSchema } from "../../../src/api/status.js";
import { Token } from "../../../src/api/token.js";
import { Metrics } from "../../../src/metrics/metrics.js";
import {
  ask,
  bearer,
  CONFIG,
  LogTwin,
  startBench,
  type Ask,
  type Bench,
  type Reply,
} from "../../support/running-daemon.js";

/** Every kind of problem that some test has met. */
const met = new Set<string>();

interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: { path: string; message: string }[];
}

/** The problem that an answer is; checks its form. */
function problem(t: Test, reply: Reply, word: string): Problem {
  const body = reply.json as Problem;
  t.equal(reply.headers["content-type"], "application/problem+json", `${word}: its media type`);
  t.equal(body.type, `/problems/${word}`);
  t.equal(body.status, reply.status);
  t.equal(body.title, PROBLEMS[word as keyof typeof PROBLEMS][1]);
  t.ok(body.detail.length > 0);
  met.add(word);
  return body;
}

const STATUS = "/api/v1/status";
const JITTER = "/api/v1/defenses/jitter";

test("status says what the box does", async (t) => {
  const bench = await startBench(t);
  bench.twin.set("up.bytes_out", 1000);
  bench.twin.set("up.padding_bytes", 500);
  bench.twin.set("up.delay.9", 100);
  bench.twin.set("inside.up", 1);
  const reply = await ask(bench, STATUS);
  t.equal(reply.status, 200);
  t.ok(new Ajv({ strict: false }).compile(StatusSchema)(reply.json), "as its schema says");
  t.match(reply.json, {
    version: "1.2.3",
    ready: true,
    turning: true,
    preset: "paper",
    devices: 2,
    configuration: { file: bench.path, saved: true },
    up: { overhead: { bytes: 0.5 }, addedDelayMilliseconds: { p50: 7.5 }, counts: { bytesOut: 1000 } },
    cards: { inside: { interface: "in0", up: true }, outside: { interface: "out0", up: false } },
  });
});

test("every error is a problem", async (t) => {
  const bench = await startBench(t);
  const token = bearer(bench);
  const table: readonly (readonly [word: string, path: string, asked: Ask])[] = [
    ["not-found", "/nothing", {}],
    ["not-found", "/api/v1/defenses/tunnel", { method: "PATCH", headers: token, body: {} }],
    ["not-found", "/problems/nothing", {}],
    ["not-found", "/docs/static/nothing.js", {}],
    ["not-found", "/docs/static/..%2f..%2findex.js", {}],
    ["method-not-allowed", STATUS, { method: "DELETE", headers: token }],
    ["method-not-allowed", "/problems/internal", { method: "POST", headers: token }],
    ["unauthorized", JITTER, { method: "PATCH", body: { variance: 3 } }],
    ["unauthorized", JITTER, { method: "PATCH", body: { variance: 3 }, headers: { Authorization: "Bearer wrong" } }],
    [
      "unauthorized",
      JITTER,
      { method: "PATCH", body: { variance: 3 }, headers: { Authorization: `Basic ${bench.token}` } },
    ],
    ["unauthorized", "/api/v1/config", { method: "PUT", raw: "not even looked at" }],
    [
      "malformed-json",
      JITTER,
      { method: "PATCH", headers: { ...token, "Content-Type": "application/json" }, raw: "{" },
    ],
    ["malformed-json", JITTER, { method: "PATCH", headers: { ...token, "Content-Type": "application/json" }, raw: "" }],
    [
      "malformed-json",
      JITTER,
      {
        method: "PATCH",
        headers: { ...token, "Content-Type": "application/json" },
        raw: '{"__proto__": {"variance": 9}}',
      },
    ],
    [
      "unsupported-media-type",
      JITTER,
      { method: "PATCH", headers: { ...token, "Content-Type": "text/plain" }, raw: "variance=3" },
    ],
    [
      "unsupported-media-type",
      JITTER,
      {
        method: "PATCH",
        headers: { ...token, "Content-Type": "application/x-www-form-urlencoded" },
        raw: "variance=3",
      },
    ],
    ["too-large", JITTER, { method: "PATCH", headers: token, body: { kinds: "x".repeat(70_000) } }],
    ["invalid", JITTER, { method: "PATCH", headers: token, body: { variance: -1 } }],
    ["invalid-query", `${JITTER}?persist=maybe`, { method: "PATCH", headers: token, body: {} }],
    ["invalid-query", "/api/v1/flows?limit=many", {}],
    ["unknown-device", `${JITTER}?device=cellar`, { method: "PATCH", headers: token, body: { variance: 3 } }],
    ["unknown-device", "/api/v1/preset", { method: "PUT", headers: token, body: { preset: "off", device: "cellar" } }],
    ["precondition-required", "/api/v1/config", { method: "PUT", headers: token, body: bench.daemon.config }],
    [
      "precondition-failed",
      "/api/v1/config",
      { method: "PUT", headers: { ...token, "If-Match": '"old"' }, body: bench.daemon.config },
    ],
    [
      "precondition-failed",
      JITTER,
      { method: "PATCH", headers: { ...token, "If-Match": '"old"' }, body: { variance: 3 } },
    ],
    [
      "restart-required",
      "/api/v1/config",
      { method: "PUT", headers: { ...token, "If-Match": "*" }, body: { ...bench.daemon.config, inside: "in1" } },
    ],
    ["misdirected", STATUS, { headers: { Host: "rebound.example" } }],
    ["bad-request", "/%zz", {}],
    ["uri-too-long", `/problems/${"x".repeat(101)}`, {}],
  ];
  for (const [word, path, asked] of table) problem(t, await ask(bench, path, asked), word);
  t.equal(bench.twin.applied.length, 0, "none of them changed anything");
  t.match((await ask(bench, STATUS, { method: "DELETE", headers: token })).headers, { allow: "GET, HEAD" });
  t.match((await ask(bench, JITTER, { method: "PATCH" })).headers, { "www-authenticate": 'Bearer realm="hushbox"' });
  t.match((await ask(bench, "/api/v1/config", { method: "POST", headers: token })).headers, {
    allow: "GET, HEAD, PUT",
  });
  for (const [word, [status, title]] of Object.entries(PROBLEMS)) {
    t.match(
      (await ask(bench, `/problems/${word}`)).json,
      { type: `/problems/${word}`, title, status },
      "a type can be asked for what it means",
    );
  }
});

test("what is not even HTTP is a problem too", async (t) => {
  const bench = await startBench(t);
  const say = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let heard = "";
      const socket = connect(Number(new URL(bench.daemon.url ?? "").port), "127.0.0.1", () => socket.write(text));
      socket.on("data", (part) => (heard += part.toString()));
      socket.on("close", () => {
        resolve(heard);
      });
    });
  const garbage = await say("HELO hushbox\r\n\r\n");
  t.match(garbage, /^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*\/problems\/bad-request/);
  const big = await say(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"y".repeat(20_000)}\r\n\r\n`);
  t.match(big, /^HTTP\/1\.1 431 [^]*\/problems\/headers-too-large/);
  met.add("headers-too-large");
  const nameless = await say("GET /healthz HTTP/1.0\r\n\r\n");
  t.match(nameless, /^HTTP\/1\.1 421 /, "without a Host header there is nothing to check");
});

test("an unknown key is rejected, not dropped, and nothing is coerced", async (t) => {
  const bench = await startBench(t);
  const headers = bearer(bench);
  const patch = async (body: unknown) =>
    problem(t, await ask(bench, JITTER, { method: "PATCH", headers, body }), "invalid").errors;
  t.same(await patch({ varianc: 3 }), [
    { path: "/varianc", message: 'unknown key "varianc"; did you mean "variance"?' },
  ]);
  t.same(await patch({ variance: "3" }), [{ path: "/variance", message: 'expected a number, got "3"' }]);
  t.same(await patch({ maxDelay: 20 }), [
    { path: "/maxDelay", message: "expected a duration with its unit such as 20ms, got 20" },
  ]);
  t.same(await patch({ maxDelay: "1h" }), [
    { path: "/maxDelay", message: 'expected a duration with its unit from 0 to 5s, got "1h"' },
  ]);
  t.same(await patch([]), [{ path: "", message: "expected an object (keys and values), got a list" }]);
  t.same(await patch({ enabled: "true", window: 1, x: null }), [
    { path: "/x", message: 'unknown key "x"; known here: enabled, variance, window, maxDelay' },
    { path: "/enabled", message: 'expected true or false, got "true"' },
    { path: "/window", message: "expected a duration with its unit such as 20ms, got 1" },
  ]);
  const put = await ask(bench, "/api/v1/config", {
    method: "PUT",
    headers: { ...headers, "If-Match": "*" },
    body: { ...bench.daemon.config, jiter: {} },
  });
  t.match(problem(t, put, "invalid").errors, [{ path: "/jiter", message: /^unknown key "jiter"/ }]);
  const twice = {
    ...bench.daemon.config,
    devices: [...bench.daemon.config.devices, { name: "hall", mac: "01:00:00:00:00:01" }],
  };
  const semantic = await ask(bench, "/api/v1/config", {
    method: "PUT",
    headers: { ...headers, "If-Match": "*" },
    body: twice,
  });
  t.same(
    problem(t, semantic, "invalid").errors?.map(({ path }) => path),
    ["/devices/2/name", "/devices/2/mac"],
    "the file's own rules hold here",
  );
  t.equal(bench.twin.applied.length, 0);
});

test("PATCH changes one defense while traffic flows", async (t) => {
  const bench = await startBench(t);
  const headers = bearer(bench);
  const reply = await ask(bench, JITTER, { method: "PATCH", headers, body: { variance: 4, maxDelay: "5ms" } });
  t.equal(reply.status, 200);
  t.match(reply.json, {
    changed: ["/defenses/jitter/variance", "/defenses/jitter/maxDelay"],
    milliseconds: 1.5,
    persisted: false,
    effective: {
      values: { variance: 4, maxDelay: "5ms", window: "2s" },
      from: { variance: "override", window: "preset" },
    },
  });
  t.equal(reply.headers.etag, bench.daemon.etag);
  const [kitchen, hall] = bench.twin.applied[0]?.devices ?? [];
  t.match(kitchen?.defenses.jitter, { enabled: true, variance: 4, maxDelay: 5000 }, "packets see it");
  t.match(hall?.defenses.jitter, { enabled: false, variance: 2 }, "a device with a preset of its own does not");
  t.match((await ask(bench, STATUS)).json, { configuration: { saved: false } });

  await ask(bench, `${JITTER}?device=hall`, { method: "PATCH", headers, body: { enabled: true } });
  t.match(bench.twin.applied[1]?.devices[1]?.defenses.jitter, { enabled: true, variance: 2 });
  const back = await ask(bench, JITTER, { method: "PATCH", headers, body: { variance: null, maxDelay: null } });
  t.match(
    back.json,
    { effective: { values: { variance: 2 }, from: { variance: "preset" } } },
    "null takes an override back",
  );
  t.equal(bench.daemon.config.defenses, undefined, "and leaves no empty map");
  const same = await ask(bench, JITTER, { method: "PATCH", headers, body: {} });
  t.match(same.json, { changed: [], milliseconds: 0 });
  t.equal(bench.twin.applied.length, 3, "nothing to change is not applied");
  const merge = await ask(bench, JITTER, {
    method: "PATCH",
    headers: { ...headers, "Content-Type": "application/merge-patch+json" },
    raw: '{"variance": 3}',
  });
  t.equal(merge.status, 200, "merge-patch+json is what this is (RFC 7396)");
});

test("PUT preset turns the dial and clears overrides at its place", async (t) => {
  const bench = await startBench(t, { config: `${CONFIG}defenses: {jitter: {variance: 9}}\nbudget: {share: 0.5}\n` });
  const headers = bearer(bench);
  t.match((await ask(bench, "/api/v1/preset", { method: "PUT", headers, body: { preset: "off" } })).json, {
    changed: ["/preset", "/defenses/jitter/variance"],
  });
  t.match(bench.daemon.config, { preset: "off", budget: { share: 0.5 } });
  t.equal(bench.daemon.config.defenses, undefined);
  await ask(bench, "/api/v1/preset", { method: "PUT", headers, body: { preset: "paper", device: "hall" } });
  const [kitchen, hall] = bench.twin.applied.at(-1)?.devices ?? [];
  t.equal(kitchen?.defenses.pad.enabled, false);
  t.equal(hall?.defenses.pad.enabled, true);
  const bad = await ask(bench, "/api/v1/preset", { method: "PUT", headers, body: { preset: "papr" } });
  t.match(problem(t, bad, "invalid").errors, [
    {
      path: "/preset",
      message: 'expected one of off, paper, standalone, tunnel, paired, got "papr"; did you mean "paper"?',
    },
  ]);
});

test("GET defenses: values in the file's form, and whence", async (t) => {
  const bench = await startBench(t, {
    config: `${CONFIG.replace('ee:ff"}', 'ee:ff", defenses: {decoy: {hops: 5}}}')}defenses: {jitter: {variance: 9}}\n`,
  });
  const { json } = await ask(bench, "/api/v1/defenses");
  t.match(json, {
    preset: "paper",
    defenses: {
      pad: { values: { enabled: true, target: "mtu", trailer: true } },
      jitter: {
        values: { variance: 9, window: "2s", maxDelay: "20ms" },
        from: { variance: "override", window: "preset" },
      },
      decoy: { values: { kinds: ["tcp", "udp", "icmp", "traceroute"], hops: 2, size: "100B" } },
    },
    budget: { values: { packetsPerSecond: 50, bytesPerSecond: "100kB", share: 1, perMonth: "2GB/month" } },
    devices: [
      {
        name: "kitchen",
        defenses: {
          decoy: { values: { hops: 5 }, from: { hops: "device" } },
          jitter: { from: { variance: "override" } },
        },
      },
      {
        name: "hall",
        preset: "off",
        defenses: { jitter: { values: { enabled: false, variance: 2 }, from: { variance: "preset" } } },
      },
    ],
  });
});

test("PUT config: whole, with ETag, and no change of another is lost", async (t) => {
  const bench = await startBench(t);
  const headers = bearer(bench);
  const got = await ask(bench, "/api/v1/config");
  const etag = got.headers.etag ?? "";
  t.match(etag, /^"[\w-]{22}"$/);
  t.same(got.json, bench.daemon.config);
  t.equal((await ask(bench, "/api/v1/config", { headers: { "If-None-Match": `"x", W/${etag}` } })).status, 304);
  t.equal((await ask(bench, "/api/v1/config", { headers: { "If-None-Match": `"x"` } })).status, 200);
  const wanted = { ...bench.daemon.config, log: { level: "debug" } };
  const put = await ask(bench, "/api/v1/config", {
    method: "PUT",
    headers: { ...headers, "If-Match": `"x", ${etag}` },
    body: wanted,
  });
  t.match(put.json, { changed: ["/log/level"], milliseconds: 0, persisted: false });
  t.equal(bench.log.level, "debug", "the level changes at once");
  t.not(put.headers.etag, etag);
  const late = await ask(bench, "/api/v1/config", {
    method: "PUT",
    headers: { ...headers, "If-Match": etag },
    body: bench.daemon.config,
  });
  problem(t, late, "precondition-failed");
  const weak = await ask(bench, "/api/v1/config", {
    method: "PUT",
    headers: { ...headers, "If-Match": `W/${put.headers.etag ?? ""}` },
    body: bench.daemon.config,
  });
  problem(t, weak, "precondition-failed");
});

test("what needs a restart is refused and listed; spelling out a default is no change", async (t) => {
  const bench = await startBench(t);
  const headers = { ...bearer(bench), "If-Match": "*" };
  const { config } = bench.daemon;
  const body = {
    ...config,
    outside: "out1",
    nic: { slots: 2048, spin: "0" },
    api: { ...config.api, tokenFile: "/t" },
    preset: "off",
  };
  const refused = problem(t, await ask(bench, "/api/v1/config", { method: "PUT", headers, body }), "restart-required");
  t.same(refused.errors?.map(({ path }) => path).sort(), ["/api/tokenFile", "/nic/slots", "/nic/spin", "/outside"]);
  t.equal(bench.daemon.config.preset, "paper", "the rest of it is not done either");
  const spelt = await ask(bench, "/api/v1/config", {
    method: "PUT",
    headers,
    body: { ...config, nic: { slots: 1024, card: "ring" } },
  });
  t.equal(spelt.status, 200);
  const hosts = await ask(bench, "/api/v1/config", {
    method: "PUT",
    headers,
    body: { ...config, api: { ...config.api, hosts: ["Hushbox.lan"], rateLimit: "9999/s" } },
  });
  t.equal(hosts.status, 200, "names and limits change while it runs");
  t.equal((await ask(bench, STATUS, { headers: { Host: "hushbox.lan:8377" } })).status, 200);
});

test("changes are kept in the file on request, with its comments", async (t) => {
  const { readFileSync, writeFileSync } = await import("node:fs");
  const bench = await startBench(t);
  const headers = bearer(bench);
  const before = readFileSync(bench.path, "utf8");
  const preset = await ask(bench, "/api/v1/preset?persist=true", { method: "PUT", headers, body: { preset: "off" } });
  t.match(preset.json, { persisted: true });
  t.equal(readFileSync(bench.path, "utf8"), before.replace("preset: paper # for now", "preset: off # for now"));
  t.equal(
    (await ask(bench, "/api/v1/preset?persist=false", { method: "PUT", headers, body: { preset: "paper" } })).status,
    200,
  );
  t.match(readFileSync(bench.path, "utf8"), "preset: off # for now");
  writeFileSync(bench.path, `${readFileSync(bench.path, "utf8")}# edited\n`);
  problem(
    t,
    await ask(bench, `${JITTER}?persist=true`, { method: "PATCH", headers, body: { variance: 7 } }),
    "file-changed",
  );
  t.equal(bench.daemon.config.defenses, undefined, "neither applied nor written");
  writeFileSync(bench.path, before);
});

test("a file that is gone is told", async (t) => {
  const { rmSync } = await import("node:fs");
  const bench = await startBench(t);
  rmSync(bench.path);
  problem(
    t,
    await ask(bench, `${JITTER}?persist=true`, { method: "PATCH", headers: bearer(bench), body: { variance: 7 } }),
    "file-unwritable",
  );
});

test("hosts: loopback names, own addresses and configured names, no others", async (t) => {
  const bench = await startBench(t);
  const port = new URL(bench.daemon.url ?? "").port;
  for (const host of [
    "localhost",
    `localhost:${port}`,
    "LOCALHOST",
    "127.0.0.1",
    `127.0.0.1:${port}`,
    "[::1]:80",
    "box.localhost",
  ]) {
    t.equal((await ask(bench, STATUS, { headers: { Host: host } })).status, 200, `ok ${host}`);
  }
  for (const host of [
    "example.com",
    "127.0.0.1.example.com",
    "192.0.2.1",
    "localhost.example.com",
    "hushbox.lan",
    "127.0.0.1@example.com",
    "[::2]",
  ]) {
    problem(t, await ask(bench, STATUS, { headers: { Host: host } }), "misdirected");
  }
  for (const path of ["/healthz", "/docs/json", "/nothing", "/metrics"])
    t.equal((await ask(bench, path, { headers: { Host: "example.com" } })).status, 421, `everywhere: ${path}`);
});

/** A server that is not asked over a socket, so that a test says from where. */
async function inject(t: Test, bench: Bench) {
  const log = new LogTwin();
  const events = new EventStream(() => ({}));
  const metrics = new Metrics({
    version: "",
    counters: () => null,
    devices: () => Promise.resolve([]),
    options: () => ({ devices: [], local: [], delayLocal: false, isolate: false }),
    turning: () => true,
    guarded: () => false,
    tunnel: () => null,
    lastApply: () => null,
    eventClients: () => 0,
  });
  const app = await buildApp({ door: bench.daemon, metrics, events, log }, Token.load(`${bench.state}/token`, log));
  t.teardown(() => app.close());
  return app;
}

test("reading is open to this machine, and needs the token from another", async (t) => {
  const bench = await startBench(t);
  const app = await inject(t, bench);
  const from = async (remoteAddress: string, url: string, headers = {}) =>
    (await app.inject({ url, remoteAddress, headers: { host: "localhost", ...headers } })).statusCode;
  for (const url of [STATUS, "/api/v1/config", "/api/v1/flows", "/metrics", "/docs/json", "/nothing"]) {
    t.equal(await from("192.0.2.9", url), 401, `${url} from elsewhere`);
    t.not(await from("192.0.2.9", url, bearer(bench)), 401, `${url} from elsewhere with the token`);
    t.not(await from("127.0.0.1", url), 401, `${url} from here`);
  }
  t.equal(await from("::ffff:127.0.0.1", STATUS), 200);
  t.equal(await from("::1", STATUS), 200);
  t.equal(await from("2001:db8::1", STATUS), 401);
  // All of that without a pause in which the twin's own timer could run.
  bench.twin.turn();
  t.equal(await from("192.0.2.9", "/healthz"), 200, "health is no secret");
  t.equal(await from("192.0.2.9", "/readyz"), 200);
});

test("too many requests wait", async (t) => {
  const bench = await startBench(t, { config: `${CONFIG}api: {listen: "127.0.0.1:0", rateLimit: 5/min}\n` });
  for (let i = 0; i < 5; i++)
    t.equal((await ask(bench, i % 2 === 0 ? STATUS : "/nothing")).status, i % 2 === 0 ? 200 : 404);
  const reply = await ask(bench, STATUS);
  problem(t, reply, "too-many-requests");
  t.ok(Number(reply.headers["retry-after"]) > 0);
  t.equal((await ask(bench, JITTER, { method: "PATCH" })).status, 429, "guessing tokens counts too");
});

test("flows come in pages, the liveliest first", async (t) => {
  const bench = await startBench(t);
  bench.twin.flowReports = Array.from({ length: 250 }, (_, i) => ({
    device: i % 5 === 0 ? "hall" : "kitchen",
    protocol: "tcp",
    version: 4 as const,
    deviceAddress: "192.168.77.20",
    devicePort: 40_000 + i,
    remoteAddress: "198.51.100.7",
    remotePort: 443,
    packetsUp: 1,
    packetsDown: 1,
    bytesUp: 1,
    bytesDown: 1,
    ageSeconds: 300,
    idleSeconds: 250 - i,
  }));
  const page = async (query: string) =>
    (await ask(bench, `/api/v1/flows${query}`)).json as { total: number; flows: { devicePort: number }[] };
  const first = await page("");
  t.equal(first.total, 250);
  t.equal(first.flows.length, 100);
  t.equal(first.flows[0]?.devicePort, 40_249);
  const last = await page("?limit=1000&offset=240");
  t.same(
    last.flows.map(({ devicePort }) => devicePort),
    Array.from({ length: 10 }, (_, i) => 40_009 - i),
  );
  t.equal((await page("?device=hall&limit=3")).total, 50);
  t.same((await page("?device=cellar")).flows, []);
  for (const bad of ["?limit=0", "?limit=1001", "?offset=-1", "?limit=1e3", "?x=1", "?limit=1&limit=2"])
    problem(t, await ask(bench, `/api/v1/flows${bad}`), "invalid-query");
});

test("devices say what is left of their budgets", async (t) => {
  const bench = await startBench(t);
  bench.twin.state = { month: "2026-11", bytes: { "aa:bb:cc:dd:ee:ff": 5e8 } };
  t.match((await ask(bench, "/api/v1/devices")).json, {
    devices: [
      { name: "kitchen", preset: "paper", idleSeconds: null, budget: { usedThisMonth: "500MB", left: "1500MB" } },
      { name: "hall", preset: "off", budget: { usedThisMonth: "0B", left: "2GB" } },
    ],
  });
});

test("a datapath that is stuck is told, and does not hang the API", async (t) => {
  const bench = await startBench(t);
  bench.twin.stuck = true;
  bench.twin.set("last_turn_us", Number(process.hrtime.bigint() / 1000n) - 3e6);
  problem(t, await ask(bench, "/healthz"), "not-turning");
  t.match((await ask(bench, STATUS)).json, { turning: false });
  bench.twin.onApply = () => new Promise(() => undefined);
  const patch = { method: "PATCH", headers: bearer(bench), body: { variance: 3 } };
  const [flows, devices, change, metrics] = await Promise.all([
    ask(bench, "/api/v1/flows"),
    ask(bench, "/api/v1/devices"),
    ask(bench, JITTER, patch),
    ask(bench, "/metrics"),
  ]);
  for (const reply of [flows, devices, change]) problem(t, reply, "not-ready");
  t.match(metrics.text, "hushbox_datapath_turning 0\n");
  t.equal(bench.daemon.config.defenses, undefined, "what packets did not see is not in force");
});

test("health, readiness, metrics", async (t) => {
  const bench = await startBench(t);
  t.same((await ask(bench, "/healthz")).json, { status: "turning" });
  t.same((await ask(bench, "/readyz")).json, { status: "ready" });
  const metrics = await ask(bench, "/metrics");
  t.equal(metrics.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  t.match(metrics.text, 'hushbox_defense_enabled{device="kitchen",defense="pad"} 1\n');
  t.equal((await ask(bench, STATUS, { method: "HEAD" })).text, "");
});

test("answers carry the headers that browsers need", async (t) => {
  const bench = await startBench(t);
  const { headers } = await ask(bench, STATUS);
  t.match(headers, {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "content-security-policy": /default-src 'self'/,
  });
  t.notMatch(headers["content-security-policy"], "upgrade-insecure-requests", "there is no TLS to upgrade to");
  t.notOk("strict-transport-security" in headers);
  t.notOk("access-control-allow-origin" in headers, "no other origin may read");
});

interface Operation {
  operationId?: string;
  security?: object[];
  requestBody?: {
    content: Record<string, { example?: unknown; examples?: Record<string, { value: unknown }>; schema: object }>;
  };
  responses: Record<
    string,
    {
      description: string;
      content?: Record<string, { schema: object; example?: unknown; examples?: Record<string, { value: unknown }> }>;
    }
  >;
}

test("the API describes itself, with an example for every operation", async (t) => {
  const bench = await startBench(t);
  const { json } = await ask(bench, "/docs/json");
  const description = json as { openapi: string; paths: Record<string, Record<string, Operation>> };
  t.equal(description.openapi, "3.1.0");
  t.same(Object.keys(description.paths).sort(), [
    "/api/v1/config",
    "/api/v1/defenses",
    "/api/v1/defenses/decoy",
    "/api/v1/defenses/episode",
    "/api/v1/defenses/jitter",
    "/api/v1/defenses/pace",
    "/api/v1/defenses/pad",
    "/api/v1/defenses/window",
    "/api/v1/destinations",
    "/api/v1/devices",
    "/api/v1/events",
    "/api/v1/flows",
    "/api/v1/preset",
    "/api/v1/status",
    "/healthz",
    "/metrics",
    "/problems/{word}",
    "/readyz",
  ]);
  const ajv = new Ajv({ strict: false });
  const ids = new Set<string>();
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const name = `${method} ${path}`;
      t.ok(operation.operationId !== undefined && !ids.has(operation.operationId), `${name} has an id of its own`);
      ids.add(operation.operationId ?? "");
      t.equal(
        operation.security !== undefined,
        ["put", "patch", "delete"].includes(method),
        `${name}: only what changes something says that it needs the token`,
      );
      if (method === "put" || method === "patch") {
        const [media] = Object.values(operation.requestBody?.content ?? {});
        const bodies = [media?.example, ...Object.values(media?.examples ?? {}).map(({ value }) => value)];
        const given = bodies.filter((body) => body !== undefined);
        t.ok(given.length > 0, `${name} has an example of its body`);
        const accepts = ajv.compile(media?.schema ?? false);
        for (const body of given) t.ok(accepts(body), `${name}: its example is as its schema says`);
      }
      for (const [status, { content = {} }] of Object.entries(operation.responses)) {
        if (status === "304") continue;
        const all = Object.values(content);
        t.equal(all.length, 1, `${name} ${status}`);
        for (const { schema, examples = {} } of all) {
          t.ok(Object.keys(examples).length > 0, `${name} ${status} has an example`);
          const validate = ajv.compile(schema);
          for (const { value } of Object.values(examples))
            t.ok(
              validate(value),
              `${name} ${status}: its example is as its schema says ${JSON.stringify(validate.errors)}`,
            );
        }
      }
    }
  }
});

test("what the description promises is what is answered", async (t) => {
  const bench = await startBench(t);
  const { json } = await ask(bench, "/docs/json");
  const { paths } = json as { paths: Record<string, Record<string, Operation>> };
  const ajv = new Ajv({ strict: false });
  for (const path of [
    "/api/v1/status",
    "/api/v1/config",
    "/api/v1/defenses",
    "/api/v1/destinations",
    "/api/v1/devices",
    "/api/v1/flows",
    "/healthz",
    "/readyz",
  ]) {
    const schema = paths[path]?.["get"]?.responses["200"]?.content?.["application/json"]?.schema ?? {};
    const validate = ajv.compile(schema);
    const reply = await ask(bench, path);
    t.ok(validate(reply.json), `${path} ${JSON.stringify(validate.errors)}`);
  }
});

test("the pages of /docs need nothing from outside", async (t) => {
  const bench = await startBench(t);
  const page = await ask(bench, "/docs/");
  t.equal(page.status, 200);
  const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
  t.ok(links.length > 3);
  for (const link of links) {
    t.notMatch(link, /^(https?:)?\/\//);
    t.equal((await ask(bench, new URL(link, "http://localhost/docs/").pathname)).status, 200, link);
  }
  const policy = String(page.headers["content-security-policy"]);
  t.notMatch(page.text, /<script>[^<]/, "no script stands in the page itself");
  t.notMatch(policy, /script-src[^;]*'unsafe-inline'/);
});

test("every kind of problem was met by some test", (t) => {
  // These need what a test cannot bring about honestly: a fault of our own, a client that takes ten seconds; the last is in events.test.ts.
  const others = ["internal", "request-timeout", "too-many-clients"];
  t.same(
    Object.keys(PROBLEMS).filter((word) => !met.has(word) && !others.includes(word)),
    [],
  );
  t.end();
});
