import { test } from "tap";
import { Ipv6Options } from "../../../src/defense/pad/ipv6-options.js";
import { dissect } from "../../../src/packet/dissect.js";
import { DOWN, UP, type Direction } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import { micros } from "../../../src/time/micros.js";
import { makeObserver, OBSERVER_KINDS } from "../../../src/trace/make-observer.js";
import type { Vantage } from "../../../src/trace/observer.js";
import { ParsingObserver } from "../../../src/trace/parsing-observer.js";
import * as icmp from "../../../src/wire/icmp.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import * as ipv6 from "../../../src/wire/ipv6.js";
import { Prefixes } from "../../../src/wire/prefix.js";
import { DESTINATION_OPTIONS, ICMP, ICMPV6, TCP, UDP } from "../../../src/wire/protocol.js";
import * as tcp from "../../../src/wire/tcp.js";
import * as udp from "../../../src/wire/udp.js";
import { frame, hex, over, type Shape } from "../../support/frame.js";
import { arrive, leave } from "../../support/grown.js";
import { mechanismModules } from "../../support/mechanisms.js";
import { long, short, VERSION_1, VERSION_2 } from "../../support/quic.js";
import { sackOptions, segment, synOptions, type Segment } from "../../support/tcp-segment.js";

const LOCAL = new Prefixes(["192.168.0.0/16", "224.0.0.0/4", "fe80::/10", "ff00::/8"]);
const FOUR = { from: "192.168.1.5", to: "198.51.100.7" };
const SIX = { from: "2001:db8::1", to: "2001:db8:1::2" };

/** An observer, and the length that it sees of a frame, or null where it sees none. `cut`: bytes that a capture kept. */
function eyes(vantage: Vantage = "lan") {
  const pool = new Pool(1);
  const observer = new ParsingObserver(vantage, LOCAL);
  const see = (bytes: Uint8Array, direction: Direction = UP, pad = 0, cut = bytes.length): number | null => {
    const packet = pool.take();
    if (packet === null) throw new Error("no slot");
    pool.bytes.fill(0xa5);
    pool.bytes.set(bytes.subarray(0, cut), packet.at);
    packet.length = Math.min(cut, bytes.length);
    packet.wireLength = bytes.length;
    packet.pad = pad;
    dissect(packet, pool.view);
    const seen = observer.observe(packet, pool.view, direction, micros(1));
    pool.release(packet);
    return seen ? observer.observation.length : null;
  };
  return { observer, see, tcp: (shape: Segment) => see(segment(shape), shape.up ? UP : DOWN) };
}

function text(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(0x61);
}

function withHops(bytes: Uint8Array, hops: number): Uint8Array {
  const view = over(bytes);
  if (ipv4.version(view, 14) === 4) ipv4.setTtl(view, 14, hops);
  else ipv6.setHopLimit(view, 14, hops);
  return bytes;
}

void test("trailers end where the network layer does", (t) => {
  const { see } = eyes();
  t.equal(see(frame({ ...FOUR, payload: text(18), trailer: 6 }), UP, 1000), 60);
  t.equal(see(frame({ ...FOUR, payload: text(18), tags: [5] }), UP, 1000), 64, "a tag is a header");
  t.equal(see(frame({ ...SIX, payload: text(18), trailer: 6 }), DOWN), 80);
  const arp = hex(
    `ffffffffffff 020000000001 0806 0001080006040001 020000000001 c0a84d0a 000000000000 c0a84d01 ${"00".repeat(18)}`,
  );
  t.equal(see(arp, UP, 1454), 42);
  const spanning = hex(`0180c2000000 020000000001 0026 ${"42".repeat(38)} ${"00".repeat(8)}`);
  t.equal(see(spanning, UP, 1454), 52, "an 802.3 length");
  t.equal(see(hex(`0180c200000e 020000000001 88cc ${"01".repeat(46)}`), UP, 1454), 1514, "one that has no length");
  t.equal(
    eyes("beyond").see(frame({ ...FOUR, payload: text(18), tags: [5], trailer: 6 }), UP, 1000),
    60,
    "no tag there",
  );
  t.end();
});

void test("a datagram ends where UDP says, if that can be", (t) => {
  for (const ends of [FOUR, SIX]) {
    const bytes = frame({ ...ends, payload: text(400) });
    const at = ends === FOUR ? 34 : 54;
    for (const [length, expected] of [
      [28, at + 28],
      [408, at + 408],
      [409, at + 408],
      [7, at + 408],
      [0, at + 408],
    ] as const) {
      udp.setLength(over(bytes), at, length);
      t.equal(eyes().see(bytes), expected, `${length}`);
      t.equal(eyes().see(bytes, UP, 0, 80), expected, `${length}, cut`);
    }
  }
  const first = frame({ ...FOUR, payload: text(400) });
  ipv4.setFragment(over(first), 14, false, true, 0);
  udp.setLength(over(first), 34, 28);
  t.equal(eyes().see(first), 442, "never in a fragment");
  t.end();
});

void test("a 0-RTT packet before a 1-RTT packet is padding", (t) => {
  const id = hex("d0d1d2d3d4d5d6d7");
  for (const version of [VERSION_1, VERSION_2]) {
    const before = (size: number, type: "0-rtt" | "handshake" = "0-rtt"): Uint8Array => {
      const bytes = long(type, { version, size });
      // Its length behind both connection IDs, 8 and 4 bytes.
      over(bytes).setUint16(19, 0x4000 | (size - 21));
      return bytes;
    };
    const datagram = (...parts: Uint8Array[]): Uint8Array => frame({ ...FOUR, payload: Buffer.concat(parts) });
    const own = short(id, 57);
    t.equal(eyes().see(datagram(before(900), own)), 42 + 57);
    t.equal(eyes().see(datagram(before(900), own), UP, 0, 100), 42 + 57, "cut");
    t.equal(eyes().see(datagram(before(900))), 42 + 900, "alone it is early data");
    t.equal(eyes().see(datagram(before(900), before(50, "handshake"))), 42 + 950, "so it is before a handshake");
    t.equal(eyes().see(datagram(before(900, "handshake"), own)), 42 + 957, "a handshake packet is one");
    t.equal(eyes().see(datagram(own)), 42 + 57);
  }
  t.end();
});

void test("IPv6 options that say nothing", (t) => {
  const modules = mechanismModules();
  const mechanism = new Ipv6Options(modules);
  for (const protocol of [UDP, TCP, ICMPV6])
    for (const target of [100, 300, 700, 1514]) {
      const bytes = frame({ ...SIX, protocol, payload: text(10) });
      const packet = arrive(modules, bytes);
      mechanism.grow(packet, target, modules.destinations.of(packet, modules.pool.view), micros(0));
      const grown = leave(modules, packet);
      t.ok(grown.length > bytes.length && grown.length <= target);
      t.equal(eyes().see(grown), bytes.length, `${protocol} at ${target}`);
    }
  const option = (kind: number): [number, Uint8Array] => [
    DESTINATION_OPTIONS,
    Uint8Array.of(0, 0, kind, 4, 0, 0, 0, 0),
  ];
  t.equal(eyes().see(frame({ ...SIX, payload: text(10), extensions: [option(1)] })), 72, "PadN");
  t.equal(eyes().see(frame({ ...SIX, payload: text(10), extensions: [option(0xc9)] })), 80, "a home address");
  t.equal(eyes().see(frame({ ...SIX, payload: text(10), extensions: [option(0xc9), option(0x1e)] })), 80, "both");
  t.end();
});

void test("zeros at the end of an echo", (t) => {
  const padded = (own: number, zeros: number): Uint8Array => {
    const payload = new Uint8Array(own + zeros);
    payload.fill(0x61, 0, own);
    return payload;
  };
  for (const [shape, headers] of [
    [{ ...FOUR, protocol: ICMP }, 42],
    [{ ...SIX, protocol: ICMPV6 }, 62],
  ] as const) {
    const echo = (own: number, zeros: number, type?: number): Uint8Array => {
      const bytes = frame({ ...shape, payload: padded(own, zeros) });
      if (type !== undefined) bytes[headers - 8] = type;
      return bytes;
    };
    t.equal(eyes().see(echo(56, 1400)), headers + 56);
    t.equal(eyes().see(echo(56, 1400), UP, 0, 200), headers + 56, "cut within them");
    t.equal(eyes().see(echo(56, 1400), UP, 0, 90), headers + 1456, "cut before them");
    t.equal(eyes().see(echo(56, 7)), headers + 63, "a few may be its own");
    t.equal(
      eyes().see(echo(56, 1400, shape.protocol === ICMP ? icmp.ECHO_REPLY : 129), DOWN),
      headers + 56,
      "the reply",
    );
    t.equal(eyes().see(echo(56, 1400, 200), DOWN), headers + 1456, "no echo");
  }
  t.end();
});

void test("TCP: what was sent before is padding", (t) => {
  const seen = eyes();
  const START = 0xffff_ff00;
  const up = (shape: Omit<Segment, "up" | "sequence"> & { from: number; bytes?: number }): number | null =>
    seen.tcp({ ...shape, up: true, sequence: START + shape.from, payload: text(shape.bytes ?? 0) });
  const down = (acknowledged: number, bytes = 0): number | null =>
    seen.tcp({ up: false, sequence: 7000, acknowledgment: START + acknowledged, payload: text(bytes) });

  t.equal(up({ from: 0, flags: tcp.SYN, options: synOptions(1460) }), 54 + 8);
  t.equal(down(1), 54);
  t.equal(up({ from: 1, acknowledgment: 7001 }), 54, "the third ACK");
  t.equal(up({ from: 1 - 1160, bytes: 1460, acknowledgment: 7001 }), 54 + 300, "filler before the first byte");
  t.equal(up({ from: 1, bytes: 300, acknowledgment: 7001 }), 54 + 300, "sent again");
  t.equal(down(301, 1000), 54 + 1000, "what comes down is as it is");
  t.equal(up({ from: 301 - 1460, bytes: 1460, acknowledgment: 8001 }), 54, "an acknowledgment");
  t.equal(up({ from: 201, bytes: 600, acknowledgment: 8001 }), 54 + 500, "overlap");
  t.equal(up({ from: 801, bytes: 1460, acknowledgment: 8001 }), 54 + 1460, "none");
  t.equal(up({ from: 801, bytes: 1460, acknowledgment: 9001 }), 54, "the same bytes, but it acknowledges");
  const blocks = sackOptions([9500, 9600]);
  t.equal(
    up({ from: 801, bytes: 1448, acknowledgment: 9001, options: blocks }),
    54 + blocks.length,
    "or tells of a loss",
  );
  t.equal(up({ from: 801, bytes: 1460, acknowledgment: 9001 }), 54 + 1460, "sent again, which the far end has not");
  t.equal(down(2261), 54);
  t.equal(up({ from: 801, bytes: 1460, acknowledgment: 9001 }), 54, "which it has");
  t.equal(up({ from: 2260, bytes: 1, acknowledgment: 9001 }), 55, "a keep-alive");
  t.equal(
    up({ from: 1261, bytes: 1100, acknowledgment: 9001, flags: tcp.ACK | tcp.FIN }),
    54 + 100,
    "a FIN counts one",
  );
  t.equal(
    up({ from: 1361, bytes: 1000, acknowledgment: 9002, flags: tcp.ACK | tcp.FIN }),
    54,
    "and again, an acknowledgment",
  );
  t.equal(up({ from: 2362, bytes: 1400, flags: tcp.RST }), 54, "what a RST carries");
  t.equal(up({ from: 900_000, flags: tcp.SYN, options: synOptions(1460) }), 54 + 8, "the ports again");
  t.equal(up({ from: 900_001, bytes: 50, acknowledgment: 7001 }), 54 + 50);
  t.end();
});

void test("TCP: a connection that is older than the trace", (t) => {
  const one = eyes();
  t.equal(one.tcp({ up: true, sequence: 5000, payload: text(1000) }), 1054, "nothing is known");
  t.equal(one.tcp({ up: true, sequence: 5500, payload: text(1000) }), 554);
  const other = eyes();
  other.tcp({ up: false, sequence: 1, acknowledgment: 5800, payload: text(100) });
  t.equal(other.tcp({ up: true, sequence: 5000, payload: text(1000) }), 254, "but for what was acknowledged");
  t.equal(other.tcp({ up: true, sequence: 5000, payload: text(1000), port: 40_001 }), 1054, "in this connection");
  t.equal(eyes().tcp({ up: true, sequence: 5000, payload: text(1000), six: true }), 1074);
  t.end();
});

void test("TCP: thousands of other connections do not make it forget those in use, and cost no more", (t) => {
  const { tcp: see } = eyes();
  see({ up: true, sequence: 0, flags: tcp.SYN, port: 1 });
  let sent = 1;
  let wrong = 0;
  for (let i = 0; i < 20_000; i++) {
    see({ up: true, sequence: i, flags: tcp.SYN, port: 2 + (i % 65_000) });
    if (i % 500 > 0) continue;
    if (see({ up: true, sequence: sent - 200, payload: text(300), port: 1 }) !== 154) wrong++;
    sent += 100;
  }
  t.equal(wrong, 0);
  t.end();
});

void test("what dies early, or begins with payload, is a decoy", (t) => {
  for (const ends of [FOUR, SIX]) {
    const version = ends === FOUR ? "IPv4" : "IPv6";
    const { observer, see } = eyes();
    const headers = ends === FOUR ? 34 : 54;
    const made = (shape: Shape, hops: number): Uint8Array => withHops(frame({ ...ends, ...shape }), hops);
    for (const shape of [
      {},
      { protocol: TCP, flags: tcp.SYN, payload: text(0) },
      { protocol: ends === FOUR ? ICMP : ICMPV6 },
    ])
      for (const hops of [1, 2, 30]) t.equal(see(made(shape, hops)), null, `${version}, ${hops} hops`);
    t.ok(see(made({}, 32)), "as many as some system begins with");
    t.ok(see(made({ protocol: TCP, flags: tcp.ACK }, 63)));
    t.equal(see(made({}, 40)), null, "fewer than the device's own connections have");
    t.ok(see(made({}, 63)));
    t.ok(see(made({}, 255)));
    t.equal(see(made({ protocol: TCP, flags: tcp.SYN, payload: text(900) }, 63)), null);
    t.equal(
      see(made({ protocol: TCP, flags: tcp.SYN, payload: text(900), options: hex("2202 0101") }, 63)),
      headers + 924,
      "TFO",
    );
    t.ok(see(made({ to: ends === FOUR ? "224.0.0.251" : "ff02::fb" }, 1)), "multicast has no further to go");
    t.ok(see(made({ to: ends === FOUR ? "192.168.1.1" : "fe80::1" }, 1)));
    t.equal(observer.decoys, 11);
  }
  t.end();
});

void test("what a decoy died at is heard by the box alone", (t) => {
  const { observer, see } = eyes();
  const exceeded = frame({ from: "203.0.113.9", to: FOUR.from, protocol: ICMP, payload: text(64) });
  exceeded[34] = icmp.TIME_EXCEEDED;
  t.equal(see(exceeded, DOWN), null);
  const exceeded6 = frame({ from: "2001:db8:9::9", to: SIX.from, protocol: ICMPV6, payload: text(64) });
  exceeded6[54] = 3;
  t.equal(see(exceeded6, DOWN), null);
  exceeded[34] = icmp.UNREACHABLE;
  t.equal(see(exceeded, DOWN), 106);
  t.equal(observer.answers, 2);
  t.end();
});

void test("either observer by its name", (t) => {
  const kinds = OBSERVER_KINDS.map((kind) => makeObserver(kind, "lan", LOCAL) instanceof ParsingObserver);
  t.same(kinds, [false, true]);
  t.end();
});
