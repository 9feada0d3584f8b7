import { spawnSync } from "node:child_process";
import { FEATURES, type FeatureName, type Features } from "../../src/features/features.js";
import type { WindowOptions } from "../../src/features/windows.js";

// The twelve features, window by window, from tshark's fields: plain arrays, sets and two-pass formulas, nothing of hushbox's own.

/** A packet as tshark reads it. */
export interface TsharkRow {
  readonly time: number;
  readonly length: number;
  /** MAC addresses. */
  readonly from: string;
  readonly to: string;
  readonly addresses: string[];
  readonly transport: string;
  readonly ports: string[];
  readonly raw: number | null;
  readonly scaled: number | null;
}

/** A window as worked out from such rows. */
export interface TsharkWindow {
  readonly index: number;
  readonly start: number;
  readonly packets: number;
  readonly bytes: number;
  readonly whole: boolean;
  readonly features: Features;
}

const FIELDS = [
  ..."frame.time_epoch frame.len eth.src eth.dst ip.src ip.dst ipv6.src ipv6.dst frame.protocols".split(" "),
  ..."tcp.srcport tcp.dstport udp.srcport udp.dstport tcp.window_size_value tcp.window_size".split(" "),
  ..."tcp.hdr_len ip.len ip.hdr_len ip.proto ipv6.nxt ipv6.fraghdr.nxt".split(" "),
];
const PREFERENCES = ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE"];
const NUMBERS: Readonly<Record<string, string>> = { "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6" };

/** The packets of a capture. Throws where tshark cannot read it. */
export function tsharkRows(path: string): TsharkRow[] {
  const fields = FIELDS.flatMap((field) => ["-e", field]);
  const args = ["-n", "-r", path, ...PREFERENCES.flatMap((p) => ["-o", p]), "-T", "fields", "-E", "occurrence=f"];
  const { status, stdout, stderr } = spawnSync("tshark", [...args, ...fields], {
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  if (status !== 0) throw new Error(`tshark: ${stderr}`);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Object.fromEntries(line.split("\t").map((value, i) => [FIELDS[i], value])) as Record<string, string>)
    .map(row);
}

/** The packets from and to a device, and to groups. */
export function rowsOf(rows: readonly TsharkRow[], mac: string): TsharkRow[] {
  return rows.filter(({ from, to }) => from === mac || to === mac || (Number.parseInt(to.slice(0, 2), 16) & 1) === 1);
}

function row(values: Readonly<Record<string, string>>): TsharkRow {
  const present = (...fields: string[]): string[] => fields.map((f) => values[f] ?? "").filter((v) => v !== "");
  // What follows the first IP header, so that what an ICMP error quotes or a tunnel carries does not count.
  const names = (values["frame.protocols"] ?? "").split(":");
  const first = names.findIndex((name) => name === "ip" || name === "ipv6");
  const six = names[first] === "ipv6";
  const named = names.slice(first + 1).find((name) => /^(tcp|udp|icmp|icmpv6|ip|ipv6)$/.test(name));
  const [number = ""] = six ? present("ipv6.fraghdr.nxt", "ipv6.nxt") : present("ip.proto");
  const transport = first < 0 ? "" : (named ?? NUMBERS[number] ?? "");
  // A TCP header that is longer than its own packet is read by tshark as far as it goes, and by hushbox not at all.
  const room = six ? Infinity : Number(values["ip.len"]) - Number(values["ip.hdr_len"]);
  const short = transport === "tcp" && Math.max(Number(values["tcp.hdr_len"]), 20) > room;
  const readable = !short && (transport === "tcp" || transport === "udp");
  const window = (field: string): number | null => {
    const [value] = readable && transport === "tcp" ? present(field) : [];
    return value === undefined ? null : Number(value);
  };
  return {
    time: Number(values["frame.time_epoch"]),
    length: Number(values["frame.len"]),
    from: values["eth.src"] ?? "",
    to: values["eth.dst"] ?? "",
    addresses: first < 0 ? [] : six ? present("ipv6.src", "ipv6.dst") : present("ip.src", "ip.dst"),
    transport,
    ports: readable ? present(`${transport}.srcport`, `${transport}.dstport`) : [],
    raw: window("tcp.window_size_value"),
    scaled: window("tcp.window_size"),
  };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, v) => sum + v, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const m = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - m) ** 2)));
}

function features(rows: readonly TsharkRow[], field: "raw" | "scaled"): Features {
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

/** The windows of a trace. `mac` tells directions. */
export function tsharkWindows(rows: readonly TsharkRow[], mac: string | null, options: WindowOptions): TsharkWindow[] {
  const { cut, size, direction, field } = options;
  const start = rows[0]?.time ?? 0;
  const end = rows.at(-1)?.time ?? 0;
  const step = (time: number): number => Math.floor(((time - start) * 1e6) / size);
  const counted = rows.filter((row) => direction === "both" || (direction === "up") === (row.from === mac));
  const groups = new Map<number, TsharkRow[]>();
  for (const [i, row] of counted.entries()) {
    const key = { packets: Math.floor(i / size), time: step(row.time), trace: 0 }[cut];
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups].map(([index, group]) => ({
    index,
    start: group[0]?.time ?? 0,
    packets: group.length,
    bytes: group.reduce((sum, { length }) => sum + length, 0),
    whole: { packets: group.length === size, time: index < step(end), trace: true }[cut],
    features: features(group, field),
  }));
}

/** Counts must be equal; a time on epoch time is good for a quarter of a microsecond, moments for the sum of many roundings. */
export function agrees(name: FeatureName, a: number, b: number): boolean {
  if (name.startsWith("n_")) return a === b;
  const grain = name.endsWith("ipt") || name === "max_diff_time" ? 1e-6 : 0;
  return Math.abs(a - b) <= grain + 1e-9 * Math.max(Math.abs(a), Math.abs(b), 1);
}

/** Where two lists of windows differ, in words; the first few. */
export function differences(ours: readonly TsharkWindow[], theirs: readonly TsharkWindow[]): string[] {
  const found = ours.length === theirs.length ? [] : [`${ours.length} windows against ${theirs.length}`];
  for (const [i, window] of ours.entries()) {
    const other = theirs[i];
    if (other === undefined) break;
    for (const key of ["index", "packets", "bytes", "whole"] as const) {
      if (window[key] !== other[key]) found.push(`${i}.${key}: ${window[key]} against ${other[key]}`);
    }
    if (Math.abs(window.start - other.start) > 1e-6) found.push(`${i}.start: ${window.start} against ${other.start}`);
    for (const name of FEATURES) {
      const [a, b] = [window.features[name], other.features[name]];
      if (!agrees(name, a, b)) found.push(`${i}.${name}: ${a} against ${b}`);
    }
  }
  return found.slice(0, 5);
}
