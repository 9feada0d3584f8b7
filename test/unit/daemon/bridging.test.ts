import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { HushboxError } from "../../../src/errors/hushbox-error.js";
import { ask, bearer, BridgesTwin, CONFIG, startBench } from "../../support/running-daemon.js";
import { until } from "../../support/talking.js";
import { BRIDGE } from "../../support/take-over-twin.js";
import type { Status } from "../../../src/api/status.js";

const CLOSED = `${CONFIG}onFailure: closed\n`;

const takeOver = async (bench: Parameters<typeof ask>[0]): Promise<Status["takeOver"]> =>
  ((await ask(bench, "/api/v1/status")).json as Status).takeOver;

test("closed loads the guard before packets flow and leaves it there", async (t) => {
  const bridges = new BridgesTwin();
  bridges.bridge = BRIDGE;
  bridges.filtering = ["iptables", "arptables"];
  const bench = await startBench(t, { config: CLOSED, modules: { bridges: () => bridges } });
  t.match(
    bench.log.lines.find(({ level }) => level === "warn")?.message,
    /iptables, arptables .*sysctl -w net\.bridge\.bridge-nf-call-iptables=0 net/,
  );
  t.same(bridges.table, { outside: "out0", devices: [0xaabbccddeeff, 0xaabbccddeefe] });
  t.same(await takeOver(bench), {
    ...{ onFailure: "closed", bridge: "br0", armed: false, isolated: false, since: null, lapses: 0, guarded: true },
  });
  bench.twin.set("take_over_armed", 1);
  bench.twin.set("take_over_since_us", Number(process.hrtime.bigint() / 1000n) - 60e6);
  const { armed, since } = await takeOver(bench);
  t.ok(armed);
  t.ok(Math.abs(Date.now() - 60_000 - Date.parse(since ?? "")) < 30_000, since ?? "");
  await bench.daemon.stop();
  t.not(bridges.table, null);
  t.equal(bench.twin.released, false, "what is held does not leave early");
  t.same(JSON.parse(readFileSync(join(bench.state, "guard.json"), "utf8")), bridges.table, "noted for the next boot");
});

test("open removes a guard, and lets what is held go on", async (t) => {
  const bridges = new BridgesTwin();
  bridges.table = { outside: "out0", devices: [1] };
  const bench = await startBench(t, { modules: { bridges: () => bridges } });
  t.equal(bridges.table, null);
  await bench.daemon.stop();
  t.equal(bench.twin.released, true);
});

test("a change while it runs changes the guard with it", async (t) => {
  const bench = await startBench(t);
  const { bridges } = bench;
  const path = join(bench.state, "guard.json");
  const before = readFileSync(bench.path, "utf8");
  writeFileSync(bench.path, `${before}onFailure: closed\n`);
  await bench.daemon.reload();
  t.same(bridges.table?.devices, [0xaabbccddeeff, 0xaabbccddeefe]);
  t.ok(existsSync(path));
  const [hall = ""] = /^.*name: hall.*\n/m.exec(before) ?? [];
  writeFileSync(bench.path, `${before.replace(hall, "")}onFailure: closed\n`);
  await bench.daemon.reload();
  t.same(bridges.table?.devices, [0xaabbccddeeff]);
  bridges.fails = new HushboxError("take-over", "loading the guard: no");
  writeFileSync(bench.path, `${before}onFailure: closed\n`);
  await bench.daemon.reload();
  t.same(bridges.table?.devices, [0xaabbccddeeff]);
  t.equal(bench.daemon.config.devices.length, 1, "what cannot be guarded is not in force");
  bridges.fails = undefined;
  writeFileSync(bench.path, before);
  await bench.daemon.reload();
  t.equal(bridges.table, null);
  t.notOk(existsSync(path));
});

test("a guard follows the packets' side where that does not follow", async (t) => {
  const bench = await startBench(t, { config: CLOSED });
  bench.twin.onApply = () => Promise.reject(new Error("no"));
  const answer = await ask(bench, "/api/v1/config", {
    method: "PUT",
    headers: { ...bearer(bench), "If-Match": bench.daemon.etag },
    body: { ...bench.daemon.config, devices: [{ name: "attic", mac: "02:00:00:00:00:09" }] },
  });
  t.equal(answer.status, 503, answer.text);
  t.same(bench.bridges.table?.devices, [0xaabbccddeeff, 0xaabbccddeefe]);
});

test("a guard that cannot be loaded stops the start only where there is a bridge", async (t) => {
  const bridges = new BridgesTwin();
  bridges.fails = new HushboxError("take-over", "loading the guard: this kernel has no nftables for bridges");
  const bench = await startBench(t, { config: CLOSED, modules: { bridges: () => bridges } });
  t.equal(bench.log.lines.filter(({ message }) => message.includes("the guard of onFailure")).length, 1);
  t.equal((await takeOver(bench)).guarded, false);
  bridges.bridge = BRIDGE;
  await t.rejects(startBench(t, { config: CLOSED, modules: { bridges: () => bridges } }), { code: "take-over" });
});

test("a bridge that comes, changes and goes is told to the packets' side", async (t) => {
  const bench = await startBench(t);
  const { bridges, twin, log } = bench;
  bridges.set(BRIDGE);
  t.ok(await until(() => twin.bridges.length === 1));
  bridges.set({ ...BRIDGE });
  bridges.set({ ...BRIDGE, inside: [5] });
  t.ok(await until(() => twin.bridges.length === 2));
  bridges.set(null);
  t.ok(await until(() => twin.bridges.length === 3));
  t.same(twin.bridges, [BRIDGE, { ...BRIDGE, inside: [5] }, null]);
  t.equal(log.lines.filter(({ message }) => message.includes("is taken over")).length, 1, "told once");
  t.match(log.lines.at(-1), { level: "warn", message: /bridges the two cards no more/ });
});

test("a bridge that cannot be read is read again", async (t) => {
  const bench = await startBench(t);
  const { bridges, twin, log } = bench;
  const warnings = (): unknown[] => log.lines.filter(({ message }) => message.includes("could not be looked at"));
  bridges.unreadable = new HushboxError("host", "reading bridge br0: it is gone");
  bridges.set(BRIDGE);
  t.ok(await until(() => warnings().length === 1));
  // Nothing more is announced.
  bridges.unreadable = undefined;
  t.ok(await until(() => twin.bridges.length === 1));
  t.same(twin.bridges, [BRIDGE]);
  t.equal(warnings().length, 1, "told once");
});

test("who removes the guard finds it again", async (t) => {
  const bench = await startBench(t, { config: CLOSED });
  bench.bridges.table = null;
  t.ok(await until(() => bench.bridges.table !== null));
  t.match(bench.log.lines.at(-1), { level: "warn", message: /somebody removed or changed the guard/ });
});

test("isolate guards between stations too, and says once where the bridge sends nothing back", async (t) => {
  const bridges = new BridgesTwin();
  bridges.bridge = BRIDGE;
  const bench = await startBench(t, { config: `${CLOSED}isolate: true\n`, modules: { bridges: () => bridges } });
  t.same(bridges.table, { inside: "in0", outside: "out0", devices: [0xaabbccddeeff, 0xaabbccddeefe] });
  const told = (): number => bench.log.lines.filter(({ message }) => message.includes("hairpin on")).length;
  t.equal(told(), 1);
  bridges.set({ ...BRIDGE, elsewhere: [5] });
  t.ok(await until(() => bench.twin.bridges.length === 1));
  t.equal(told(), 1);
  bridges.set({ ...BRIDGE, hairpin: true });
  t.ok(await until(() => bench.twin.bridges.length === 2));
  bridges.set(BRIDGE);
  t.ok(await until(() => bench.twin.bridges.length === 3));
  t.equal(told(), 2);
  const off = { ...bench.daemon.config, isolate: false };
  const headers = { ...bearer(bench), "If-Match": bench.daemon.etag };
  t.equal((await ask(bench, "/api/v1/config", { method: "PUT", headers, body: off })).status, 200);
  t.same(bridges.table, { outside: "out0", devices: [0xaabbccddeeff, 0xaabbccddeefe] });
  t.equal(bench.twin.applied.at(-1)?.isolate, false);
});
