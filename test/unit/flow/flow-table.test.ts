import { test } from "tap";
import { FlowTable } from "../../../src/flow/flow-table.js";
import { halfSipHash } from "../../../src/flow/half-sip-hash.js";
import { dissect } from "../../../src/packet/dissect.js";
import { DOWN, Packet, UP, type Direction } from "../../../src/packet/packet.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { micros } from "../../../src/time/micros.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import * as ipv6 from "../../../src/wire/ipv6.js";
import { ICMP, TCP, UDP } from "../../../src/wire/protocol.js";
import { frame, hex, over, type Shape } from "../../support/frame.js";

function table(capacity = 8, idle = 1000): FlowTable {
  return new FlowTable({ capacity, idle: micros(idle) }, { random: new SeededRandom("flow") });
}

/** Looks a frame up and returns the flow. */
function meet(flows: FlowTable, now: number, shape: Shape = {}, direction: Direction = UP, device = 0): number {
  const bytes = frame(shape);
  const packet = new Packet(0);
  packet.length = packet.wireLength = bytes.length;
  packet.direction = direction;
  packet.device = device;
  dissect(packet, over(bytes));
  return flows.lookup(packet, over(bytes), micros(now));
}

const there: Shape = { from: "192.0.2.1", to: "198.51.100.7", sourcePort: 40000, destinationPort: 443 };
const back: Shape = { from: "198.51.100.7", to: "192.0.2.1", sourcePort: 443, destinationPort: 40000 };
const six: Shape = { from: "2001:db8::1", to: "2001:db8:0:1::1", protocol: TCP };

test("HalfSipHash-1-3 gives the published values", async (t) => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i);
  const words = Int32Array.from({ length: 16 }, (_, i) => over(bytes).getInt32(4 * i, true));
  const hashes = [0, 1, 2, 3, 4].map((count) => halfSipHash(0x03020100, 0x07060504, words, count));
  t.same(hashes, [0x5814c896, 0x7e059ea6, 0x577999b1, 0x6b28096c, 0x8b31d501]);
});

test("both directions are one flow, counted apart", async (t) => {
  const flows = table();
  const flow = meet(flows, 10, there);
  t.not(flow, -1);
  t.equal(meet(flows, 20, { ...back, payload: new Uint8Array(100) }, DOWN), flow);
  t.equal(meet(flows, 30, there), flow);
  t.same(flows.report(micros(500_030)), [], "and forgotten after a while");
  meet(flows, 1_000_000, there);
  meet(flows, 1_000_500, { ...back, payload: new Uint8Array(100) }, DOWN);
  t.same(flows.report(micros(1_000_600)), [
    {
      device: 0,
      version: 4,
      protocol: UDP,
      deviceAddress: "192.0.2.1",
      devicePort: 40000,
      remoteAddress: "198.51.100.7",
      remotePort: 443,
      packetsUp: 1,
      packetsDown: 1,
      bytesUp: 46,
      bytesDown: 142,
      ageSeconds: 0.0006,
      idleSeconds: 0.0001,
    },
  ]);
});

test("whatever differs makes another flow", async (t) => {
  const flows = table(32);
  const others: [Shape, Direction, number][] = [
    [there, UP, 0],
    [there, UP, 1],
    [there, DOWN, 0],
    [{ ...there, protocol: TCP }, UP, 0],
    [{ ...there, protocol: ICMP }, UP, 0],
    [{ ...there, sourcePort: 40001 }, UP, 0],
    [{ ...there, destinationPort: 444 }, UP, 0],
    [{ ...there, from: "192.0.2.2" }, UP, 0],
    [{ ...there, to: "198.51.100.8" }, UP, 0],
    [six, UP, 0],
    [{ ...six, from: "2001:db8::2" }, UP, 0],
    [{ ...six, from: "2001:db8:1::1" }, UP, 0],
    [{ ...six, to: "2001:db8:0:2::1" }, UP, 0],
    [{ ...six, to: "2001:db8:0:1:8000::1" }, UP, 0],
  ];
  const found = others.map(([shape, direction, device]) => meet(flows, 0, shape, direction, device));
  t.equal(new Set(found).size, others.length);
  t.same(
    others.map(([shape, direction, device]) => meet(flows, 1, shape, direction, device)),
    found,
  );
  t.match(flows, { size: others.length, created: others.length, evicted: 0, expired: 0 });
  t.equal(flows.report(micros(2)).filter((flow) => flow.version === 6).length, 5);
});

test("what is not IP has no flow; a packet without ports has one of its own", async (t) => {
  const flows = table();
  const packet = new Packet(0);
  const bytes = hex("ffffffffffff 020000000001 0806 0001");
  packet.length = packet.wireLength = bytes.length;
  dissect(packet, over(bytes));
  t.equal(flows.lookup(packet, over(bytes), micros(0)), -1);
  const later = { ...six, extensions: [[44, hex("0000 0008 0000 0001")]] as const };
  t.not(meet(flows, 0, later), -1);
  t.match(flows.report(micros(0)), [{ protocol: -1, devicePort: 0, remotePort: 0 }]);
});

test("a full table forgets the flow that is idle for longest", async (t) => {
  const flows = table(3);
  for (const sourcePort of [1, 2, 3]) meet(flows, sourcePort, { sourcePort });
  meet(flows, 4, { sourcePort: 1 });
  meet(flows, 5, { sourcePort: 4 });
  t.same(
    flows.report(micros(6)).map((flow) => flow.devicePort),
    [4, 1, 3],
  );
  t.match(flows, { size: 3, created: 4, evicted: 1, expired: 0 });
});

test("a flow that was idle too long begins anew, wherever it stands", async (t) => {
  const flows = table(32, 100);
  for (let sourcePort = 1; sourcePort <= 20; sourcePort++) meet(flows, 0, { sourcePort });
  meet(flows, 101, { sourcePort: 20 });
  t.match(flows, { size: 12, expired: 9, created: 21 }, "few at once");
  t.same(
    flows.report(micros(101)).map((flow) => [flow.devicePort, flow.packetsUp, flow.ageSeconds]),
    [[20, 1, 0]],
  );
  t.match(flows, { size: 1, expired: 20 });
  meet(flows, 201, { sourcePort: 20 });
  t.equal(flows.report(micros(201))[0]?.packetsUp, 2, "exactly as long is not too long");
});

test("a table without room has no flows", async (t) => {
  t.equal(meet(table(0), 0), -1);
  const one = table(1);
  t.equal(meet(one, 0, there), 0);
  t.equal(meet(one, 0, six), 0);
  t.equal(one.evicted, 1);
});

test("remote endpoints of a device, last used first, each once", async (t) => {
  const flows = table(16);
  meet(flows, 0, { to: "198.51.100.1" });
  meet(flows, 1, six);
  meet(flows, 2, { to: "198.51.100.2" });
  meet(flows, 3, { to: "198.51.100.2", sourcePort: 9 });
  meet(flows, 4, { ...six, sourcePort: 9 });
  meet(flows, 5, { to: "198.51.100.3" }, UP, 1);
  meet(flows, 6, { from: "198.51.100.1", to: "192.0.2.1", sourcePort: 443, destinationPort: 40000 }, DOWN);
  const remotes = (device: number, version: 0 | 4 | 6, room = 8): string[] => {
    const into = new Int32Array(room);
    const view = new DataView(new ArrayBuffer(16));
    return Array.from(into.subarray(0, flows.remotes(device, version, into)), (flow) => {
      flows.copyRemote(flow, view, 0);
      return flows.version(flow) === 4 ? ipv4.format(view.getUint32(0)) : ipv6.format(view, 0);
    });
  };
  t.same(remotes(0, 0), ["198.51.100.1", "2001:db8:0:1::1", "198.51.100.2"]);
  t.same(remotes(0, 0, 2), ["198.51.100.1", "2001:db8:0:1::1"]);
  t.same(remotes(0, 4), ["198.51.100.1", "198.51.100.2"]);
  t.same(remotes(0, 6), ["2001:db8:0:1::1"]);
  t.same(remotes(1, 0), ["198.51.100.3"]);
  t.same(remotes(2, 0), []);
});

test("knows which ports a device uses", async (t) => {
  const flows = table(4, 100);
  meet(flows, 0, { sourcePort: 61000 });
  meet(
    flows,
    0,
    { from: "198.51.100.7", to: "192.0.2.1", sourcePort: 80, destinationPort: 5000, protocol: TCP },
    DOWN,
    1,
  );
  t.same(
    [
      flows.usesPort(0, UDP, 61000),
      flows.usesPort(0, TCP, 61000),
      flows.usesPort(1, UDP, 61000),
      flows.usesPort(0, UDP, 443),
      flows.usesPort(1, TCP, 5000),
      flows.usesPort(1, TCP, 80),
    ],
    [true, false, false, false, true, false],
  );
  flows.expire(micros(101));
  t.equal(flows.usesPort(0, UDP, 61000), false);
});

test("devices that get other indices keep their flows, those that go lose them", async (t) => {
  const flows = table(8);
  for (const device of [0, 1, 2]) {
    meet(flows, device, there, UP, device);
    meet(flows, device, six, UP, device);
  }
  flows.renumber([1, -1, 0]);
  t.same(
    flows.report(micros(3)).map((flow) => [flow.device, flow.version]),
    [
      [0, 6],
      [0, 4],
      [1, 6],
      [1, 4],
    ],
  );
  for (const device of [0, 1]) {
    meet(flows, 4, back, DOWN, device);
    meet(flows, 4, six, UP, device);
  }
  t.equal(flows.size, 4);
  t.equal(flows.created, 6);
  flows.renumber([]);
  t.equal(flows.size, 0);
});
