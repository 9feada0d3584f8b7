import { setImmediate as turn } from "node:timers/promises";
import { test } from "tap";
import { EndpointSearch, locate } from "../../../../src/daemon/tunnel/endpoint-search.js";
import type { WgPeer } from "../../../../src/daemon/tunnel/wg-file.js";
import type { PeerReport, PeerState } from "../../../../src/datapath/tunnel-report.js";
import { LogTwin } from "../../../support/running-daemon.js";

const NAMED = { host: "far.example", port: 51820 };

/** One peer, a resolver that says `named`, and what WireGuard is told. */
class Bench {
  readonly log = new LogTwin();
  readonly told: string[] = [];
  asked = 0;
  named: string | null | Promise<string | null> = "192.0.2.1:51820";
  /** Where WireGuard has it. */
  at: string | null = "192.0.2.1:51820";
  readonly search: EndpointSearch;

  constructor(endpoint: WgPeer["endpoint"] = NAMED) {
    const peer: WgPeer = { name: "far", publicKey: "key", allowedIps: [], endpoint };
    this.search = new EndpointSearch([peer], {
      log: this.log,
      locate: () => {
        this.asked++;
        return Promise.resolve(this.named);
      },
      set: (_, to) => {
        this.told.push((this.at = to));
        return Promise.resolve();
      },
    });
  }

  async look(seconds: number, state: PeerState): Promise<void> {
    this.search.look([{ state, endpoint: this.at } as PeerReport], seconds * 1e3);
    await turn();
  }
}

void test("a peer that no longer answers is looked for by its name, again every 30 s", async (t) => {
  const bench = new Bench();
  await bench.look(0, "up");
  await bench.look(5, "connecting");
  t.equal(bench.asked, 0, "not while it may answer yet");
  await bench.look(20, "unreachable");
  t.equal(bench.asked, 1, "at once");
  t.same(bench.told, [], "it has the address that it had");
  bench.named = "192.0.2.2:51820";
  await bench.look(49, "unreachable");
  t.equal(bench.asked, 1);
  await bench.look(50, "unreachable");
  t.same(bench.told, ["192.0.2.2:51820"]);
  t.match(bench.log.lines, [
    { level: "info", message: /looked for at another address/, fields: { peer: "far", endpoint: "192.0.2.2:51820" } },
  ]);
  await bench.look(55, "up");
  await bench.look(60, "unreachable");
  t.equal(bench.asked, 3, "an outage of its own begins at once");
});

void test("one that had moved by itself is tried where the file says and where it last answered, by turns", async (t) => {
  const bench = new Bench();
  bench.at = "198.51.100.7:4000";
  await bench.look(0, "up");
  for (const seconds of [20, 50, 80, 110]) await bench.look(seconds, "unreachable");
  const [file, own] = ["192.0.2.1:51820", "198.51.100.7:4000"];
  t.same(bench.told, [file, own, file, own]);
});

void test("a name that had no address at the start", async (t) => {
  const bench = new Bench();
  bench.at = bench.named = null;
  for (const seconds of [0, 1, 30, 60]) await bench.look(seconds, "idle");
  t.equal(bench.asked, 3);
  t.match(bench.log.lines, [{ level: "warn", message: /cannot be resolved; it is tried again/ }]);
  t.equal(bench.log.lines.length, 1, "told once");
  bench.named = "192.0.2.1:51820";
  await bench.look(90, "idle");
  t.same(bench.told, ["192.0.2.1:51820"]);
});

void test("one search at a time, and none for who calls by himself", async (t) => {
  const slow = new Bench();
  let answer: (found: string) => void = () => undefined;
  slow.named = new Promise((resolve) => (answer = resolve));
  await slow.look(0, "unreachable");
  await slow.look(100, "unreachable");
  t.equal(slow.asked, 1, "the first has not ended");
  slow.search.stop();
  answer("192.0.2.9:51820");
  await turn();
  t.same(slow.told, [], "an answer after the end is not used");

  const box = new Bench(null);
  box.at = null;
  await box.look(0, "idle");
  await box.look(60, "unreachable");
  t.equal(box.asked, 0);
});

void test("addresses, names and what is neither", async (t) => {
  t.equal(await locate({ host: "192.0.2.1", port: 1 }), "192.0.2.1:1");
  t.equal(await locate({ host: "2001:db8::1", port: 2 }), "[2001:db8::1]:2");
  t.match(await locate({ host: "localhost", port: 3 }), /^(127\.0\.0\.1|\[::1\]):3$/);
  // Longer than any name may be (RFC 1035, 2.3.4), so that nobody is asked.
  t.equal(await locate({ host: "x".repeat(300), port: 4 }), null);
});
