import { test } from "tap";
import { TunnelTroubles, type TunnelFacts } from "../../../../src/daemon/tunnel/troubles.js";
import { LogTwin } from "../../../support/running-daemon.js";

const WELL: TunnelFacts = {
  unreachable: [],
  contested: [],
  strangers: [],
  behind: 0,
  paired: true,
  slots: 0,
  carriers: 0,
  received: 0,
  otherVersion: 0,
  full: 0,
  spent: false,
};

class Bench {
  readonly log = new LogTwin();
  readonly troubles = new TunnelTroubles(this.log);
  #now = 0;
  #facts = WELL;

  /** After `seconds` more it is so; answers what is wrong. */
  after(seconds: number, changes: Partial<TunnelFacts> = {}): string[] {
    this.#now += seconds * 1e3;
    this.#facts = { ...this.#facts, ...changes };
    this.troubles.look(this.#facts, this.#now);
    return this.troubles.reports(this.#now).map(({ problem, peers }) => [problem, ...peers].join(" "));
  }

  get said(): string[] {
    return this.log.lines.map(({ level, message }) => `${level}: ${message}`);
  }
}

void test("a far end without hushbox is told after three heartbeats, and when it answers that is over", (t) => {
  const bench = new Bench();
  t.same(bench.after(0), []);
  t.same(bench.after(10, { slots: 1 }), []);
  t.same(bench.after(20, { slots: 2, received: 32 }), []);
  t.same(bench.after(10, { slots: 4 }), ["silent"]);
  t.same(bench.after(1, { slots: 5, carriers: 1 }), []);
  t.match(bench.said, [/^error: WireGuard's peer answers, but no hushbox/, /^info: a problem of the tunnel is over/]);
  t.same(bench.after(3600), [], "nothing was asked");
  t.end();
});

void test("an unreachable peer is not a silent one", (t) => {
  const bench = new Bench();
  bench.after(0);
  t.same(bench.after(60, { slots: 9, unreachable: ["far"], paired: false }), ["unreachable far"]);
  t.same(bench.after(1, { slots: 12, unreachable: [], paired: true }), []);
  bench.after(1, { carriers: 9, received: 9000 });
  bench.after(5, { slots: 13, received: 9100 });
  t.same(bench.after(14, { slots: 16 }), [], "WireGuard hears nothing either: what it told last was old");
  t.same(bench.said, [], "whoever found it has said so");
  t.end();
});

void test("to a stock peer nobody answers in carriers", (t) => {
  const bench = new Bench();
  bench.after(0, { paired: false });
  t.same(bench.after(100, { slots: 1000 }), []);
  t.end();
});

void test("another version is told while its carriers come, with whose they are", (t) => {
  const bench = new Bench();
  bench.after(0);
  t.same(bench.after(10, { slots: 1, otherVersion: 1, strangers: ["kitchen"] }), ["other-version kitchen"]);
  t.same(bench.after(50, { slots: 5 }), ["other-version kitchen"], "and not that nobody answers");
  t.same(bench.after(20, { carriers: 1 }), []);
  t.match(bench.said, [/^error: .*another version of carriers/, /^info: /]);
  t.end();
});

void test("a spent month, a full queue, one key for two, a clock that is behind", (t) => {
  const bench = new Bench();
  bench.after(0, { carriers: 1 });
  t.same(bench.after(1, { spent: true, carriers: 2 }), ["budget-spent"]);
  t.same(bench.after(1, { spent: false, full: 3, carriers: 3 }), ["full"]);
  t.same(bench.after(30, { carriers: 4 }), ["full"]);
  t.same(bench.after(31, { carriers: 5, contested: ["hall"], behind: 60 }), ["shared-key hall", "clock-behind"]);
  t.match(
    bench.said.filter((line) => line.startsWith("error")),
    [/month's budget is spent/, /queue is full/, /one key/],
  );
  t.end();
});
