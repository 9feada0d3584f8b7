// `hushbox shape --preset standalone` on a capture of the emulated speaker, read back by tshark.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type Test } from "tap";
import { which } from "../../../src/emulator/command.js";
import { DEFAULT_MIXTURE, makePlan } from "../../../src/emulator/make-plan.js";
import { synthesise } from "../../../src/emulator/synthesis.js";
import { TOPOLOGY } from "../../../src/emulator/topology.js";
import { shape, type ShapeOptions, type ShapeReport } from "../../../src/lab/shape.js";
import { PcapWriter } from "../../../src/nic/pcap-writer.js";
import { seconds } from "../../../src/time/micros.js";
import * as icmp from "../../../src/wire/icmp.js";
import { ICMP } from "../../../src/wire/protocol.js";
import { frame, over } from "../../support/frame.js";

const { mac } = TOPOLOGY.speaker;
const START = 1_750_000_000e6;
const SLOT = 5_000;
/** Enough of each frame for all headers that there are. */
const CUT = 100;

const folder = mkdtempSync(join(tmpdir(), "hushbox-standalone-"));
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});
const skip = which("tshark") === null ? "install the Debian package tshark" : false;

/** A minute of the emulated speaker. */
function traffic(name: string, cut = Infinity): string {
  const file = join(folder, name);
  const writer = new PcapWriter(file);
  const plan = makePlan({ seed: "standalone", duration: seconds(60), mixture: DEFAULT_MIXTURE, scale: 1 });
  for (const { at, frame } of synthesise(plan, START))
    writer.write(START + at, frame, 0, Math.min(cut, frame.length), 0, frame.length);
  writer.close();
  return file;
}

async function shaped(name: string, options: Partial<ShapeOptions>): Promise<{ file: string; report: ShapeReport }> {
  const output = join(folder, name);
  const input = join(folder, "whole.pcap");
  const given = { input, preset: "standalone", seed: "1", device: mac, observer: "lan", ...options } as const;
  return { file: output, report: await shape({ ...given, output }) };
}

const FIELDS = [
  ...[
    "frame.time_epoch",
    "frame.len",
    "eth.src",
    "ip.src",
    "ip.dst",
    "ipv6.dst",
    "frame.protocols",
    "ip.ttl",
    "ipv6.hlim",
  ],
  ...["tcp.flags", "tcp.window_size", "udp.length", "_ws.malformed"],
  ...["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status"],
  ...["icmp.checksum.status", "icmpv6.checksum.status"],
] as const;
type Row = Record<(typeof FIELDS)[number], string>;

/** All frames as tshark reads them. */
function read(file: string): Row[] {
  const options = ["ip", "tcp", "udp"].map((name) => `${name}.check_checksum:TRUE`);
  const prefer = ["ip.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE", ...options].flatMap((one) => ["-o", one]);
  const fields = FIELDS.flatMap((field) => ["-e", field]);
  const args = ["-n", "-r", file, ...prefer, "-T", "fields", "-E", "occurrence=f", ...fields];
  const text = execFileSync("tshark", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 1 << 28,
  });
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const values = line.split("\t");
      return Object.fromEntries(FIELDS.map((field, i) => [field, values[i] ?? ""])) as Row;
    });
}

/** Frames of the device that leave the house. */
function leaving(rows: readonly Row[]): Row[] {
  return rows.filter((row) => {
    const to = row["ip.dst"] || row["ipv6.dst"];
    return row["eth.src"] === mac && to !== "" && !/^(192\.168|224|239|255|f[def])/.test(to);
  });
}

function tally(rows: readonly Row[], of: (row: Row) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of rows) counts[of(row)] = (counts[of(row)] ?? 0) + 1;
  return counts;
}

/** The share of datagrams and decoys that fill the frame; what is left went plain since nothing was heard of the ones before. */
function filled(rows: readonly Row[]): number {
  const grown = leaving(rows).filter((row) => row["udp.length"] !== "" || (row["ip.ttl"] || row["ipv6.hlim"]) <= "2");
  return grown.filter((row) => row["frame.len"] === "1514").length / grown.length;
}

function micros(row: Row): number {
  const [whole = "", fraction = ""] = row["frame.time_epoch"].split(".");
  return Number(whole) * 1e6 + Number(fraction.slice(0, 6));
}

function bytes(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + Number(row["frame.len"]), 0);
}

function sound(t: Test, rows: readonly Row[], what: string): void {
  // What tshark guesses random bytes on random ports to be does not count.
  const bad = rows.filter((row) => /: (IP|IPv6|TCP|UDP|ICMP|ICMPv6|ARP|DNS|NTP|TLS|QUIC)\b/.test(row["_ws.malformed"]));
  t.same(bad.slice(0, 3), [], `${what}: nothing malformed`);
  for (const name of ["ip", "tcp", "udp", "icmp", "icmpv6"] as const) {
    const wrong = rows.filter((row) => row[`${name}.checksum.status`] === "0");
    t.same(wrong.slice(0, 3), [], `${what}: no wrong checksum of ${name}`);
  }
}

traffic("whole.pcap");
traffic("cut.pcap", CUT);

for (const observer of ["lan", "wan"] as const) {
  void test(
    `standalone at ${observer}: sound frames, in slots, one window, volumes as reported`,
    { skip },
    async (t) => {
      const { file, report } = await shaped(`${observer}.pcap`, { observer });
      const off = await shaped(`${observer}-off.pcap`, { observer, preset: "off" });
      const rows = read(file);
      const up = rows.filter((row) => row["eth.src"] === mac);
      const down = rows.filter((row) => row["eth.src"] !== mac);
      sound(t, rows, observer);
      const given = read(off.file).filter((row) => row["eth.src"] !== mac);
      t.same(down, given, "what comes down is seen as it came, before the box");
      t.same(report.out.up, { packets: up.length, bytes: bytes(up) }, "volume up");
      t.same(report.out.down, { packets: down.length, bytes: bytes(down) }, "volume down");
      t.same(report.in, off.report.out);
      const before = report.in.up.bytes + report.in.down.bytes;
      const share = (bytes(rows) - before) / before;
      t.ok(Math.abs(report.overhead.bytes - share) < 1e-6, "overhead");
      t.same([...new Set(Object.values(report.drops))], [0], "no drops");

      const world = leaving(rows);
      t.ok(world.length > 500, `${String(world.length)} frames to the world`);
      t.same(
        tally(world, (row) => String(micros(row) % SLOT)),
        { "0": world.length },
        "on the grid",
      );
      t.ok(report.added_delay_ms.p99 <= 20.05, `${String(report.added_delay_ms.p99)} ms`);
      const windows = tally(
        world.filter((row) => row["tcp.window_size"] !== ""),
        (row) => row["tcp.window_size"],
      );
      t.equal(Object.keys(windows).length, 1, `windows ${JSON.stringify(windows)}`);
      if (observer === "lan") t.ok(up.every((row) => row["frame.len"] === "1514"));
      t.ok(filled(rows) >= 0.99, `${String(filled(rows))} of datagrams and decoys`);
    },
  );
}

void test("standalone on a capture that was cut: true lengths, sound headers", { skip }, async (t) => {
  for (const observer of ["lan", "wan"] as const) {
    const input = join(folder, "cut.pcap");
    const { file, report } = await shaped(`cut-${observer}.pcap`, { observer, input });
    const rows = read(file);
    t.equal(rows.filter((row) => row["ip.checksum.status"] === "0").length, 0);
    t.same(report.in, (await shaped("off.pcap", { observer, preset: "off" })).report.out);
    t.same(report.out.up.bytes, bytes(rows.filter((row) => row["eth.src"] === mac)));
    t.ok(filled(rows) >= 0.99, `${String(filled(rows))} of datagrams and decoys`);
    const windows = leaving(rows).map((row) => row["tcp.window_size"]);
    t.same([...new Set(windows)].sort(), ["", "14336"]);
  }
});

void test("an observer outside sees what comes down before the box takes anything from it", { skip }, async (t) => {
  const input = join(folder, "ping.pcap");
  const writer = new PcapWriter(input);
  const { router, speaker } = TOPOLOGY;
  const ends = { source: speaker.mac, destination: router.mac, from: speaker.v4, to: "198.18.5.15", protocol: ICMP };
  const back = { source: router.mac, destination: speaker.mac, from: ends.to, to: ends.from, protocol: ICMP };
  const request = frame({ ...ends, payload: new Uint8Array(56).fill(7) });
  // As the far end answers the request that the box has grown: the box will cut the reply back.
  const reply = frame({ ...back, payload: new Uint8Array(1472).fill(7, 0, 56) });
  reply[34] = 0;
  icmp.updateChecksum(over(reply), 34, reply.length);
  writer.write(START, request, 0, request.length);
  writer.write(START + 20_000, reply, 0, reply.length);
  writer.close();
  for (const observer of ["lan", "wan"] as const) {
    const { file, report } = await shaped("ping-out.pcap", { observer, input });
    const rows = read(file);
    sound(t, rows, observer);
    t.same(
      rows.map((row) => [row["eth.src"], row["frame.len"]]),
      [
        [speaker.mac, "1514"],
        [router.mac, "1514"],
      ],
    );
    t.same(report.out.down, report.in.down);
  }
});
