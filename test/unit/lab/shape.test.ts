import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  symlinkSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type Test } from "tap";
import type { HushboxError } from "../../../src/errors/hushbox-error.js";
import { Quantiles } from "../../../src/lab/quantiles.js";
import { shape, type ShapeOptions } from "../../../src/lab/shape.js";
import { command } from "../../../src/main/shape.js";
import { CaptureReader } from "../../../src/nic/capture-reader.js";
import { PcapWriter } from "../../../src/nic/pcap-writer.js";
import { integer } from "../../../src/random/random.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import * as ethernet from "../../../src/wire/ethernet.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import * as ipv6 from "../../../src/wire/ipv6.js";
import { ICMP, TCP, UDP } from "../../../src/wire/protocol.js";
import { pcapFile } from "../../support/capture.js";
import { frame, over } from "../../support/frame.js";

const DEVICE = "02:00:00:00:00:01";
const ROUTER = "02:00:00:00:00:02";
const OTHER = "02:00:00:00:00:03";
const SPEAKER = "192.168.77.10";
const START = 1_700_000_000e6;

const folder = mkdtempSync(join(tmpdir(), "hushbox-shape-"));
const OUT = join(folder, "out.pcap");
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

/** Two minutes of a device that talks to four hosts over TCP, UDP and ping, in bursts, and to its own network. */
function traffic(name: string, cut = Infinity): string {
  const path = join(folder, name);
  const random = new SeededRandom(9, "traffic");
  const writer = new PcapWriter(path);
  let time = START;
  const put = (bytes: Uint8Array): void => {
    writer.write(time, bytes, 0, Math.min(bytes.length, cut), 0, bytes.length);
  };
  while (time < START + 120e6) {
    const burst = integer(random, 1, 30);
    const protocol = [TCP, TCP, UDP, ICMP][integer(random, 0, 3)] ?? TCP;
    const six = integer(random, 0, 4) === 0 && protocol !== ICMP;
    const cloud = six ? `2001:db8:1::${integer(random, 1, 4)}` : `198.51.100.${integer(random, 1, 4)}`;
    const own = six ? "2001:db8::10" : SPEAKER;
    for (let i = 0; i < burst; i++) {
      time += integer(random, 50, 5000);
      const payload = new Uint8Array(integer(random, 0, 1200));
      const up = { source: DEVICE, destination: ROUTER, from: own, to: cloud, protocol, payload };
      const down = { source: ROUTER, destination: DEVICE, from: cloud, to: own, sourcePort: 443, protocol, payload };
      put(frame(integer(random, 0, 1) === 0 ? up : down));
    }
    put(frame({ source: DEVICE, destination: "01:00:5e:00:00:fb", from: SPEAKER, to: "224.0.0.251", tags: [7] }));
    put(frame({ source: ROUTER, destination: OTHER, from: "198.51.100.9", to: "192.168.77.11" }));
    time += integer(random, 1000, 2_000_000);
  }
  writer.close();
  return path;
}

interface Frame {
  time: number;
  bytes: Uint8Array;
  length: number;
  up: boolean;
}

function read(path: string): Frame[] {
  const reader = CaptureReader.open(path);
  const frames: Frame[] = [];
  const device = ethernet.parseMac(DEVICE);
  while (reader.next()) {
    const bytes = new Uint8Array(reader.length);
    reader.copy(bytes, 0);
    const up = ethernet.source(over(bytes), 0) === device;
    frames.push({ time: reader.time, bytes, length: reader.originalLength, up });
  }
  reader.close();
  return frames;
}

async function run(input: string, given: Partial<ShapeOptions> = {}) {
  const options: ShapeOptions = {
    input,
    output: OUT,
    preset: "paper",
    seed: "1",
    device: DEVICE,
    observer: "lan",
    ...given,
  };
  return { report: await shape(options), frames: read(options.output) };
}

function tagged({ bytes }: Frame): boolean {
  return ethernet.isTag(ethernet.type(over(bytes), 0));
}

function ttl({ bytes }: Frame): number {
  const view = over(bytes);
  return ethernet.type(view, 0) === ethernet.IPV4 ? ipv4.ttl(view, 14) : ipv6.hopLimit(view, 14);
}

const IN = traffic("in.pcap");

void test("preset off changes nothing but leaves other hosts out", async (t) => {
  const { report, frames } = await run(IN, { preset: "off" });
  const other = ethernet.parseMac(OTHER);
  const all = read(IN);
  const link = all.filter(({ bytes }) => ethernet.destination(over(bytes), 0) !== other);
  t.equal(report.foreign, all.length - link.length);
  t.ok(report.foreign > 10);
  t.same(frames, link, "every frame at its time");
  t.match(report, { overhead: { bytes: 0, packets: 0 }, added_delay_ms: { p50: 0, p99: 0 } });
  t.same(report.in, report.out);
  t.equal(report.in.up.packets, link.filter((f) => f.up).length);
  t.equal(
    report.in.down.bytes,
    link.filter((f) => !f.up).reduce((sum, f) => sum + f.length, 0),
  );
  t.same([...new Set(Object.values(report.drops))], [0]);
});

void test("preset paper at lan: constant frames, decoys, delays in bounds and in order, nothing lost", async (t) => {
  const { report, frames } = await run(IN);
  const off = await run(IN, { preset: "off", output: join(folder, "off.pcap") });
  t.same([...new Set(frames.filter((f) => f.up).map((f) => f.length))], [1514]);
  t.same(
    frames.filter((f) => !f.up),
    off.frames.filter((f) => !f.up),
    "down as it came",
  );
  t.ok(
    frames.every((f, i) => f.time >= (frames[i - 1]?.time ?? 0)),
    "in the order of time",
  );

  // Each real frame leaves once, unchanged but for the trailer, in order, and at most maxDelay late; the rest are decoys.
  const real = off.frames.filter((f) => f.up && !tagged(f));
  const up = frames.filter((f) => f.up && !tagged(f));
  let decoys = 0;
  let next = 0;
  let latest = 0;
  for (const sent of up) {
    const given = real[next];
    if (given?.bytes.every((byte, i) => sent.bytes[i] === byte)) {
      latest = Math.max(latest, sent.time - given.time);
      if (sent.time < given.time) t.fail("a frame left before it came");
      if (sent.bytes.subarray(given.bytes.length).some((byte) => byte !== 0)) t.fail("a trailer that is not zeros");
      next++;
    } else decoys++;
  }
  t.equal(next, real.length, "all real frames, in order");
  t.ok(latest > 1000 && latest < 20_001, `delayed by at most ${latest} µs`);
  const { tcp = 0, udp = 0, icmp = 0, traceroute = 0 } = report.decoys;
  t.ok(tcp > 0 && udp > 0 && icmp > 0 && traceroute > 0, `decoys of every kind: ${JSON.stringify(report.decoys)}`);
  t.ok(decoys >= 50 && decoys <= tcp + udp + icmp + traceroute, `${decoys} decoys`);
  t.equal(report.out.up.packets - report.in.up.packets, decoys);
  t.equal(
    report.out.up.bytes,
    frames.filter((f) => f.up).reduce((sum, f) => sum + f.length, 0),
  );
  t.ok(report.overhead.bytes > 0.5 && report.overhead.packets > 0);
  t.ok(report.added_delay_ms.p50 > 0 && report.added_delay_ms.p99 >= report.added_delay_ms.p50);
  t.ok(report.added_delay_ms.p99 <= 20.05);
});

void test("preset paper at wan: no trailers or tags, one hop further, only what leaves the house", async (t) => {
  const { report, frames } = await run(IN, { observer: "wan" });
  const lan = await run(IN, { output: join(folder, "lan.pcap") });
  for (const { bytes, length } of frames) {
    const view = over(bytes);
    const four = ethernet.type(view, 0) === ethernet.IPV4;
    const end = four ? ipv4.totalLength(view, 14) : ipv6.HEADER + ipv6.payloadLength(view, 14);
    if (length !== 14 + end || bytes.length !== length) t.fail(`${length} bytes for a packet of ${end}`);
    if (four && !ipv4.checksumValid(view, 14)) t.fail("a wrong header checksum");
    if (four && ipv4.destination(view, 14) === ipv4.parse("224.0.0.251")) t.fail("multicast behind the router");
  }
  const ttls = (up: boolean): number[] => [...new Set(frames.filter((f) => f.up === up).map(ttl))].sort();
  t.same(ttls(false), [65], "down, before the router took its hop");
  t.same(ttls(true), [1, 63], "real packets with 63 left, decoys with 1");
  const local = lan.frames.filter((f) => f.up && tagged(f)).length;
  const dead = lan.frames.filter((f) => f.up && !tagged(f) && ttl(f) === 1).length;
  t.ok(dead > 0, "a traceroute's first packet dies at the router");
  t.equal(frames.filter((f) => f.up).length, lan.frames.filter((f) => f.up).length - local - dead);
  t.equal(report.out.up.packets, frames.filter((f) => f.up).length);
  t.ok(report.overhead.bytes > 0 && report.overhead.bytes < lan.report.overhead.bytes, "padding ends at the router");
});

void test("the same seed gives the same bytes, another seed others", async (t) => {
  const bytes = async (seed: string): Promise<Buffer> => {
    await run(IN, { seed });
    return readFileSync(OUT);
  };
  const first = await bytes("7");
  t.ok(first.equals(await bytes("7")));
  t.notOk(first.equals(await bytes("8")));
});

void test("the device by IPv4, IPv6 and MAC address is the same device", async (t) => {
  const byMac = (await run(IN)).report;
  for (const device of [SPEAKER, "2001:db8::10", "02-00-00-00-00-01"]) {
    t.same((await run(IN, { device })).report, byMac, device);
  }
});

void test("a capture that was cut keeps its true lengths", async (t) => {
  const cut = traffic("cut.pcap", 60);
  for (const observer of ["lan", "wan"] as const) {
    const { report } = await run(cut, { observer });
    t.same(report.in, (await run(IN, { observer })).report.in, observer);
    t.same([...new Set(Object.values(report.drops))], [0]);
  }
  const { frames } = await run(cut);
  t.ok(frames.filter((f) => f.up).every((f) => f.length === 1514));
  t.equal(frames.filter((f) => !f.up).length, (await run(IN)).frames.filter((f) => !f.up).length);
});

async function failing(t: Test, options: Partial<ShapeOptions>, code: string, message: RegExp): Promise<void> {
  rmSync(OUT, { force: true });
  try {
    await run(IN, options);
    t.fail("there was no error");
  } catch (error) {
    t.match(error, { name: "HushboxError", code });
    t.match((error as HushboxError).message, message);
  }
  t.notOk(existsSync(OUT), "no output");
  t.same(
    readdirSync(folder).filter((name) => name.includes("unfinished")),
    [],
    "nothing half-written",
  );
}

void test("what cannot be shaped is a clear error and leaves nothing behind", async (t) => {
  const file = (name: string, bytes: Uint8Array): { input: string } => {
    writeFileSync(join(folder, name), bytes);
    return { input: join(folder, name) };
  };
  const whole = readFileSync(IN);
  await failing(t, { input: join(folder, "none.pcap") }, "capture-invalid", /none\.pcap/);
  await failing(t, file("text.pcap", Buffer.from("no capture at all")), "capture-invalid", /neither pcap nor pcapng/);
  await failing(t, file("empty.pcap", Buffer.alloc(0)), "capture-invalid", /empty/);
  await failing(t, file("header.pcap", pcapFile()), "capture-invalid", /no packets/);
  await failing(t, file("wifi.pcap", pcapFile({ linkType: 105 })), "link-type-unsupported", /802\.11/);
  await failing(t, file("cut-short.pcap", whole.subarray(0, whole.length - 7)), "capture-truncated", /cut-short\.pcap/);
  await failing(t, { device: "192.168.77.200" }, "capture-invalid", /192\.168\.77\.200 never appears/);
  await failing(t, { device: "02:00:00:00:00:99" }, "capture-invalid", /02:00:00:00:00:99 never appears/);
  await failing(t, { device: "speaker" }, "usage", /neither a MAC address nor an IP address/);
  await failing(t, { output: folder }, "capture-invalid", /it is a directory/);
  await failing(t, { output: join(folder, "no/such/folder.pcap") }, "capture-invalid", /no\/such\/folder/);
});

void test("an output of an earlier run stays whole when a later one fails", async (t) => {
  await run(IN);
  const before = readFileSync(OUT);
  await t.rejects(run(join(folder, "cut-short.pcap")), { code: "capture-truncated" });
  t.ok(readFileSync(OUT).equals(before));
});

void test("an output that is a link stays one, and a device is written as it is", async (t) => {
  const [file, link] = [join(folder, "file.pcap"), join(folder, "link.pcap")];
  writeFileSync(file, "");
  symlinkSync(file, link);
  await run(IN, { output: link });
  t.ok(lstatSync(link).isSymbolicLink());
  t.ok(lstatSync(file).size > 1000);
  await shape({ input: IN, output: "/dev/null", preset: "off", seed: "1", device: DEVICE, observer: "lan" });
  t.ok(lstatSync("/dev/null").isCharacterDevice());
  t.notOk(existsSync("/dev/null.unfinished"));
});

void test("quantiles of known numbers", (t) => {
  const quantiles = new Quantiles();
  t.equal(quantiles.at(0.5), 0);
  for (let i = 1; i <= 1000; i++) quantiles.add(i * 20);
  for (const [q, right] of [
    [0.5, 10_000],
    [0.99, 19_800],
    [1, 20_000],
    [0, 20],
  ] as const) {
    t.ok(Math.abs(quantiles.at(q) / right - 1) < 0.0015, `${q}: ${quantiles.at(q)} for ${right}`);
  }
  t.end();
});

void test("the command line", async (t) => {
  const said: string[] = [];
  t.intercept(console, "log", { value: (line: string) => said.push(line) });
  const good = [IN, OUT, "--preset", "paper", "--device", DEVICE];
  t.equal(await command.run([...good, "--json", "--seed", "3", "--observer", "wan"]), 0);
  t.match(JSON.parse(said[0] ?? ""), { preset: "paper", seed: "3", observer: "wan", device: DEVICE });
  t.equal(await command.run(good), 0);
  t.match(said[1], /overhead .*% of bytes/);
  for (const [args, message] of [
    [[IN], /two files/],
    [[IN, OUT, "third", "--preset", "off", "--device", DEVICE], /two files/],
    [[IN, OUT, "--device", DEVICE], /--preset is missing/],
    [[IN, OUT, "--preset", "papre", "--device", DEVICE], /no preset "papre".*off, paper/],
    [[IN, OUT, "--preset", "paper"], /--device is missing/],
    [[...good, "--observer", "isp"], /lan or wan/],
  ] as const) {
    await t.rejects(async () => command.run([...args]), { code: "usage", message });
  }
  await t.rejects(async () => command.run([...good, "--sede", "1"]), { code: "ERR_PARSE_ARGS_UNKNOWN_OPTION" });
  t.match(command.usage, /Example:\n {2}hushbox shape/);
});
