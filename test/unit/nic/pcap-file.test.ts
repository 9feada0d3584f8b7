import { readFileSync, writeFileSync } from "node:fs";
import { join as path } from "node:path";
import { test, type Test } from "tap";
import { CaptureReader } from "../../../src/nic/capture-reader.js";
import { BackgroundOutput } from "../../../src/nic/background-output.js";
import { DeviceMatch, findMac } from "../../../src/nic/device-match.js";
import { FaultyCards } from "../../../src/nic/fault-injector.js";
import { MemoryCards } from "../../../src/nic/memory.js";
import type { Cards, Nic } from "../../../src/nic/nic.js";
import { PcapFileCards } from "../../../src/nic/pcap-file.js";
import { TappedCards } from "../../../src/nic/pcap-tap.js";
import { PcapWriter } from "../../../src/nic/pcap-writer.js";
import type { Packet } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { micros, NEVER, type Micros } from "../../../src/time/micros.js";
import { TCP } from "../../../src/wire/protocol.js";
import { pcapFile } from "../../support/capture.js";
import { frame, hex, over } from "../../support/frame.js";

const speaker = "02:00:00:00:00:01";
const router = "02:00:00:00:00:02";
const up = frame({ source: speaker, destination: router });
const down = frame({
  source: router,
  destination: speaker,
  from: "198.51.100.7",
  to: "192.0.2.1",
  payload: new Uint8Array(9),
});

function capture(t: Test, ...records: [number, Uint8Array, number?][]): string {
  const name = path(t.testdir(), "in.pcap");
  writeFileSync(
    name,
    pcapFile({
      records: records.map(([at, bytes, original]) => [
        Math.floor(at / 1e6),
        at % 1e6,
        bytes,
        original ?? bytes.length,
      ]),
    }),
  );
  return name;
}

interface Seen {
  readonly time: number;
  readonly length: number;
  readonly original: number;
}

function written(name: string): Seen[] {
  const seen: Seen[] = [];
  const reader = CaptureReader.open(name);
  while (reader.next()) seen.push({ time: reader.time, length: reader.length, original: reader.originalLength });
  reader.close();
  return seen;
}

/** Turns until nothing comes any more, sending what one card receives on the other. */
function forward(cards: Cards, turns: number, meet: (packet: Packet, from: Nic) => void = () => undefined): void {
  for (let i = 0; i < turns; i++) {
    cards.turn(NEVER);
    for (let p = cards.inside.receive(); p !== null; p = cards.inside.receive()) {
      meet(p, cards.inside);
      cards.outside.send(p);
    }
    for (let p = cards.outside.receive(); p !== null; p = cards.outside.receive()) {
      meet(p, cards.outside);
      cards.inside.send(p);
    }
  }
  cards.turn(NEVER);
}

void test("one file feeds both cards, by the device's MAC address, on the file's time", (t) => {
  const pool = new Pool(4);
  const name = capture(t, [5_000_000, up], [5_000_300, down, 900], [5_000_200, up], [6_000_000, up]);
  const inside = new PcapWriter(path(t.testdirName, "inside.pcap"));
  const outside = new PcapWriter(path(t.testdirName, "outside.pcap"));
  const cards = new PcapFileCards({ path: name, device: speaker }, { pool, outputs: { inside, outside } });
  t.equal(cards.now, 5_000_000);
  const met: [number, string][] = [];
  forward(cards, 10, (packet, from) => {
    met.push([packet.arrivedAt, from === cards.inside ? "inside" : "outside"]);
    if (packet.arrivedAt === 6_000_000) packet.pad = 11;
    if (from === cards.outside) packet.pad = 5;
  });
  t.same(met, [
    [5_000_000, "inside"],
    [5_000_300, "outside"],
    [5_000_300, "inside"],
    [6_000_000, "inside"],
  ]);
  t.ok(cards.exhausted);
  t.equal(cards.failure, null);
  t.equal(pool.available, 4);
  t.match(cards.inside.counters, { received: 3, sent: 1 });
  t.match(cards.outside.counters, { received: 1, sent: 3 });
  cards.close();
  inside.close();
  outside.close();
  t.same(written(inside.path), [{ time: 5_000_300, length: down.length, original: 905 }], "a cut frame stays cut");
  t.same(written(outside.path), [
    { time: 5_000_000, length: up.length, original: up.length },
    { time: 5_000_300, length: up.length, original: up.length },
    { time: 6_000_000, length: up.length + 11, original: up.length + 11 },
  ]);
  t.end();
});

void test("a turn waits no longer than it is told", (t) => {
  const cards = new PcapFileCards({ path: capture(t, [100, up], [900, up]), device: speaker }, { pool: new Pool(2) });
  const times = [NEVER, micros(300), micros(200), micros(2000), micros(2000)].map((until) => {
    const now = cards.turn(until);
    cards.inside.receive();
    return now;
  });
  t.same(times, [100, 300, 300, 900, 2000]);
  t.end();
});

void test("frames too long for a slot are cut and counted, as are those that find no slot", (t) => {
  const pool = new Pool(1);
  const long = new Uint8Array(3000);
  long.set(up);
  const name = capture(t, [1, long], [2, up]);
  const output = new PcapWriter(path(t.testdirName, "out.pcap"));
  const cards = new PcapFileCards({ path: name, device: speaker }, { pool, outputs: { outside: output } });
  cards.turn(NEVER);
  const packet = cards.inside.receive();
  if (packet === null) throw new Error("no packet");
  t.match(packet, { length: 2048, wireLength: 3000 });
  cards.turn(NEVER);
  t.equal(cards.inside.receive(), null);
  t.match(cards.inside.counters, { received: 1, oversize: 1, noSlot: 1 });
  cards.outside.send(packet);
  cards.turn(NEVER);
  t.match(cards.outside.counters, { sent: 1, refused: 0 });
  t.equal(pool.available, 1);
  cards.close();
  output.close();
  t.same(written(output.path), [{ time: 2, length: 2048, original: 3000 }], "and leave as long as they were");
  t.end();
});

void test("a damaged file fails after its last whole frame", (t) => {
  const name = path(t.testdir(), "cut.pcap");
  const bytes = pcapFile({
    records: [
      [1, 0, up],
      [2, 0, up],
    ],
  });
  writeFileSync(name, bytes.subarray(0, bytes.length - 1));
  for (const truncated of ["error", "end"] as const) {
    const cards = new PcapFileCards({ path: name, device: speaker, truncated }, { pool: new Pool(2) });
    forward(cards, 4);
    t.equal(cards.outside.counters.sent, 1);
    t.ok(cards.exhausted);
    t.equal(cards.failure?.code, truncated === "error" ? "capture-truncated" : undefined);
    cards.close();
  }
  t.end();
});

void test("a device is known by its MAC or IP address", (t) => {
  const six = frame({ source: speaker, from: "2001:db8::5", to: "2001:db8::6", tags: [4] });
  const arp = hex("ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202");
  const table: [string, boolean[]][] = [
    [speaker, [true, false, true, true]],
    [router, [false, true, false, false]],
    ["192.0.2.1", [true, false, false, true]],
    ["198.51.100.7", [false, true, false, false]],
    ["2001:db8::5", [false, false, true, false]],
  ];
  for (const [address, expected] of table) {
    const match = new DeviceMatch(address);
    const found = [up, down, six, arp].map((bytes) => match.sent(over(bytes), 0, bytes.length));
    t.same(found, expected, address);
    for (const bytes of [up, six, arp]) {
      for (let n = 0; n < bytes.length; n++) match.sent(over(bytes.subarray(0, n)), 0, n);
    }
  }
  t.throws(() => new DeviceMatch("speaker"), { code: "usage" });
  const name = capture(t, [1, down], [2, up]);
  t.equal(findMac(name, "192.0.2.1"), 0x0200_0000_0001);
  t.equal(findMac(name, router), 0x0200_0000_0002);
  t.equal(findMac(name, "192.0.2.99"), null);
  t.end();
});

void test("taps write what both cards receive and send", (t) => {
  const pool = new Pool(4);
  const memory = new MemoryCards({}, { pool });
  const names = ["inside.pcap", "outside.pcap"].map((name) => path(t.testdir(), name));
  const [inside, outside] = names.map((name) => new PcapWriter(name));
  if (inside === undefined || outside === undefined) throw new Error("no writer");
  const cards = new TappedCards({ epoch: micros(1_000_000) }, { cards: memory, inside, outside, pool });
  memory.inside.push(up, micros(10));
  memory.outside.push(down, micros(20));
  forward(cards, 3, (packet) => {
    packet.pad = 6;
  });
  cards.close();
  t.equal(cards.failure, null);
  t.same(written(inside.path), [
    { time: 1_000_010, length: up.length, original: up.length },
    { time: 1_000_020, length: down.length + 6, original: down.length + 6 },
  ]);
  t.same(written(outside.path), [
    { time: 1_000_010, length: up.length + 6, original: up.length + 6 },
    { time: 1_000_020, length: down.length, original: down.length },
  ]);
  t.equal(memory.outside.sent.length, 1);
  t.match(cards.inside, { name: "inside", mtu: 1500, up: true });
  t.equal(cards.inside.counters, memory.inside.counters);
  t.end();
});

void test("a tap that cannot write lets the packets go on", (t) => {
  const pool = new Pool(4);
  const memory = new MemoryCards({}, { pool });
  const cards = new TappedCards(
    { epoch: micros(0) },
    { cards: memory, inside: null, outside: new PcapWriter("/dev/full"), pool },
  );
  t.equal(cards.inside, memory.inside, "no writer, no tap");
  const big = frame({ protocol: TCP, payload: new Uint8Array(1400) });
  for (let i = 0; i < 1000; i++) memory.inside.push(big, micros(i));
  forward(cards, 1001);
  t.equal(memory.outside.sent.length, 1000);
  t.match(cards.failure, { code: "capture-invalid" });
  cards.close();
  t.end();
});

function faulty(seed: string, faults: Record<string, number>): { sent: string[]; cards: FaultyCards; pool: Pool } {
  const pool = new Pool(128);
  const memory = new MemoryCards({}, { pool });
  const cards = new FaultyCards(
    { inside: { receive: faults }, outside: { send: faults } },
    { cards: memory, pool, random: new SeededRandom(seed) },
  );
  for (let i = 0; i < 400; i++) {
    const bytes = new Uint8Array(100);
    new DataView(bytes.buffer).setUint16(0, i);
    memory.inside.push(bytes, micros(Math.floor(i / 20)));
  }
  forward(cards, 30);
  cards.close();
  return { sent: memory.outside.sent.map((f) => Buffer.from(f.bytes).toString("hex")), cards, pool };
}

void test("faults befall frames as often as they are told to, the same for the same seed", (t) => {
  const faults = { drop: 0.1, corrupt: 0.1, truncate: 0.1, duplicate: 0.1, reorder: 0.1 };
  const first = faulty("a", faults);
  t.same(first.sent, faulty("a", faults).sent);
  t.strictNotSame(first.sent, faulty("b", faults).sent);
  t.equal(first.pool.available, 128, "nothing is lost from the pool");
  const { inside, outside } = { inside: first.cards.inside.faults, outside: first.cards.outside.faults };
  for (const kind of ["dropped", "corrupted", "truncated", "duplicated"] as const) {
    t.ok(inside[kind] > 15 && inside[kind] < 80, `${kind} ${String(inside[kind])}`);
  }
  t.ok(inside.reordered > 10);
  const total = (key: "dropped" | "duplicated"): number => inside[key] + outside[key];
  t.equal(first.sent.length, 400 - total("dropped") + total("duplicated"), "each frame is accounted for");
  t.end();
});

const alone: [string, Record<string, number>, (sent: string[], t: Test) => void][] = [
  ["no fault changes nothing", {}, (sent, t) => t.same(sent.map(index), numbers(400))],
  ["drop", { drop: 1 }, (sent, t) => t.equal(sent.length, 0)],
  [
    "duplicate",
    { duplicate: 1 },
    (sent, t) => {
      t.equal(sent.length, 1600, "on the way in and on the way out");
      t.same([...new Set(sent.map(index))], numbers(400));
    },
  ],
  [
    "corrupt turns one bit over",
    { corrupt: 1 },
    (sent, t) => {
      for (const [i, text] of sent.entries()) {
        const bytes = Buffer.from(text, "hex");
        const bits = bytes.reduce((n, byte, j) => n + ones(byte ^ (j === 0 ? i >> 8 : j === 1 ? i & 0xff : 0)), 0);
        t.ok(bits === 2 || bits === 0, "twice: in and out; or the same bit back");
      }
    },
  ],
  [
    "truncate leaves the Ethernet header",
    { truncate: 1 },
    (sent, t) => {
      t.same(sent.map(index), numbers(400));
      t.ok(sent.every((text) => text.length >= 28 && text.length < 200));
    },
  ],
  [
    "reorder swaps neighbours and loses none",
    { reorder: 0.3 },
    (sent, t) => {
      t.strictNotSame(sent.map(index), numbers(400));
      t.same(
        sent.map(index).sort((a, b) => a - b),
        numbers(400),
      );
    },
  ],
];

function index(text: string): number {
  return Number.parseInt(text.slice(0, 4), 16);
}

function numbers(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

function ones(byte: number): number {
  return byte.toString(2).replaceAll("0", "").length;
}

for (const [name, faults, check] of alone) {
  void test(`fault: ${name}`, (t) => {
    check(faulty("seed", faults).sent, t);
    t.end();
  });
}

void test("a duplicate that finds no slot is counted", (t) => {
  const pool = new Pool(1);
  const memory = new MemoryCards({}, { pool });
  const cards = new FaultyCards(
    { inside: { receive: { duplicate: 1 } } },
    { cards: memory, pool, random: new SeededRandom(1) },
  );
  memory.inside.push(up, 0 as Micros);
  forward(cards, 1);
  t.match(cards.inside.faults, { duplicated: 0, notDuplicated: 1 });
  t.match(cards.inside, { name: "inside", mtu: 1500, up: true });
  t.end();
});

test("a capture written in the background is the same, and what the disk refuses is said", async (t) => {
  const name = path(t.testdir(), "out.pcap");
  const written = (to: string | BackgroundOutput): PcapWriter => {
    const writer = new PcapWriter(to);
    // More than the blocks that may wait.
    for (let i = 0; i < 9000; i++) writer.write(i, new Uint8Array(1000).fill(i), 0, 1000);
    return writer;
  };
  const output = new BackgroundOutput(name);
  written(output).flush();
  t.ok(output.full);
  await output.room();
  t.notOk(output.full);
  await output.drained();
  output.close();
  output.close();
  const plain = path(t.testdirName, "plain.pcap");
  written(plain).close();
  t.ok(readFileSync(name).equals(readFileSync(plain)));

  const full = new BackgroundOutput("/dev/full");
  written(full).flush();
  await t.rejects(full.drained(), { code: "capture-invalid", message: /dev\/full.*ENOSPC/ });
  t.throws(() => full.write(new Uint8Array(1), 1), { code: "capture-invalid" });
  full.close();

  // Closed in the middle: what waits is dropped, and the descriptor is closed when the disk has answered.
  const left = new BackgroundOutput(path(t.testdirName, "left.pcap"));
  written(left).flush();
  left.close();
  await left.drained();
});
