// The twelve features, window by window, against an independent computation from tshark's fields: plain arrays, sets and two-pass formulas.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type Test } from "tap";
import { FEATURES, type FeatureName, type Features } from "../../../src/features/features.js";
import { Windows, type WindowOptions } from "../../../src/features/windows.js";
import { PcapWriter } from "../../../src/nic/pcap-writer.js";
import { integer } from "../../../src/random/random.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { Observer } from "../../../src/trace/observer.js";
import { readTrace } from "../../../src/trace/read-trace.js";
import { DeviceSubject } from "../../../src/trace/subject.js";
import { parseMac } from "../../../src/wire/ethernet.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import { Prefixes } from "../../../src/wire/prefix.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../../src/wire/protocol.js";
import * as tcp from "../../../src/wire/tcp.js";
import { frame, hex, over } from "../../support/frame.js";

const SHARED = process.env["HUSHBOX_SHARED"] ?? join(import.meta.dirname, "../../../../../shared");
const missing = (program: string): string | false =>
  spawnSync(program, ["--version"]).error === undefined ? false : `${program} is not installed`;
const noTshark = missing("tshark");

const CUTS: WindowOptions[] = [
  { cut: "packets", size: 50, direction: "both", field: "raw" },
  { cut: "packets", size: 20, direction: "up", field: "raw" },
  { cut: "packets", size: 200, direction: "both", field: "scaled" },
  { cut: "time", size: 2e6, direction: "down", field: "raw" },
  { cut: "trace", size: 0, direction: "both", field: "scaled" },
];

interface Row {
  time: number;
  length: number;
  up: boolean;
  addresses: string[];
  transport: string;
  ports: string[];
  raw: number | null;
  scaled: number | null;
}

const FIELDS =
  "frame.time_epoch frame.len eth.src eth.dst ip.src ip.dst ipv6.src ipv6.dst frame.protocols " +
  "tcp.srcport tcp.dstport udp.srcport udp.dstport tcp.window_size_value tcp.window_size ip.proto";

/** The device's packets as tshark reads them. */
function tshark(path: string, mac: string): Row[] {
  const fields = FIELDS.split(" ").flatMap((field) => ["-e", field]);
  const preferences = ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE"];
  const args = ["-n", "-r", path, ...preferences.flatMap((p) => ["-o", p]), "-T", "fields", "-E", "occurrence=f"];
  const { status, stdout, stderr } = spawnSync("tshark", [...args, ...fields], {
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  if (status !== 0) throw new Error(`tshark: ${stderr}`);
  const rows: Row[] = [];
  for (const line of stdout.split("\n")) {
    if (line === "") continue;
    const [time, length, from, to, a, b, c, d, protocols, ts, td, us, ud, raw, scaled, protocol] = line.split("\t");
    const group = (Number.parseInt(to?.slice(0, 2) ?? "", 16) & 1) === 1;
    if (from !== mac && to !== mac && !group) continue;
    // What follows the first IP header, so that what an ICMP error quotes does not count.
    const names = (protocols ?? "").split(":");
    const behind = names.slice(names.findIndex((name) => name === "ip" || name === "ipv6") + 1);
    const transport = behind.find((name) => ["tcp", "udp", "icmp", "icmpv6", "ip", "ipv6"].includes(name)) ?? "";
    const isIp = names.includes("ip") || names.includes("ipv6");
    const byNumber = { "1": "icmp", "6": "tcp", "17": "udp" }[protocol ?? ""] ?? "";
    const present = (values: (string | undefined)[]): string[] =>
      values.filter((v) => v !== undefined && v !== "") as string[];
    rows.push({
      time: Number(time),
      length: Number(length),
      up: from === mac,
      addresses: isIp ? present(a === "" ? [c, d] : [a, b]) : [],
      transport: isIp ? (transport === "" ? byNumber : transport) : "",
      ports: isIp && transport === "tcp" ? present([ts, td]) : isIp && transport === "udp" ? present([us, ud]) : [],
      raw: transport === "tcp" && raw !== "" ? Number(raw) : null,
      scaled: transport === "tcp" && scaled !== "" ? Number(scaled) : null,
    });
  }
  return rows;
}

function mean(values: number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, v) => sum + v, 0) / values.length;
}

function deviation(values: number[]): number {
  const m = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - m) ** 2)));
}

function features(rows: Row[], field: "raw" | "scaled"): Features {
  const gaps = rows.slice(1).map((row, i) => row.time - (rows[i]?.time ?? 0));
  const windows = rows.map((row) => row[field]).filter((w) => w !== null);
  const lengths = rows.map((row) => row.length);
  const count = (...names: string[]): number => rows.filter((row) => names.includes(row.transport)).length;
  return {
    n_ip_unique: new Set(rows.flatMap((row) => row.addresses)).size,
    n_port_unique: new Set(rows.flatMap((row) => row.ports)).size,
    n_pack_tcp: count("tcp"),
    n_pack_udp: count("udp"),
    n_pack_icmp: count("icmp", "icmpv6"),
    max_diff_time: Math.max(0, ...gaps),
    mean_window: mean(windows),
    std_window: deviation(windows),
    mean_ipt: mean(gaps),
    std_ipt: deviation(gaps),
    mean_len_pack: mean(lengths),
    std_len_pack: deviation(lengths),
  };
}

function expected(rows: Row[], options: WindowOptions): Features[] {
  const { cut, size, direction, field } = options;
  const start = rows[0]?.time ?? 0;
  const counted = rows.filter((row) => direction === "both" || (direction === "up") === row.up);
  const groups = new Map<number, Row[]>();
  for (const [i, row] of counted.entries()) {
    const key =
      cut === "packets" ? Math.floor(i / size) : cut === "time" ? Math.floor(((row.time - start) * 1e6) / size) : 0;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((group) => features(group, field));
}

function found(path: string, mac: string, options: WindowOptions): Features[] {
  const all: Features[] = [];
  const windows = new Windows(options, {
    window: (window) => {
      all.push(window.features());
    },
  });
  const subject = new DeviceSubject(parseMac(mac) ?? 0);
  readTrace(path, subject, new Observer("lan", new Prefixes([])), {
    seen: (o) => {
      windows.add(o);
    },
  });
  windows.end();
  return all;
}

/** Counts must be equal; a time stamp on epoch time is good for a quarter of a microsecond, moments for the sum of many roundings. */
function agrees(name: FeatureName, a: number, b: number): boolean {
  if (name.startsWith("n_")) return a === b;
  const grain = name.endsWith("ipt") || name === "max_diff_time" ? 1e-6 : 0;
  return Math.abs(a - b) <= grain + 1e-9 * Math.max(Math.abs(a), Math.abs(b), 1);
}

function compare(t: Test, path: string, mac: string, least: number): void {
  const rows = tshark(path, mac);
  t.ok(rows.length >= least, `${rows.length} packets`);
  for (const options of CUTS) {
    const ours = found(path, mac, options);
    const theirs = expected(rows, options);
    const name = `${options.cut} ${options.size} ${options.direction} ${options.field}`;
    t.equal(ours.length, theirs.length, `${name}: as many windows`);
    const differ: string[] = [];
    for (const [i, window] of ours.entries()) {
      for (const feature of FEATURES) {
        const other = theirs[i]?.[feature] ?? NaN;
        if (!agrees(feature, window[feature], other))
          differ.push(`${i}.${feature}: ${window[feature]} against ${other}`);
      }
    }
    t.same(differ.slice(0, 5), [], `${name}: ${ours.length} windows agree`);
  }
}

const DEVICE = "02:00:00:00:00:01";
const ROUTER = "02:00:00:00:00:02";

/** A capture of many kinds of packets, those among them at which counting goes wrong. */
function synthesize(path: string): void {
  const random = new SeededRandom(4, "tshark");
  const writer = new PcapWriter(path);
  let time = 1_700_000_000e6;
  const put = (bytes: Uint8Array, cut = bytes.length): void => {
    time += integer(random, 0, 3) === 0 ? integer(random, 1, 900_000) : integer(random, 1, 2000);
    writer.write(time, bytes, 0, Math.min(cut, bytes.length), 0, bytes.length);
  };
  const payload = (): Uint8Array => new Uint8Array(integer(random, 0, 1300)).fill(7);
  for (let i = 0; i < 1500; i++) {
    const up = integer(random, 0, 1) === 0;
    const six = integer(random, 0, 3) === 0;
    const host = integer(random, 1, 6);
    const ends = six ? ["2001:db8::10", `2001:db8:1::${host}`] : ["192.168.77.10", `198.51.100.${host}`];
    const ports = [40000 + integer(random, 0, 9), [443, 53, 5228][integer(random, 0, 2)] ?? 0];
    if (!up) [ends, ports].forEach((pair) => pair.reverse());
    const [from = "", to = ""] = ends;
    const link = up ? { source: DEVICE, destination: ROUTER } : { source: ROUTER, destination: DEVICE };
    const [sourcePort = 0, destinationPort = 0] = ports;
    const shape = { ...link, from, to, sourcePort, destinationPort, payload: payload() };
    const kind = integer(random, 0, 19);
    if (kind < 9) {
      const syn = integer(random, 0, 7) === 0;
      // Who offers a window scale is settled by host, so that a handshake seen again says the same.
      const offers = host > (up ? 2 : 3);
      const options = hex(!syn ? "" : offers ? "0204 05b4 01 0303 06" : "0204 05b4");
      const flags = (syn ? tcp.SYN : tcp.PSH) | (up && syn ? 0 : tcp.ACK);
      const tail = syn ? new Uint8Array(0) : shape.payload;
      put(frame({ ...shape, protocol: TCP, flags, options, payload: tail, window: integer(random, 0, 65535) }));
    } else if (kind < 14) put(frame({ ...shape, protocol: UDP, trailer: integer(random, 0, 40) }));
    else if (kind < 16) put(frame({ ...shape, protocol: six ? ICMPV6 : ICMP }));
    else if (kind === 16)
      put(hex(`ffffffffffff ${link.source} 0806 0001080006040001 020000000001 c0a84d0a 000000000000 c0a84d01`));
    else if (kind === 17) {
      // An ICMP error that quotes a UDP packet.
      const quoted = frame({ ...shape, protocol: UDP, payload: new Uint8Array(0) }).subarray(14);
      const error = frame({ ...shape, from: "203.0.113.9", to: "192.168.77.10", protocol: ICMP, payload: quoted });
      error[34] = 11;
      put(error);
    } else if (kind === 18 && !six) {
      const later = frame({ ...shape, protocol: UDP });
      ipv4.setFragment(over(later), 14, false, false, 1480);
      ipv4.updateChecksum(over(later), 14);
      put(later);
    } else put(frame({ ...shape, protocol: TCP }), 80);
    if (integer(random, 0, 19) === 0) put(frame({ source: ROUTER, destination: "02:00:00:00:00:77" }));
  }
  writer.close();
}

void test("a synthetic capture", { skip: noTshark }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hushbox-features-"));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, "synthetic.pcap");
  synthesize(path);
  compare(t, path, DEVICE, 1500);
  t.end();
});

const REAL = [
  ["homepod/homepod_44min.pcap.xz", 4000],
  ["echo/full-what_time_is_it_5_30s.pcap.xz", 200],
  ["echo/full-tell_me_a_joke_5_30s.pcap.xz", 200],
] as const;

for (const [name, least] of REAL) {
  const compressed = join(SHARED, "data", name);
  const skip = noTshark || missing("xz") || (existsSync(compressed) ? false : `${compressed} is not there`);
  void test(`the real capture ${name}`, { skip }, (t) => {
    const folder = mkdtempSync(join(tmpdir(), "hushbox-features-"));
    t.teardown(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, "real.pcap");
    spawnSync("xz", ["-dc", compressed], { stdio: ["ignore", openSync(path, "w"), "inherit"] });
    t.ok(readFileSync(path).length > 1000);
    const macs = new Map<string, number>();
    const { stdout } = spawnSync("tshark", ["-r", path, "-T", "fields", "-e", "eth.src", "-e", "eth.dst"], {
      encoding: "utf8",
    });
    for (const mac of stdout.split(/\s+/)) if (mac !== "") macs.set(mac, (macs.get(mac) ?? 0) + 1);
    const [device = ""] = [...macs].sort((a, b) => b[1] - a[1])[0] ?? [];
    compare(t, path, device, least);
    t.end();
  });
}
