import { test } from "tap";
import { dissect } from "../../../src/packet/dissect.js";
import { DOWN, UP, type Direction } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import { micros } from "../../../src/time/micros.js";
import { DESTINATION, Observation } from "../../../src/trace/observation.js";
import { Observer, type Vantage } from "../../../src/trace/observer.js";
import { Recorder } from "../../../src/trace/recorder.js";
import { TraceRing } from "../../../src/trace/trace-ring.js";
import { AddressSubject, DeviceSubject, EverySubject, FOREIGN, type Subject } from "../../../src/trace/subject.js";
import { parseMac } from "../../../src/wire/ethernet.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import * as ipv6 from "../../../src/wire/ipv6.js";
import { Prefixes } from "../../../src/wire/prefix.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../../src/wire/protocol.js";
import * as tcp from "../../../src/wire/tcp.js";
import { frame, hex, over, type Shape } from "../../support/frame.js";

const LOCAL = new Prefixes(["192.168.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "fe80::/10", "ff00::/8"]);
const SPEAKER = "192.168.77.10";
const CLOUD = "198.51.100.7";

function observer(vantage: Vantage) {
  const pool = new Pool(1);
  const observer = new Observer(vantage, LOCAL);
  return {
    observer,
    /** What is seen of a frame, or null. `wire`: its length before it was cut. */
    see: (bytes: Uint8Array, direction: Direction = UP, pad = 0, wire = 0): Observation | null => {
      const packet = pool.take();
      if (packet === null) throw new Error("no slot");
      pool.bytes.set(bytes, packet.at);
      packet.length = bytes.length;
      packet.wireLength = wire === 0 ? bytes.length : wire;
      packet.pad = pad;
      packet.direction = direction;
      dissect(packet, pool.view);
      const seen = observer.observe(packet, pool.view, direction, micros(5));
      pool.release(packet);
      return seen ? observer.observation : null;
    },
  };
}

function up(shape: Shape = {}): Uint8Array {
  return frame({ from: SPEAKER, to: CLOUD, ...shape });
}

function withTtl(bytes: Uint8Array, ttl: number): Uint8Array {
  const view = over(bytes);
  if (ipv4.version(view, 14) === 4) ipv4.setTtl(view, 14, ttl);
  else ipv6.setHopLimit(view, 14, ttl);
  return bytes;
}

void test("before the router a frame is seen with its trailer, whatever it carries", (t) => {
  const { see } = observer("lan");
  const bytes = up({ payload: hex("00".repeat(18)), trailer: 6 });
  t.equal(see(bytes)?.length, 14 + 20 + 8 + 18 + 6);
  t.equal(see(bytes, UP, 1000)?.length, 66 + 1000, "and with what the card appends");
  t.equal(see(bytes.subarray(0, 54), UP, 0, 400)?.length, 400, "and as it was before the capture cut it");
  const arp = hex("ffffffffffff 020000000001 0806 0001080006040001020000000001c0a84d0a000000000000c0a84d01");
  t.match(see(arp), { length: 42, version: 0, protocol: -1, hasPorts: false, rawWindow: -1 });
  t.ok(see(up({ to: "224.0.0.251" })));
  t.end();
});

void test("behind the router the same traffic is IP packets that leave the house", (t) => {
  const { see } = observer("beyond");
  const bytes = up({ payload: hex("00".repeat(18)), trailer: 6 });
  t.equal(see(bytes, UP, 1000)?.length, 14 + 20 + 8 + 18, "no trailer");
  t.equal(see(up({ tags: [5], trailer: 9 }))?.length, 14 + 20 + 8 + 4, "no tag");
  t.equal(see(up({ from: "2001:db8::1", to: "2001:db8::2", trailer: 9 }))?.length, 14 + 40 + 8 + 4);
  t.equal(see(bytes.subarray(0, 54), UP, 0, 66)?.length, 60, "a cut packet at its own length");
  const arp = hex("ffffffffffff 020000000001 0806 0001080006040001020000000001c0a84d0a000000000000c0a84d01");
  t.equal(see(arp), null);
  for (const to of ["192.168.77.1", "224.0.0.251", "255.255.255.255"]) t.equal(see(up({ to })), null, to);
  for (const to of ["ff02::fb", "fe80::1"]) t.equal(see(up({ from: "2001:db8::1", to })), null, to);
  t.equal(see(frame({ from: "192.168.77.1", to: SPEAKER }), DOWN), null, "from the router");
  t.ok(see(frame({ from: CLOUD, to: SPEAKER }), DOWN), "from the world to the device, whose address is local");
  t.equal(see(withTtl(up(), 1)), null, "dies at the router");
  t.equal(see(withTtl(up({ from: "2001:db8::1", to: "2001:db8::2" }), 1)), null);
  t.ok(see(withTtl(up(), 2)));
  t.ok(see(withTtl(frame({ from: CLOUD, to: SPEAKER }), 1), DOWN), "reached the router with 2");
  t.end();
});

void test("measured behind the router, lengths are those of the frames", (t) => {
  const { see } = observer("wan");
  t.equal(see(up({ trailer: 6, payload: hex("00") }))?.length, 14 + 20 + 8 + 1 + 6);
  t.ok(see(up({ to: "192.168.77.1" })), "the provider may use any address");
  const arp = hex("ffffffffffff 020000000001 0806 0001080006040001020000000001c0a84d0a000000000000c0a84d01");
  t.equal(see(arp), null, "IP only");
  const six = { from: "2001:db8:100::2", to: "2001:db8:100::1", protocol: ICMPV6 };
  const solicitation = up(six);
  solicitation[54] = 135;
  t.equal(see(solicitation), null, "the router's neighbour discovery is nobody's traffic");
  t.ok(see(up(six)), "an echo is");
  t.end();
});

void test("addresses, protocols and ports", (t) => {
  const { see } = observer("lan");
  const four = see(up({ protocol: UDP, sourcePort: 5353, destinationPort: 53 }));
  t.match(four, {
    version: 4,
    protocol: UDP,
    hasPorts: true,
    sourcePort: 5353,
    destinationPort: 53,
    direction: UP,
    at: 5,
  });
  t.equal(ipv6.format(four?.addresses ?? new DataView(new ArrayBuffer(32)), 0), `::ffff:${SPEAKER}`);
  t.equal(ipv6.format(four?.addresses ?? new DataView(new ArrayBuffer(32)), DESTINATION), `::ffff:${CLOUD}`);
  const six = see(up({ from: "2001:db8::1", to: "2001:db8::2", protocol: TCP, window: 777 }), DOWN);
  t.match(six, { version: 6, protocol: TCP, rawWindow: 777, scaledWindow: 777, direction: DOWN });
  t.equal(ipv6.format(six?.addresses ?? new DataView(new ArrayBuffer(32)), DESTINATION), "2001:db8::2");
  t.match(see(up({ protocol: ICMP })), { protocol: ICMP, hasPorts: false, rawWindow: -1 });
  const later = up({ protocol: UDP });
  ipv4.setFragment(over(later), 14, false, false, 1480);
  t.match(see(later), { protocol: UDP, hasPorts: false, sourcePort: 0 }, "a later fragment counts by its IP header");
  const later6 = up({ from: "2001:db8::1", to: "2001:db8::2", extensions: [[44, hex("11 00 05c8 00000001")]] });
  t.match(see(later6), { protocol: UDP, hasPorts: false });
  t.match(
    see(up({ protocol: TCP }).subarray(0, 40), UP, 0, 58),
    { protocol: TCP, hasPorts: false },
    "its header cut away",
  );
  t.end();
});

void test("the protocol of what is cut or fragmented is that of its last header", (t) => {
  const { see } = observer("lan");
  const six = { from: "2001:db8::1", to: "2001:db8::2", protocol: TCP };
  const cut = (bytes: Uint8Array, length: number): number | undefined =>
    see(bytes.subarray(0, length), UP, 0, bytes.length)?.protocol;
  t.equal(cut(up({ protocol: TCP }), 14 + 20 + 8), TCP);
  t.equal(cut(up(six), 14 + 40 + 8), TCP, "the same with IPv6");
  const options = hex("0001 0104 0000 0000");
  const hops = up({ ...six, extensions: [[0, options]] });
  t.equal(cut(hops, 14 + 40 + 8), TCP, "behind options");
  t.equal(cut(hops, 14 + 40 + 4), -1, "unknown where the options are cut");
  const fragment = hex("0000 0008 0000 0001");
  t.equal(see(up({ ...six, protocol: UDP, extensions: [[44, fragment]] }))?.protocol, UDP, "a later fragment");
  const first = hex("0000 0001 0000 0001");
  const both = up({
    ...six,
    extensions: [
      [44, first],
      [60, options],
    ],
  });
  t.equal(cut(both, 14 + 40 + 8 + 8), TCP, "a first fragment with options, cut behind them");
  t.end();
});

void test("subjects tell directions, and whether they appeared", (t) => {
  const pool = new Pool(1);
  const told = (subject: Subject, bytes: Uint8Array): [number, boolean] => {
    const packet = pool.packet(0);
    pool.bytes.set(bytes, packet.at);
    packet.length = packet.wireLength = bytes.length;
    dissect(packet, pool.view);
    return [subject.direction(packet, pool.view), subject.appeared];
  };
  const group = frame({ source: "02:00:00:00:00:09", destination: "01:00:5e:00:00:fb", from: "192.168.77.9" });
  const other = frame({ source: "02:00:00:00:00:09", from: "192.168.77.9" });
  const device = new DeviceSubject(parseMac("02:00:00:00:00:01") ?? 0);
  t.same(told(device, other), [FOREIGN, false]);
  t.same(told(device, group), [DOWN, false], "what others send to a group is no sign of it");
  t.same(told(device, frame({ source: "02:00:00:00:00:09", destination: "02:00:00:00:00:01" })), [DOWN, true]);
  t.same(told(new DeviceSubject(parseMac("02:00:00:00:00:01") ?? 0), up()), [UP, true]);
  t.same(told(device, hex("ffff")), [FOREIGN, true], "too short for an address");
  const house = new AddressSubject(new Prefixes([`${SPEAKER}/32`, "2001:db8::1/128"]));
  t.same(told(house, other), [FOREIGN, false]);
  t.same(told(house, frame({ from: "2001:db8::2", to: "2001:db8::1" })), [DOWN, true]);
  t.same(told(house, up()), [UP, true]);
  t.same(told(new EverySubject(), other), [UP, true]);
  t.end();
});

void test("windows are scaled by what the handshake agreed", (t) => {
  const SCALE_7 = hex("01 03 03 07");
  const SCALE_2 = hex("01 03 03 02");
  const MSS = hex("02 04 05 b4");
  const syn = { protocol: TCP, flags: tcp.SYN, window: 1000 };
  const synAck = {
    ...syn,
    from: CLOUD,
    to: SPEAKER,
    sourcePort: 443,
    destinationPort: 40000,
    flags: tcp.SYN | tcp.ACK,
  };
  const back = { ...synAck, flags: tcp.ACK };

  const both = observer("lan");
  t.equal(both.see(up({ ...syn, options: SCALE_7 }))?.scaledWindow, 1000, "never in the handshake itself");
  t.equal(both.see(frame({ ...synAck, options: SCALE_2 }), DOWN)?.scaledWindow, 1000);
  t.match(both.see(up({ ...syn, flags: tcp.ACK })), { rawWindow: 1000, scaledWindow: 128000 });
  t.match(both.see(frame(back), DOWN), { rawWindow: 1000, scaledWindow: 4000 });
  t.equal(both.see(up({ ...syn, flags: tcp.ACK, sourcePort: 40001 }))?.scaledWindow, 1000, "another connection");
  both.see(up({ ...syn, options: MSS }));
  t.equal(both.see(up({ ...syn, flags: tcp.ACK }))?.scaledWindow, 1000, "the ports used again without the option");

  const refused = observer("lan");
  refused.see(up({ ...syn, options: SCALE_7 }));
  refused.see(frame({ ...synAck, options: MSS }), DOWN);
  t.equal(refused.see(up({ ...syn, flags: tcp.ACK }))?.scaledWindow, 1000, "refused by the answer");
  t.equal(refused.see(frame(back), DOWN)?.scaledWindow, 1000);
  t.end();
});

void test("thousands of handshakes do not make it forget the windows of connections in use", (t) => {
  const options = hex("01 03 03 07");
  const eyes = observer("wan");
  const used = Array.from({ length: 16 }, (_, i) => ({ protocol: TCP, window: 100, sourcePort: 40_000 + i }));
  for (const one of used) eyes.see(up({ ...one, flags: tcp.SYN, options }));
  let wrong = 0;
  for (let i = 0; i < 20_000; i++) {
    eyes.see(up({ protocol: TCP, flags: tcp.SYN, window: 100, sourcePort: 1000 + (i % 30_000), destinationPort: 80 }));
    if (i % 500 > 0) continue;
    for (const one of used) if (eyes.see(up({ ...one, flags: tcp.ACK }))?.scaledWindow !== 12_800) wrong++;
  }
  t.equal(wrong, 0);
  t.end();
});

void test("a ring hands a trace over in order, and loses and counts what does not fit", (t) => {
  const ring = new TraceRing(4);
  const reader = new TraceRing(ring.shared);
  const o = new Observation();
  const times: number[] = [];
  const sink = { seen: (seen: Observation) => times.push(seen.at) };
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 3; i++) {
      o.at = micros(round * 10 + i);
      ring.seen(o);
    }
    t.equal(reader.drain(sink), 3);
  }
  t.same(times, [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42]);
  for (let i = 0; i < 7; i++) ring.seen(o);
  t.equal(reader.lost, 3);
  t.equal(reader.drain(sink), 4);
  t.equal(reader.drain(sink), 0);

  const { see } = observer("lan");
  const given = see(up({ protocol: TCP, window: 321, sourcePort: 1234 }), DOWN);
  if (given !== null) ring.seen(given);
  reader.drain({
    seen(got) {
      t.match(got, { direction: DOWN, length: 58, version: 4, protocol: TCP, hasPorts: true, sourcePort: 1234 });
      t.match(got, { destinationPort: 443, rawWindow: 321, scaledWindow: 321 });
      t.equal(ipv6.format(got.addresses, 0), `::ffff:${SPEAKER}`);
      t.equal(ipv6.format(got.addresses, DESTINATION), `::ffff:${CLOUD}`);
    },
  });
  t.end();
});

void test("the tap records what arrives and what leaves on its side of the box", (t) => {
  const pool = new Pool(2);
  const seen = { inside: [] as string[], outside: [] as string[] };
  const recorders = (["inside", "outside"] as const).map(
    (side) =>
      new Recorder(side, pool.view, new Observer("lan", LOCAL), {
        seen: (o) => seen[side].push(`${o.direction === UP ? "up" : "down"} ${o.length} at ${o.at}`),
      }),
  );
  for (const direction of [UP, DOWN] as const) {
    const packet = pool.take();
    if (packet === null) throw new Error("no slot");
    const bytes = up();
    pool.bytes.set(bytes, packet.at);
    packet.length = packet.wireLength = bytes.length;
    packet.direction = direction;
    dissect(packet, pool.view);
    for (const recorder of recorders) recorder.arrived(packet, micros(1));
    packet.pad = 10;
    for (const recorder of recorders) recorder.sent(packet, micros(2));
  }
  t.same(seen, { inside: ["up 46 at 1", "down 56 at 2"], outside: ["up 56 at 2", "down 46 at 1"] });
  t.end();
});
