// The twelve features, window by window, against an independent computation from tshark's fields (test/support/tshark-windows.ts).
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import tap, { test, type Test } from "tap";
import { DEFAULT_MIXTURE, makePlan } from "../../../src/emulator/make-plan.js";
import { writeCapture } from "../../../src/emulator/synthesis.js";
import { TOPOLOGY } from "../../../src/emulator/topology.js";
import { HushboxError } from "../../../src/errors/hushbox-error.js";
import { Windows, type WindowOptions } from "../../../src/features/windows.js";
import { CaptureReader } from "../../../src/nic/capture-reader.js";
import { PcapWriter } from "../../../src/nic/pcap-writer.js";
import { integer } from "../../../src/random/random.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { seconds } from "../../../src/time/micros.js";
import { Observer } from "../../../src/trace/observer.js";
import { readTrace } from "../../../src/trace/read-trace.js";
import { DeviceSubject, EverySubject } from "../../../src/trace/subject.js";
import { parseMac } from "../../../src/wire/ethernet.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import { Prefixes } from "../../../src/wire/prefix.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../../src/wire/protocol.js";
import * as tcp from "../../../src/wire/tcp.js";
import { frame, hex, over } from "../../support/frame.js";
import { captures, headerCaptures, missing } from "../../support/shared-data.js";
import {
  differences,
  rowsOf,
  tsharkRows,
  tsharkWindows,
  type TsharkRow,
  type TsharkWindow,
} from "../../support/tshark-windows.js";

tap.setTimeout(1_200_000);

const noTshark = spawnSync("tshark", ["--version"]).error === undefined ? false : "tshark is not installed";

const CUTS: WindowOptions[] = [
  { cut: "packets", size: 50, direction: "both", field: "raw" },
  { cut: "packets", size: 20, direction: "up", field: "raw" },
  { cut: "packets", size: 200, direction: "both", field: "scaled" },
  { cut: "packets", size: 100, direction: "down", field: "raw" },
  { cut: "time", size: 2e6, direction: "down", field: "raw" },
  { cut: "time", size: 5e6, direction: "both", field: "raw" },
  { cut: "time", size: 60e6, direction: "up", field: "scaled" },
  { cut: "trace", size: 0, direction: "both", field: "scaled" },
];

/** The windows of a capture; of all its packets where `mac` is null. */
function windowsOf(path: string, mac: string | null, options: WindowOptions): TsharkWindow[] {
  const all: TsharkWindow[] = [];
  const windows = new Windows(options, {
    window: (window, index, whole) => {
      const { packets, bytes, from } = window;
      all.push({ index, start: from / 1e6, packets, bytes, whole, features: window.features() });
    },
  });
  const subject = mac === null ? new EverySubject() : new DeviceSubject(parseMac(mac) ?? 0);
  readTrace(path, subject, new Observer("lan", new Prefixes([])), {
    seen: (o) => {
      windows.add(o);
    },
  });
  windows.end();
  return all;
}

function compare(t: Test, path: string, all: TsharkRow[], mac: string | null, least: number): void {
  const rows = mac === null ? all : rowsOf(all, mac);
  t.ok(rows.length >= least, `${rows.length} packets`);
  for (const options of CUTS) {
    if (mac === null && options.direction !== "both") continue;
    const ours = windowsOf(path, mac, options);
    const name = `${options.cut} ${options.size} ${options.direction} ${options.field}`;
    t.same(differences(ours, tsharkWindows(rows, mac, options)), [], `${name}: ${ours.length} windows agree`);
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
    } else if (kind === 18 && six) {
      // A later fragment, and one behind options that has its ports.
      const fragment = (offset: string): [number, Uint8Array] => [44, hex(`00 00 ${offset} 00000001`)];
      put(frame({ ...shape, protocol: UDP, extensions: [fragment("05c8")] }));
      put(frame({ ...shape, protocol: UDP, extensions: [[0, hex("0000 0104 0000 0000")], fragment("0001")] }));
    } else if (kind === 18) {
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
  compare(t, path, tsharkRows(path), DEVICE, 1500);
  t.end();
});

void test("emulated speakers, IPv4 and IPv6, every activity", { skip: noTshark }, (t) => {
  for (const seed of ["1", "2"]) {
    const path = join(t.testdir(), "emulated.pcap");
    const length = seconds(240);
    writeCapture(makePlan({ seed, duration: length, mixture: DEFAULT_MIXTURE, scale: 1 }), path);
    const rows = tsharkRows(path);
    compare(t, path, rows, TOPOLOGY.speaker.mac, 2000);
    const families = new Set(rows.map(({ addresses }) => addresses[0]?.includes(":")));
    t.ok(families.has(true) && families.has(false), "both families");
  }
  t.end();
});

/** The MAC address of most frames. */
function busiest(rows: readonly TsharkRow[]): string {
  const macs = new Map<string, number>();
  for (const mac of rows.flatMap(({ from, to }) => [from, to])) macs.set(mac, (macs.get(mac) ?? 0) + 1);
  return [...macs].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

const noData = noTshark || missing("xz");

void test("real captures of speakers, and of protocol corner cases", { skip: noData }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hushbox-features-"));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  let compared = 0;
  for (const path of [...captures(folder), ...headerCaptures(folder, 3)]) {
    if (!isEthernet(path)) continue;
    void t.test(basename(path), (t) => {
      const rows = tsharkRows(path);
      compare(t, path, rows, null, 1);
      compare(t, path, rows, busiest(rows), 1);
      t.end();
    });
    compared++;
  }
  t.ok(compared >= 20, `${compared} captures`);
  t.end();
});

/** Whether hushbox reads the capture at all: other link types are refused by name. */
function isEthernet(path: string): boolean {
  try {
    const reader = CaptureReader.open(path);
    try {
      while (reader.next());
    } finally {
      reader.close();
    }
    return true;
  } catch (error) {
    if (error instanceof HushboxError && error.code === "link-type-unsupported") return false;
    throw error;
  }
}
