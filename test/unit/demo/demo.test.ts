import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import { CaptureTail } from "../../../src/demo/capture-tail.js";
import { passed, type DemoReport } from "../../../src/demo/report.js";
import { line, story, table } from "../../../src/demo/table.js";
import { Tuples } from "../../../src/demo/tuples.js";
import { Twins } from "../../../src/demo/twins.js";
import { Views } from "../../../src/demo/views.js";
import { FeatureWindow } from "../../../src/features/feature-window.js";
import { FEATURES } from "../../../src/features/features.js";
import { command } from "../../../src/main/demo.js";
import { PcapWriter } from "../../../src/nic/pcap-writer.js";
import { dissect } from "../../../src/packet/dissect.js";
import type { Packet } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import { micros } from "../../../src/time/micros.js";
import * as ethernet from "../../../src/wire/ethernet.js";
import { Prefixes } from "../../../src/wire/prefix.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../../src/wire/protocol.js";
import * as tcp from "../../../src/wire/tcp.js";
import { frame, type Shape } from "../../support/frame.js";

const SPEAKER = "192.168.77.10";
const SPEAKER6 = "fd77::10";
const CLOUD = "198.51.100.7";
const CLOUD6 = "2001:db8:1::7";
const MAC = "02:00:00:00:00:01";
const ROUTER = "02:00:00:00:00:02";

const folder = mkdtempSync(join(tmpdir(), "hushbox-demo-test-"));
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

/** Hands a frame over as a dissected packet. */
function as<T>(bytes: Uint8Array, take: (packet: Packet, view: DataView) => T): T {
  const pool = new Pool(1);
  const packet = pool.packet(0);
  pool.bytes.set(bytes, packet.at);
  packet.length = packet.wireLength = bytes.length;
  dissect(packet, pool.view);
  return take(packet, pool.view);
}

function up(shape: Shape = {}): Uint8Array {
  return frame({ source: MAC, destination: ROUTER, from: SPEAKER, to: CLOUD, ...shape });
}

function down(shape: Shape = {}): Uint8Array {
  const link = { source: ROUTER, destination: MAC };
  return frame({ ...link, from: CLOUD, to: SPEAKER, sourcePort: 443, destinationPort: 40000, ...shape });
}

/** An ICMP error about a packet, from a router on the way. */
function error(about: Uint8Array, six = false): Uint8Array {
  const from = six ? "2001:db8:101::1" : "203.0.113.1";
  const shape = { from, to: six ? SPEAKER6 : SPEAKER, protocol: six ? ICMPV6 : ICMP, payload: about.slice(14, 90) };
  const bytes = down(shape);
  bytes[six ? 54 : 34] = six ? 3 : 11;
  return bytes;
}

function reply(bytes: Uint8Array, six = false): Uint8Array {
  bytes[six ? 54 : 34] = six ? 129 : 0;
  return bytes;
}

void test("a decoy runs on a tuple that the speaker never used, and so do leaked answers", (t) => {
  const six = { from: SPEAKER6, to: CLOUD6 };
  const back = { from: CLOUD6, to: SPEAKER6 };
  const own = [up({ protocol: TCP }), up({ protocol: UDP }), up({ protocol: ICMP }), up({ ...six, protocol: ICMPV6 })];
  const answers = [
    down({ protocol: TCP }),
    down({ protocol: UDP }),
    error(own[1] ?? new Uint8Array(0)),
    reply(down({ protocol: ICMP })),
    reply(down({ ...back, protocol: ICMPV6 }), true),
  ];
  const tuples = new Tuples();
  for (const bytes of own)
    as(bytes, (p, view) => {
      tuples.used(p, view);
    });
  for (const bytes of own)
    as(bytes, (p, view) => {
      tuples.sent(p, view);
    });
  for (const bytes of answers)
    as(bytes, (p, view) => {
      tuples.received(p, view);
    });
  t.same(tuples.decoys(), { tcp: 0, udp: 0, icmp: 0 });
  t.equal(tuples.leaked, 0);

  const elsewhere = "198.51.100.8";
  const decoys = [
    up({ protocol: TCP, flags: tcp.SYN, destinationPort: 5555 }),
    up({ protocol: TCP, flags: tcp.SYN, destinationPort: 5555 }),
    up({ ...six, protocol: UDP, sourcePort: 50000 }),
    up({ protocol: ICMP, to: elsewhere }),
  ];
  for (const bytes of decoys)
    as(bytes, (p, view) => {
      tuples.sent(p, view);
    });
  t.same(tuples.decoys(), { tcp: 2, udp: 1, icmp: 1 });
  const leaks = [
    down({ protocol: TCP, flags: tcp.RST, sourcePort: 5555 }),
    error(decoys[0] ?? new Uint8Array(0)),
    error(decoys[2] ?? new Uint8Array(0), true),
    down({ ...back, protocol: UDP, destinationPort: 50000 }),
    reply(down({ protocol: ICMP, from: elsewhere })),
  ];
  for (const [i, bytes] of leaks.entries()) {
    as(bytes, (p, view) => {
      tuples.received(p, view);
    });
    t.equal(tuples.leaked, i + 1);
  }
  as(decoys[0] ?? new Uint8Array(0), (p, view) => {
    tuples.used(p, view);
  });
  t.equal(tuples.decoys().tcp, 0, "a tuple that the speaker turns out to use is no decoy's");
  t.end();
});

/** Says of each pair of frames, the second as it left the box, whether it was found again. */
function found(pairs: readonly (readonly [Uint8Array, Uint8Array])[], cut = Infinity): boolean[] {
  const twins = new Twins();
  return pairs.map(([bytes, changed]) => {
    const before = twins.delays.count;
    const take = (frame: Uint8Array, side: "before" | "after"): void => {
      as(frame.subarray(0, cut), (packet, view) => {
        packet.wireLength = frame.length;
        dissect(packet, view);
        twins[side](packet, view, micros(side === "before" ? 0 : 500));
      });
    };
    take(bytes, "before");
    take(changed, "after");
    return twins.delays.count === before + 1;
  });
}

/** `tail` bytes of noise that begin at another place for each `seed`. */
function noise(n: number, seed: number): Uint8Array {
  return new Uint8Array(n).map((_, i) => (i * 7 + seed * 31 + ((i * seed) >> 3)) & 0xff);
}

/** A TCP frame whose sequence number was moved down by so many bytes, which stand before its payload. */
function overlapped(shape: Shape, bytes: number): Uint8Array {
  const { payload = new Uint8Array(0) } = shape;
  const longer = up({ ...shape, payload: Uint8Array.from([...noise(bytes, 9), ...payload]) });
  const at = 14 + 20 + 4;
  const view = new DataView(longer.buffer);
  view.setUint32(at, view.getUint32(at) - bytes);
  return longer;
}

void test("a packet is found again behind the box, whatever padding did to it", (t) => {
  const segment = { protocol: TCP, payload: noise(100, 1), window: 60_000 };
  const trailer = new Uint8Array(1514);
  trailer.set(up(segment));
  const datagram = noise(60, 2);
  const fin = { protocol: TCP, flags: tcp.FIN | tcp.ACK, payload: new Uint8Array(0) };
  const reset = { protocol: TCP, flags: tcp.RST, payload: new Uint8Array(0) };
  const surplus = up({ protocol: UDP, payload: Uint8Array.from([...datagram, ...new Uint8Array(300)]) });
  new DataView(surplus.buffer).setUint16(14 + 20 + 4, 68);
  const pairs: [Uint8Array, Uint8Array][] = [
    [up(segment), trailer],
    [up(segment), overlapped(segment, 900)],
    [up(segment), up({ ...segment, window: 256 })],
    [up(fin), overlapped(fin, 1400)],
    [up(reset), up({ ...reset, payload: new Uint8Array(1000) })],
    [up({ protocol: UDP, payload: datagram }), surplus],
    [
      up({ protocol: UDP, payload: datagram }),
      up({ protocol: UDP, payload: Uint8Array.from([...noise(1000, 3), ...datagram]) }),
    ],
    [up({ protocol: ICMP }), up({ protocol: ICMP, payload: new Uint8Array(1400) })],
    [
      up({ from: SPEAKER6, to: CLOUD6, protocol: ICMPV6 }),
      up({ from: SPEAKER6, to: CLOUD6, protocol: ICMPV6, payload: new Uint8Array(1400) }),
    ],
    [up({ protocol: 47 }), up({ protocol: 47 })],
  ];
  t.same(
    found(pairs),
    pairs.map(() => true),
  );
  t.same(found([[up(segment), overlapped(segment, 900)]], 80), [true], "also where a capture cut it");
  t.end();
});

void test("another packet is no twin", (t) => {
  const segment = { protocol: TCP, payload: noise(100, 1) };
  const acknowledging = up(segment);
  new DataView(acknowledging.buffer).setUint32(14 + 20 + 8, 0x01020305);
  const echo = up({ protocol: ICMP });
  new DataView(echo.buffer).setUint16(14 + 20 + 6, 2);
  const pairs: [Uint8Array, Uint8Array][] = [
    [up(segment), up({ ...segment, payload: noise(101, 1) })],
    [up(segment), acknowledging],
    [up(segment), up({ ...segment, sourcePort: 40001 })],
    [up(segment), up({ ...segment, flags: tcp.FIN | tcp.ACK })],
    [up({ protocol: UDP, payload: noise(60, 2) }), up({ protocol: UDP, payload: noise(60, 3) })],
    [up({ protocol: ICMP }), echo],
    [up({ protocol: 47 }), up({ protocol: 47, payload: noise(4, 1) })],
  ];
  t.same(
    pairs.map((pair) => found([pair])[0]),
    pairs.map(() => false),
  );
  t.end();
});

void test("delays are those between twins, oldest first, whichever side is read first", (t) => {
  const twins = new Twins();
  const bytes = up({ protocol: TCP });
  const hand = (side: "before" | "after", at: number): void => {
    as(bytes, (p, view) => {
      twins[side](p, view, micros(at));
    });
  };
  hand("before", 1000);
  hand("after", 3000);
  t.equal(twins.delays.count, 1);
  t.ok(Math.abs(twins.delays.at(1) - 2000) < 5);
  hand("after", 9000);
  t.equal(twins.delays.count, 1);
  hand("before", 8000);
  t.equal(twins.delays.count, 2);
  t.ok(Math.abs(twins.delays.at(0.5) - 1000) < 5);
  hand("before", 10_000);
  hand("before", 20_000);
  hand("after", 13_000);
  hand("after", 27_000);
  t.equal(twins.delays.count, 4);
  t.ok(Math.abs(twins.delays.at(0.75) - 3000) < 5);
  t.ok(Math.abs(twins.delays.at(1) - 7000) < 10);
  t.end();
});

void test("a capture is followed while it grows, byte by byte if need be", (t) => {
  const whole = join(folder, "whole.pcap");
  const writer = new PcapWriter(whole);
  for (let i = 0; i < 5; i++)
    writer.write(1e15 + i * 1000.5, up({ payload: new Uint8Array(i * 100) }), 0, 46 + i * 100 - 4);
  writer.close();
  const bytes = readFileSync(whole);
  for (const step of [1, 7, 100, bytes.length]) {
    const growing = join(folder, `growing-${step}.pcap`);
    writeFileSync(growing, "");
    const tail = new CaptureTail(growing);
    const seen: [number, number][] = [];
    for (let at = 0; at < bytes.length; at += step) {
      appendFileSync(growing, bytes.subarray(at, at + step));
      tail.poll((packet, _view, time) => seen.push([packet.length, time]));
    }
    tail.close();
    t.same(
      seen,
      [0, 1, 2, 3, 4].map((i) => [42 + i * 100, 1e15 + i * 1000.5]),
      `${step} bytes at a time`,
    );
  }
  t.end();
});

void test("three captures become both observers' views", (t) => {
  const files = { inside: join(folder, "i.pcap"), lan: join(folder, "l.pcap"), wan: join(folder, "w.pcap") };
  const writers = {
    inside: new PcapWriter(files.inside),
    lan: new PcapWriter(files.lan),
    wan: new PcapWriter(files.wan),
  };
  const START = 1.7e15;
  const put = (name: keyof typeof writers, at: number, bytes: Uint8Array, pad = 0): void => {
    writers[name].write(START + at, bytes, 0, bytes.length, pad);
  };
  put("inside", -500, up({ protocol: UDP, destinationPort: 9 }));
  const house = "198.51.100.200";
  for (let i = 0; i < 10; i++) {
    const at = i * 100_000;
    const sent = up({ protocol: TCP, sourcePort: 40000, payload: new Uint8Array(10 * i) });
    put("inside", at, sent);
    put("lan", at + 5000, sent, 1514 - sent.length);
    put("wan", at + 5100, up({ protocol: TCP, from: house, payload: new Uint8Array(10 * i) }));
    const answer = down({ protocol: TCP, payload: new Uint8Array(50) });
    put("wan", at + 9000, down({ protocol: TCP, to: house, payload: new Uint8Array(50) }));
    put("lan", at + 9100, answer);
    put("inside", at + 9200, answer);
  }
  const decoy = up({ protocol: UDP, sourcePort: 55555 });
  put("lan", 1_000_000, decoy, 1514 - decoy.length);
  put("lan", 1_010_000, error(decoy));
  put("inside", 1_020_000, up({ protocol: UDP, to: "192.168.77.1", destinationPort: 53 }));
  put("lan", 1_020_100, up({ protocol: UDP, to: "192.168.77.1", destinationPort: 53 }), 1468);
  for (const writer of Object.values(writers)) writer.close();

  const views = new Views({
    files,
    device: ethernet.parseMac(MAC) ?? 0,
    tunnel: null,
    router: new Prefixes([house]),
    local: new Prefixes(["192.168.0.0/16"]),
    since: micros(START),
  });
  views.poll();
  views.close();
  const { observers, overhead, added_delay_ms: delay, decoys, replies_leaked } = views.seen();
  const { lan, wan } = observers;
  t.match(lan.up.before, { n_pack_tcp: 10, n_pack_udp: 1, n_ip_unique: 3 });
  t.match(lan.up.after, { n_pack_tcp: 10, n_pack_udp: 2, mean_len_pack: 1514, std_len_pack: 0 });
  t.match(lan.down.before, { n_pack_tcp: 10, n_pack_icmp: 0 });
  t.match(lan.down.after, { n_pack_tcp: 10, n_pack_icmp: 1 });
  t.match(wan.up.before, { n_pack_tcp: 10, n_pack_udp: 0, n_ip_unique: 2 });
  t.match(wan.up.after, { n_pack_tcp: 10, n_pack_udp: 0, n_ip_unique: 2 });
  t.equal(wan.up.before.mean_len_pack, wan.up.after.mean_len_pack);
  t.match(wan.down.after, { n_pack_tcp: 10, mean_len_pack: 104 });
  t.same(decoys, { tcp: 0, udp: 1, icmp: 0 });
  t.equal(replies_leaked, 0);
  t.ok(Math.abs(delay.p50 - 5) < 0.01 && Math.abs(delay.p99 - 5) < 0.01, `${delay.p50} and ${delay.p99} ms`);
  t.equal(overhead.packets.toFixed(6), (2 / 21).toFixed(6), "a decoy and its answer to 21 packets");
  t.ok(overhead.bytes > 5);
  t.end();
});

const NOTHING = new FeatureWindow().features();
const ways = { up: { before: NOTHING, after: NOTHING }, down: { before: NOTHING, after: NOTHING } };
const REPORT: DemoReport = {
  preset: "paper",
  seconds: 20.5,
  observers: {
    lan: { ...ways, up: { before: NOTHING, after: { ...NOTHING, mean_len_pack: 1514 } } },
    wan: { ...ways, up: { before: { ...NOTHING, std_len_pack: 440 }, after: { ...NOTHING, std_len_pack: 420 } } },
  },
  overhead: { bytes: 3.25, packets: 0.125 },
  added_delay_ms: { p50: 8.5, p99: 19.25 },
  lateness_us: { p50: 3, p99: 90 },
  drops: { oversize: 0, "queue-full": 2 },
  decoys: { tcp: 5, udp: 4, icmp: 3, replies_swallowed: 12, replies_leaked: 0 },
  integrity: { transfers: 40, bad: 0, connections: 9, broken: 0 },
};

void test("the table, the line and the story", (t) => {
  const lines = table(REPORT);
  for (const name of FEATURES)
    t.ok(
      lines.some((row) => row.startsWith(name)),
      name,
    );
  const text = lines.join("\n");
  t.match(text, /bytes \+325\.0 %, packets \+12\.5 %/);
  t.match(text, /p50 8\.50 ms, p99 19\.25 ms/);
  t.match(text, /queue-full 2/);
  t.notMatch(text, /oversize/);
  t.match(text, /tcp 5, udp 4, icmp 3; replies swallowed 12, leaked to the speaker 0/);
  t.match(text, /40, of which bad 0/);
  t.ok(lines.every((row) => row.length < 100));
  t.match(line(REPORT), /^20 s|^21 s/);
  t.match(story(REPORT).join(" "), /every frame of the speaker is 1514 bytes.*std_len_pack 440 before, 420 after/);
  t.match(story({ ...REPORT, observers: { lan: ways, wan: ways } }).join(" "), /nothing has changed/);
  const even = {
    before: { ...NOTHING, std_len_pack: 440, std_window: 900 },
    after: { ...NOTHING, std_len_pack: 90, mean_window: 14_336 },
  };
  const told = story({ ...REPORT, observers: { ...REPORT.observers, wan: { ...ways, up: even } } }).join(" ");
  t.match(told, /nearly every packet has one length too: std_len_pack 440 before, 90 after/);
  t.match(told, /windows are 14336 bytes, always/);
  t.notMatch(told, /lengths show again/);
  t.ok(passed(REPORT));
  t.notOk(passed({ ...REPORT, integrity: { ...REPORT.integrity, bad: 1 } }));
  t.notOk(passed({ ...REPORT, integrity: { ...REPORT.integrity, broken: 1 } }), "no transfer ran");
  t.notOk(passed({ ...REPORT, decoys: { ...REPORT.decoys, replies_leaked: 1 } }));
  t.end();
});

void test("wrong use of the command line", async (t) => {
  for (const [args, message] of [
    [["--preset", "papre"], /no preset "papre".*off, paper/],
    [["--nic", "dpdk"], /ring or libpcap/],
    [["--duration", "60"], /60s or 5min/],
    [["--duration", "10ms"], /1s or more/],
  ] as const) {
    await t.rejects(command.run([...args]), { code: "usage", message });
  }
  await t.rejects(command.run(["somewhere"]), { code: "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL" });
});
