import { test } from "tap";
import { Counters } from "../../../src/datapath/counters.js";
import type { DatapathOptions, DeviceOptions } from "../../../src/datapath/options.js";
import { countSlot, slotLateness } from "../../../src/datapath/slot-lateness.js";
import { PRESETS } from "../../../src/defense/presets.js";
import { micros, seconds } from "../../../src/time/micros.js";
import * as carrier from "../../../src/tunnel/carrier.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import { Box } from "../../support/box.js";
import { frame } from "../../support/frame.js";

const PAIR = "02:68:75:73:68:30";
const GATEWAY = "100.127.255.254";
const WORLD = "198.51.100.7";

function deviceOf(n: number, more: Partial<DeviceOptions["defenses"]["episode"]> = {}): DeviceOptions {
  const { defenses, budget } = PRESETS.paired;
  const address = `10.77.0.${n}`;
  return {
    name: `box-${n}`,
    mac: `02:00:00:00:00:${n.toString(16).padStart(2, "0")}`,
    defenses: { ...defenses, episode: { ...defenses.episode, ...more } },
    budget,
    tunnel: {
      networks: [`${address}/32`, `fd77:68::${n.toString(16)}/128`, `10.78.${n}.0/24`],
      cover: { source: "192.0.2.1", destination: "192.0.2.2" },
      role: "gateway",
      ends: { source: GATEWAY, destination: address },
    },
  };
}

const options = (...numbers: number[]): DatapathOptions => ({
  devices: numbers.map((n) => deviceOf(n)),
  local: [],
  delayLocal: true,
  isolate: false,
});

/** A heartbeat of a box, with packets in it. */
function heartbeat(from: string, inner: readonly Uint8Array[] = [], version = carrier.VERSION): Uint8Array {
  const bytes = new Uint8Array(14 + 1420);
  bytes.set(frame({ source: PAIR, destination: PAIR }).subarray(0, 14));
  const view = new DataView(bytes.buffer);
  const header = new carrier.Header();
  header.flags = carrier.HEARTBEAT;
  header.version = version;
  const ends = { source: ipv4.parse(from) ?? 0, destination: ipv4.parse(GATEWAY) ?? 0 };
  carrier.write(view, 14, 1420, ends, header);
  let at = 14 + carrier.OVERHEAD;
  for (const packet of inner) {
    bytes.set(packet, at);
    at += packet.length;
  }
  return bytes;
}

const toBox = (to: string, payload = 100): Uint8Array =>
  frame({ source: PAIR, destination: PAIR, from: WORLD, to, payload: new Uint8Array(payload) });

test("each box has what is for it and no other, by address or network", async (t) => {
  const box = new Box(options(2, 3, 200));
  for (const [i, to] of ["10.77.0.3", "10.77.0.2", "10.78.200.9", "10.77.0.9"].entries())
    box.cards.inside.push(toBox(to), micros(1 + i));
  for (const [i, n] of [2, 3, 200].entries()) box.cards.outside.push(heartbeat(`10.77.0.${n}`), micros(10 + i));
  box.run(seconds(1));
  const carried = box.cards.outside.sent.flatMap(({ bytes, at }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const inner = 14 + carrier.OVERHEAD;
    if (at < 200_000) return [["nobody's", ipv4.format(ipv4.destination(view, 14))]];
    return [[ipv4.format(ipv4.destination(view, 14)), ipv4.format(ipv4.destination(view, inner))]];
  });
  t.same(carried, [
    ["nobody's", "10.77.0.9"],
    ["10.77.0.2", "10.77.0.2"],
    ["10.77.0.3", "10.77.0.3"],
    ["10.77.0.200", "10.78.200.9"],
  ]);
  box.datapath.publish();
  t.same(
    ["slots", "empty", "heartbeats", "carriers", "waiting_packets"].map((name) => box.count(`tunnel_${name}`)),
    [3, 0, 3, 3, 0],
  );
  t.equal(box.pool.available, box.pool.capacity);
});

test("IPv6 addresses that end alike are told apart", async (t) => {
  const devices = options(2, 3).devices.map((device, i) => {
    const networks = [`fd77:${i}::9/128`, `fd78:${i}::/48`];
    return device.tunnel === undefined ? device : { ...device, tunnel: { ...device.tunnel, networks } };
  });
  const box = new Box({ devices, local: [], delayLocal: true, isolate: false });
  for (const [i, to] of ["fd77:1::9", "fd77:2::9", "fd77::9", "fd78:1::1", "fd77:1::9"].entries())
    box.cards.inside.push(frame({ source: PAIR, destination: PAIR, from: "2001:db8::7", to }), micros(1 + i));
  box.run(micros(100));
  t.same(
    box.datapath.devices(box.now).map(({ packetsUp }) => packetsUp),
    [1, 3],
  );
  t.equal(box.cards.outside.sent.length, 1, "and nobody's goes on as it is");
});

test("what an end has counted stays when the box is no more", async (t) => {
  const box = new Box(options(2, 3));
  for (const [i, n] of [2, 3].entries()) box.cards.outside.push(heartbeat(`10.77.0.${n}`), micros(10 + i));
  box.run(seconds(1));
  box.datapath.apply(options(3), box.now);
  box.datapath.publish();
  t.equal(box.count("tunnel_carriers"), 2);
  box.datapath.stop(box.now);
  box.datapath.publish();
  t.equal(box.count("tunnel_carriers"), 2);
});

test("a box of another version is named, counted and answered in our own", async (t) => {
  const box = new Box(options(2, 3));
  for (let i = 0; i < 3; i++) box.cards.outside.push(heartbeat("10.77.0.3", [], 2), micros(10 + i));
  box.run(seconds(1));
  t.same(
    box.datapath.devices(box.now).map(({ name, otherVersion }) => [name, otherVersion]),
    [
      ["box-2", 0],
      ["box-3", 3],
    ],
  );
  t.equal(box.count("far_decoys_of_other_version"), 3);
  t.equal(box.cards.outside.sent.length, 1);
});

test("one greedy box leaves room for the others, and what it lost is counted by why", async (t) => {
  const box = new Box(options(2, 3), { slots: 256 });
  for (let i = 0; i < 300; i++) box.cards.inside.push(toBox("10.77.0.2", 1000), micros(i));
  box.cards.inside.push(toBox("10.77.0.2", 1400), micros(400));
  box.cards.inside.push(toBox("10.77.0.3"), micros(500));
  box.run(micros(1000));
  box.datapath.publish();
  t.equal(box.count("tunnel_waiting_packets"), 129, "half of the pool, and the other box's one");
  t.equal(box.count("up.drop_queue-full"), 172);
  t.equal(box.count("up.drop_oversize"), 1);
  t.equal(box.count("up.packets_in"), 302);
});

test("packets of a carrier for which there is no memory are dropped and counted", async (t) => {
  const inner = Array.from({ length: 10 }, () =>
    frame({ source: PAIR, destination: PAIR, from: "10.77.0.2", to: WORLD, payload: new Uint8Array(60) }).subarray(14),
  );
  const box = new Box(options(2), { slots: 8 });
  box.cards.outside.push(heartbeat("10.77.0.2", inner), micros(10));
  box.run(micros(100));
  t.equal(box.count("down.drop_no-slot"), 10 - box.cards.inside.sent.length);
  t.ok(box.cards.inside.sent.length > 0 && box.cards.inside.sent.length < 10);
  // The carrier itself came in too.
  t.equal(box.count("down.packets_in"), 11);
});

test("correlation of lateness with load", (t) => {
  const counters = new Counters();
  t.same(slotLateness(counters), { slots: 0, correlation: null });
  for (const load of [0, 1000, 2000, 3000]) countSlot(counters.values, 10 + load / 100, load);
  t.ok(Math.abs((slotLateness(counters).correlation ?? 0) - 1) < 1e-9, "the load shows");
  const free = new Counters();
  for (const late of [10, 50]) for (const load of [0, 3000]) countSlot(free.values, late, load);
  t.same(slotLateness(free), { slots: 4, correlation: 0 });
  t.end();
});
