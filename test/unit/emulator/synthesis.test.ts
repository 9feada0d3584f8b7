import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import { PACKET_RATIO, WINDOWS } from "../../../src/emulator/calibration.js";
import { which } from "../../../src/emulator/command.js";
import { DEFAULT_MIXTURE, makePlan, only } from "../../../src/emulator/make-plan.js";
import { total, type Activity, type Plan } from "../../../src/emulator/plan.js";
import { labels, synthesise, writeCapture } from "../../../src/emulator/synthesis.js";
import { TOPOLOGY } from "../../../src/emulator/topology.js";
import { emulateCommand } from "../../../src/emulator/emulate.js";
import { seconds } from "../../../src/time/micros.js";

const folder = mkdtempSync(join(tmpdir(), "hushbox-synthesis-"));
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});
const tshark = which("tshark") === null ? "install the Debian package tshark" : false;

function plan(seed: string, length: number, mixture = DEFAULT_MIXTURE): Plan {
  return makePlan({ seed, duration: seconds(length), mixture, scale: 1 });
}

function written(name: string, made: Plan): string {
  const file = join(folder, name);
  writeCapture(made, file);
  return file;
}

/** Fields of all frames that match, as tshark reads them. */
function fields(file: string, filter: string, ...names: string[]): string[][] {
  const checks = ["ip", "tcp", "udp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
  const wanted = names.flatMap((name) => ["-e", name]);
  const args = ["-n", "-r", file, ...checks, "-Y", filter, "-T", "fields", "-E", "occurrence=f", ...wanted];
  const text = execFileSync("tshark", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 1 << 28,
  });
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}

void test("the same plan gives the same bytes, another seed other ones", (t) => {
  const file = written("a.pcap", plan("1", 60));
  t.ok(readFileSync(file).equals(readFileSync(written("b.pcap", plan("1", 60)))));
  t.notOk(readFileSync(file).equals(readFileSync(written("c.pcap", plan("2", 60)))));
  t.end();
});

void test("frames are in order of time and fit the MTU", (t) => {
  let last = 0;
  let most = 0;
  for (const { at, frame } of synthesise(plan("3", 60))) {
    if (at < last) t.fail(`${String(at)} after ${String(last)}`);
    last = at;
    most = Math.max(most, frame.length);
  }
  t.equal(most, 1514);
  t.end();
});

void test("tshark finds nothing wrong", { skip: tshark }, (t) => {
  const file = written("clean.pcap", plan("4", 60));
  const wrong =
    "_ws.malformed or _ws.expert.severity >= error or ip.checksum.status == 0 or tcp.checksum.status == 0 or udp.checksum.status == 0 or icmp.checksum.status == 0 or icmpv6.checksum.status == 0";
  t.same(fields(file, wrong, "frame.number", "_ws.expert.message"), []);
  const odd = "tcp.analysis.flags and not tcp.analysis.keep_alive and not tcp.analysis.keep_alive_ack";
  t.same(fields(file, odd, "frame.number", "_ws.expert.message"), [], "no segment lost, repeated or out of order");
  t.ok(fields(file, "tcp.analysis.keep_alive", "frame.number").length >= 3, "keep-alives are known as such");
  const protocols = fields(file, "frame", "frame.protocols").join(" ");
  for (const protocol of ["arp", "dns", "ntp", "icmp", "icmpv6", "mdns", "http", "tls", "quic"]) {
    t.match(protocols, new RegExp(`:${protocol}\\b`), protocol);
  }
  t.ok(fields(file, "tls.handshake.extensions_server_name", "frame.number").length > 3);
  t.end();
});

void test("every TCP stream carries what the plan says", { skip: tshark }, (t) => {
  const made = plan("5", 60);
  const file = written("streams.pcap", made);
  const ports = [443, 5228].map((port) => `tcp.port == ${String(port)}`).join(" or ");
  const streams = new Map<string, { up: number; down: number }>();
  for (const [stream = "", mac, length] of fields(file, ports, "tcp.stream", "eth.src", "tcp.len")) {
    const sums = streams.get(stream) ?? { up: 0, down: 0 };
    if (mac === TOPOLOGY.speaker.mac) sums.up += Number(length);
    else sums.down += Number(length);
    streams.set(stream, sums);
  }
  const planned = made.steps.flatMap((step) =>
    step.action === "connect" && step.transport === "tls" ? [step.connection] : [],
  );
  t.equal(streams.size, planned.length, "a stream for each connection");
  [...streams.values()].forEach(({ up, down }, index) => {
    let [plannedUp, plannedDown, records] = [0, 0, 0];
    for (const step of made.steps) {
      if (step.action !== "transfer" || step.connection !== planned[index]) continue;
      plannedUp += total(step.up);
      plannedDown += total(step.down);
      records += [...step.up, ...step.down].reduce((sum, { bytes, chunk }) => sum + Math.ceil(bytes / chunk) + 1, 0);
    }
    // A TLS handshake, and 22 bytes for each record.
    t.ok(up >= plannedUp + 517 && up <= plannedUp + 700 + 22 * records, `up ${String(up)} for ${String(plannedUp)}`);
    t.ok(
      down >= plannedDown + 2_000 && down <= plannedDown + 2_600 + 22 * records,
      `down ${String(down)} for ${String(plannedDown)}`,
    );
  });
  // Reassembled: as many bytes as the last sequence number says, with no hole (tcp.analysis above would tell).
  const ends = fields(file, "tcp.flags.fin == 1 and eth.src == 02:68:62:00:00:10", "tcp.stream", "tcp.seq");
  for (const [stream = "", sequence] of ends) {
    const sums = streams.get(stream);
    if (sums !== undefined) t.equal(Number(sequence), sums.up + 1, `stream ${stream}`);
  }
  t.end();
});

void test("windows and handshakes are the measured ones", { skip: tshark }, (t) => {
  const file = written("windows.pcap", plan("6", 60));
  const syns = fields(
    file,
    "tcp.flags.syn == 1",
    "eth.src",
    "tcp.window_size_value",
    "tcp.options.wscale.shift",
    "frame.len",
  );
  for (const [mac, window, scale] of syns) {
    const up = mac === TOPOLOGY.speaker.mac;
    t.equal(Number(window), up ? WINDOWS.speakerSyn : WINDOWS.cloudSyn);
    t.equal(Number(scale), up ? WINDOWS.speakerScale : WINDOWS.cloudScale);
  }
  const later = fields(file, "tcp.flags.syn == 0", "eth.src", "tcp.window_size_value");
  const of = (up: boolean): number[] =>
    later.filter(([mac]) => (mac === TOPOLOGY.speaker.mac) === up).map(([, window]) => Number(window));
  t.ok(
    of(true).every((window) => window >= 229 && window <= 2_172),
    "raw 229-2,172",
  );
  t.ok(
    of(false).every((window) => window >= 235 && window <= 280),
    "raw 235 and 280 dominate",
  );
  t.end();
});

void test("media, travel and utility queries have packets as 8 to 1.3 to 1", (t) => {
  const minutes = 14;
  const packets = (activity: Activity): number => {
    let count = 0;
    for (const frame of synthesise(plan("7", 60 * minutes, only(activity)))) count += frame.frame.length > 0 ? 1 : 0;
    return count;
  };
  const idle = packets("idle");
  const media = packets("media") - idle;
  const travel = packets("travel") - idle;
  const utility = packets("utility") - idle;
  const queries = 2 * minutes;
  t.ok(
    media / queries > 1_500 && media / queries < 2_500,
    `${(media / queries).toFixed(0)} packets per media query; calibration 3.1: 1,805-1,855 mostly, in 195 s`,
  );
  const near = (value: number, goal: number): boolean => Math.abs(value / goal - 1) < 0.15;
  t.ok(near(media / utility, PACKET_RATIO.media), `media : utility is ${(media / utility).toFixed(2)}`);
  t.ok(near(travel / utility, PACKET_RATIO.travel), `travel : utility is ${(travel / utility).toFixed(2)}`);
  const rate = idle / (60 * minutes);
  t.ok(rate > 1 && rate < 2, `${rate.toFixed(2)} packets/s when idle; calibration 3.1: 1.36`);
  t.end();
});

void test("one media query has the shape of the measured captures", { skip: tshark }, (t) => {
  const made = plan("1", 195, [{ activity: "media", seconds: 195 }]);
  const file = written("media.pcap", made);
  const begun = (made.steps.find(({ activity }) => activity === "media")?.at ?? 0) / 1e6;
  const frames = fields(file, "frame", "frame.time_relative", "frame.len", "eth.src", "udp.length").map(
    ([time, length, mac, udp]) => ({
      at: Number(time) - begun,
      length: Number(length),
      up: mac === TOPOLOGY.speaker.mac,
      udp: udp !== "",
    }),
  );
  const phase = (from: number, to: number) => frames.filter(({ at }) => at >= from && at < to);
  const kilobytes = (list: typeof frames, up: boolean): number =>
    list.reduce((sum, frame) => sum + (frame.up === up ? frame.length : 0), 0) / 1000;
  const within = (value: number, measured: number, by: number, what: string): void => {
    t.ok(Math.abs(value / measured - 1) <= by, `${what}: ${value.toFixed(2)}, measured ${String(measured)}`);
  };
  within(phase(0, 5).length, 298, 0.3, "packets of the spoken part");
  within(kilobytes(phase(0, 5), true), 162, 0.2, "its kB out");
  within(phase(5, 11).length, 187, 0.4, "packets of telemetry and set-up");
  within(kilobytes(phase(5, 11), true), 64, 0.4, "its kB out");
  within(phase(11, 21).length, 1_022, 0.15, "packets of the stream, the usual capture");
  within(kilobytes(phase(11, 21), false), 740, 0.15, "its kB in");
  within(phase(60, 195).length / 135, 1.36, 0.6, "packets/s in quiet");
  const lengths = frames.map(({ length }) => length);
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  t.ok(mean > 600 && mean < 863, `mean length ${mean.toFixed(0)}, measured 665-863`);
  const gaps = frames
    .slice(1)
    .map(({ at }, i) => at - (frames[i]?.at ?? 0))
    .sort((a, b) => a - b);
  const median = gaps[Math.floor(gaps.length / 2)] ?? 1;
  t.ok(median > 0.00002 && median < 0.0003, `median gap ${median.toFixed(6)} s, measured 0.0001`);
  const gap = frames.at(-1)?.at ?? 0;
  within(gap / gaps.length, 0.1, 0.3, "mean gap, measured 0.034-0.118");
  const hosts = new Set(
    fields(
      file,
      "eth.src == 02:68:62:00:00:10 and (ip.dst == 198.18.0.0/16 or ipv6.dst == 2001:db8:c10d::/48)",
      "ip.dst",
      "ipv6.dst",
    ).map((pair) => pair.join("")),
  );
  t.ok(hosts.size >= 12 && hosts.size <= 17, `${String(hosts.size)} remote addresses, measured 13-15`);
  t.end();
});

void test("the labels of a plan cover it", (t) => {
  const spans = labels(plan("8", 60));
  t.equal(spans[0]?.from, 0);
  t.equal(spans.at(-1)?.to, 60);
  spans.slice(1).forEach(({ from }, i) => t.equal(from, spans[i]?.to));
  t.end();
});

void test("emulate pcap writes a file and says what is in it", async (t) => {
  const file = join(folder, "command.pcap");
  t.equal(await emulateCommand(["pcap", file, "--duration", "20s", "--activity", "travel"]), 0);
  t.equal(readFileSync(file).readUInt32LE(), 0xa1b23c4d);
  await t.rejects(emulateCommand(["pcap"]), { code: "usage", message: /one file/ });
  await t.rejects(emulateCommand(["pcap", join(folder, "none", "x.pcap")]), { code: "capture-invalid" });
});
