import { test } from "tap";
import type { PeerState } from "../../../../src/datapath/tunnel-report.js";
import { TunnelWatch } from "../../../../src/daemon/tunnel/watch.js";
import type { WgPeer } from "../../../../src/daemon/tunnel/wg-file.js";
import type { PeerReading } from "../../../../src/daemon/tunnel/wg-interface.js";
import { LogTwin } from "../../../support/running-daemon.js";

const PEER: WgPeer = { name: "far", publicKey: "key", allowedIps: [], endpoint: null };
const SILENT: PeerReading = { publicKey: "key", endpoint: null, handshake: 0, received: 0, sent: 0 };
const EPOCH = Date.UTC(2026, 10, 22);

class Bench {
  readonly log = new LogTwin();
  readonly watch = new TunnelWatch([PEER], this.log);
  now = 0;
  #reading = SILENT;

  /** After `seconds` more, WireGuard says this. */
  after(seconds: number, changes: Partial<PeerReading>, jump = 0): PeerState | undefined {
    this.now += seconds * 1e3;
    this.#reading = { ...this.#reading, ...changes };
    this.watch.look([this.#reading], this.now, EPOCH + this.now + jump);
    return this.watch.reports(this.now)[0]?.state;
  }

  get said(): string[] {
    return this.log.lines.map(({ level, message }) => `${level}: ${message.split(/[;:]/)[0] ?? ""}`);
  }
}

void test("a tunnel comes up, its peer vanishes, and is back", (t) => {
  const bench = new Bench();
  t.equal(bench.after(0, {}), "idle", "nothing was sent");
  t.equal(bench.after(1, { sent: 148 }), "connecting");
  t.equal(bench.after(1, { sent: 1600, received: 92, handshake: 5 }), "up");
  t.equal(bench.after(100, { sent: 3000, received: 2000 }), "up");
  t.equal(bench.after(1, { sent: 4500 }), "up", "no answer yet");
  t.equal(bench.after(19, { sent: 6000 }), "up", "within what a keep-alive takes");
  t.equal(bench.after(2, { sent: 7500 }), "unreachable");
  t.equal(bench.after(60, { sent: 9000 }), "unreachable");
  t.equal(bench.after(1, { received: 2092, handshake: 190, endpoint: "192.0.2.1:1" }), "up");
  t.equal(bench.after(1, { endpoint: "192.0.2.9:1", received: 2100 }), "up");
  t.same(bench.said, [
    "info: the tunnel is up",
    "error: the tunnel's peer no longer answers",
    "info: the tunnel's peer is back",
    "info: the tunnel's peer is at another address now",
  ]);
  t.match(bench.watch.reports(bench.now), [{ handshakes: 2, endpointChanges: 1, handshakeAgeSeconds: 1 }]);
  t.end();
});

void test("wrong keys look like nobody there", (t) => {
  const bench = new Bench();
  bench.after(0, { sent: 148 });
  t.equal(bench.after(10, { sent: 296 }), "connecting");
  t.equal(bench.after(11, { sent: 444 }), "unreachable");
  t.match(bench.log.lines[0]?.message, /both public keys and the firewall.*nothing of the devices leaves outside/);
  t.end();
});

void test("silence is no fault", (t) => {
  const bench = new Bench();
  bench.after(0, { sent: 148 });
  t.equal(bench.after(1, { received: 92, handshake: 5 }), "up");
  t.equal(bench.after(600, {}), "idle", "the session has ended for want of packets");
  t.same(bench.said, ["info: the tunnel is up"]);
  t.end();
});

void test("a clock that jumps is told, one that drifts is not", (t) => {
  const bench = new Bench();
  bench.after(0, {});
  bench.after(1, {}, 900);
  bench.after(1, {}, -3_600_000);
  bench.after(1, {}, -3_600_000);
  t.equal(bench.watch.clockJumps, 1);
  t.same(bench.said, ["warn: the clock was set back"]);
  t.end();
});

void test("a clock that was set back is behind until a peer shakes hands all the same", (t) => {
  const bench = new Bench();
  bench.after(0, {});
  bench.after(1, { sent: 148, received: 92, handshake: 5 });
  bench.after(1, {}, -3_600_000);
  t.equal(bench.watch.behind, 3600);
  bench.after(1, {}, -1_800_000);
  t.equal(bench.watch.behind, 1800, "half of it is caught up");
  bench.after(1, { handshake: 200 }, -1_800_000);
  t.equal(bench.watch.behind, 0);
  bench.after(1, {}, 0);
  t.equal(bench.watch.behind, 0, "set forward");
  t.end();
});

void test("a peer that is looked for at other addresses has not moved", (t) => {
  const bench = new Bench();
  const places = ["192.0.2.1:1", "192.0.2.9:1"];
  bench.after(0, { endpoint: places[0] ?? "", sent: 148, received: 92, handshake: 5 });
  for (let i = 1; i < 9; i++) bench.after(10, { endpoint: places[i % 2] ?? "", sent: 1600 * i });
  t.same(bench.watch.contested(bench.now), []);
  t.match(bench.watch.reports(bench.now), [{ state: "unreachable", endpointChanges: 0, endpoint: places[0] }]);
  t.end();
});

void test("two machines with one key take the session from one another", (t) => {
  const bench = new Bench();
  const places = ["192.0.2.1:1", "192.0.2.9:1"];
  for (let i = 0; i < 4; i++) bench.after(10, { endpoint: places[i % 2] ?? "", received: 100 * i });
  t.same(bench.watch.contested(bench.now), [], "a machine that roams, and comes back");
  bench.after(10, { endpoint: places[0] ?? "", received: 400 });
  t.same(bench.watch.contested(bench.now), ["far"]);
  bench.after(130, {});
  t.same(bench.watch.contested(bench.now), [], "that is over");
  for (let i = 0; i < 5; i++) bench.after(15, { handshake: 10 + i });
  t.same(bench.watch.contested(bench.now), ["far"], "as the box sees it: a handshake each quarter of a minute");
  for (let i = 0; i < 9; i++) bench.after(120, { handshake: 100 + i });
  t.same(bench.watch.contested(bench.now), [], "one in two minutes is as it should be");
  t.end();
});
