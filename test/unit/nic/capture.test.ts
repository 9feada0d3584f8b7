import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join as path } from "node:path";
import { test, type Test } from "tap";
import { HushboxError } from "../../../src/errors/hushbox-error.js";
import { CaptureReader, type CaptureReaderOptions } from "../../../src/nic/capture-reader.js";
import { PcapWriter } from "../../../src/nic/pcap-writer.js";
import { block, enhanced, halves, interfaceBlock, join, pcapFile, section, words } from "../../support/capture.js";
import { frame, hex } from "../../support/frame.js";

interface Read {
  readonly time: number;
  readonly length: number;
  readonly original: number;
  readonly first: number;
}

function file(t: Test, bytes: Uint8Array): string {
  const name = path(t.testdir(), "capture");
  writeFileSync(name, bytes);
  return name;
}

function readAll(name: string, opts: CaptureReaderOptions = {}): { records: Read[]; error: HushboxError | null } {
  const records: Read[] = [];
  let reader: CaptureReader | null = null;
  try {
    reader = CaptureReader.open(name, opts);
    const into = new Uint8Array(4096);
    while (reader.next(into, 1)) {
      records.push({ time: reader.time, length: reader.length, original: reader.originalLength, first: into[1] ?? -1 });
    }
  } catch (error) {
    if (!(error instanceof HushboxError)) throw error;
    return { records, error };
  } finally {
    reader?.close();
  }
  return { records, error: null };
}

const one = Uint8Array.of(1, 2, 3);
const two = Uint8Array.of(7, 8, 9, 10, 11);

for (const little of [true, false]) {
  for (const nanos of [true, false]) {
    void test(`pcap, ${nanos ? "nanoseconds" : "microseconds"}, ${little ? "little" : "big"}-endian`, (t) => {
      const name = file(
        t,
        pcapFile({
          little,
          nanos,
          records: [
            [1_700_000_000, 250_000, one],
            [4_000_000_000, 7, two, 1500],
          ],
        }),
      );
      t.same(readAll(name), {
        records: [
          { time: nanos ? 1_700_000_000_000_250 : 1_700_000_000_250_000, length: 3, original: 3, first: 1 },
          { time: nanos ? 4_000_000_000_000_000 : 4_000_000_000_000_007, length: 5, original: 1500, first: 7 },
        ],
        error: null,
      });
      t.end();
    });
  }
}

/** Ethernet with nanoseconds, Ethernet with 2^-20 s and an offset of -10 s, raw IP that never sends, in either byte order. */
function sectionOf(little: boolean): Uint8Array {
  const seconds = new DataView(new ArrayBuffer(8));
  seconds.setBigInt64(0, -10n, little);
  const offset = new Uint8Array(seconds.buffer);
  return join([
    section(little),
    interfaceBlock(little, 1, [
      [2, Buffer.from("eth0")],
      [9, Uint8Array.of(9)],
    ]),
    interfaceBlock(little, 1, [
      [9, Uint8Array.of(0x80 | 20)],
      [14, offset],
    ]),
    interfaceBlock(little, 101),
    block(little, 5, new Uint8Array(8)),
    enhanced(little, 0, 1_700_000_000_123_456_750n, one),
    enhanced(little, 1, (1_700_000_010n << 20n) + (1n << 19n), two, 9000),
    block(little, 0xbad, new Uint8Array(2 << 20)),
    block(little, 2, join([halves(little, 1, 5), words(little, 0, 1 << 20, 5, 60), two])),
    block(little, 3, join([words(little, 3), one])),
  ]);
}

void test("pcapng: sections of either byte order, resolutions, offsets, every kind of packet block", (t) => {
  const name = file(t, join([sectionOf(true), sectionOf(false)]));
  const records = [
    { time: 1_700_000_000_123_456.75, length: 3, original: 3, first: 1 },
    { time: 1_700_000_000_500_000, length: 5, original: 9000, first: 7 },
    { time: -9e6, length: 5, original: 60, first: 7 },
    { time: -9e6, length: 3, original: 3, first: 1 },
  ];
  t.same(readAll(name), { records: [...records, ...records], error: null });
  t.end();
});

void test("pcapng: a simple packet is cut by its interface's snap length", (t) => {
  const bytes = join([
    section(true),
    interfaceBlock(true, 1, [], 4),
    block(true, 3, join([words(true, 60), two.subarray(0, 4)])),
  ]);
  t.match(readAll(file(t, bytes)).records, [{ length: 4, original: 60, first: 7 }]);
  t.end();
});

void test("a block whose length is no multiple of four is padded all the same", (t) => {
  const body = join([words(true, 0, 0, 0, 5, 5), two]);
  const odd = join([words(true, 6, 12 + body.length), body, new Uint8Array(3), words(true, 12 + body.length)]);
  t.match(readAll(file(t, join([section(true), interfaceBlock(true, 1), odd, odd]))), {
    records: [{ length: 5 }, { length: 5 }],
    error: null,
  });
  t.end();
});

void test("frame check sequences are cut off", (t) => {
  const pcapng = join([
    section(true),
    interfaceBlock(true, 1, [[13, Uint8Array.of(4)]]),
    enhanced(true, 0, 0n, two),
    enhanced(true, 0, 0n, one, 64),
  ]);
  t.match(readAll(file(t, pcapng)).records, [
    { length: 1, original: 1 },
    { length: 3, original: 60 },
  ]);
  const pcap = pcapFile({ linkType: 0x2400_0001, records: [[0, 0, two]] });
  t.match(readAll(file(t, pcap)).records, [{ length: 1, original: 1 }]);
  t.end();
});

void test("an original length that is too small is raised", (t) => {
  t.match(readAll(file(t, pcapFile({ records: [[0, 0, two, 0]] }))).records, [{ length: 5, original: 5 }]);
  t.end();
});

void test("a file that ends anywhere: all whole records, then the error, or the end", (t) => {
  const pcap = pcapFile({
    records: [
      [1, 0, one],
      [2, 0, two],
    ],
  });
  const ng = join([section(true), interfaceBlock(true, 1), enhanced(true, 0, 0n, one), enhanced(true, 0, 0n, two)]);
  for (const [bytes, header, ends] of [
    [pcap, 24, [24, 43, 64]],
    [ng, 0, [28, 52, 88, 128]],
  ] as const) {
    // A packet's own bytes are enough to deliver it, whether or not its block's end is there.
    const whole = bytes === pcap ? [43, 64] : [52 + 31, 88 + 33];
    for (let length = 1; length <= bytes.length; length++) {
      const name = file(t, bytes.subarray(0, length));
      const { records, error } = readAll(name);
      const there = whole.filter((end) => end <= length).length;
      t.equal(records.length, there, `${String(length)} bytes`);
      if (ends.some((end) => end === length)) {
        t.equal(error, null);
      } else if (length < Math.max(header, 4) && length < 4) {
        t.equal(error?.code, "capture-invalid");
      } else {
        t.equal(error?.code, "capture-truncated", `${String(length)} bytes`);
        t.match(error?.message, new RegExp(`${name}: the file ends at byte ${String(length)}, within`));
        if (length >= 24) {
          t.match(error?.message, `after ${String(there)} whole packets`);
          t.equal(readAll(name, { truncated: "end" }).error, null);
        }
      }
    }
  }
  const reader = CaptureReader.open(file(t, pcap.subarray(0, 60)), { truncated: "end" });
  t.same(
    [reader.next(), reader.next(), reader.next(), reader.truncated, reader.packets],
    [true, false, false, true, 1],
  );
  reader.close();
  reader.close();
  t.end();
});

const bad: [string, Uint8Array, string, RegExp][] = [
  ["an empty file", new Uint8Array(0), "capture-invalid", /the file is empty/],
  ["text", Buffer.from("this is no capture at all"), "capture-invalid", /neither pcap nor pcapng/],
  ["zstd", hex("28b52ffd 00000000"), "capture-invalid", /unzstd/],
  ["pcap version 2.2", pcapFile({ minor: 2 }), "capture-invalid", /version 2\.2/],
  ["PPP", pcapFile({ linkType: 9 }), "link-type-unsupported", /link type 9 \(PPP\)/],
  ["a nameless link type", pcapFile({ linkType: 4711 }), "link-type-unsupported", /link type 4711 \(unknown\)/],
  [
    "an absurd record length",
    join([pcapFile({ records: [[0, 0, one]] }), words(true, 0, 0, 0x7fffffff, 60), new Uint8Array(99)]),
    "capture-invalid",
    /a record of 2147483647 bytes cannot be.*\(packet 2, at byte 43\)/,
  ],
  [
    "a packet on an interface of raw IP",
    join([
      section(true),
      interfaceBlock(true, 1),
      interfaceBlock(true, 101, [[2, Buffer.from("tun0\n")]]),
      enhanced(true, 1, 0n, one),
    ]),
    "link-type-unsupported",
    /interface 1 of section 1 \(tun0\?\) has link type 101 \(raw IP\)/,
  ],
  [
    "a packet on no interface",
    join([section(true), enhanced(true, 0, 0n, one)]),
    "capture-invalid",
    /interface 0 of section 1 was not/,
  ],
  [
    "interfaces do not outlive their section",
    join([section(true), interfaceBlock(true, 1), section(true), enhanced(true, 0, 0n, one)]),
    "capture-invalid",
    /interface 0 of section 2/,
  ],
  [
    "a block of 8 bytes",
    join([section(true), words(true, 6, 8, 8)]),
    "capture-invalid",
    /a block of 8 bytes cannot be/,
  ],
  [
    "a block of 2 GB",
    join([section(true), words(true, 6, 0x7fffffff, 0)]),
    "capture-invalid",
    /a block of 2147483647 bytes cannot be/,
  ],
  [
    "an interface description of 12 bytes",
    join([section(true), words(true, 1, 12, 12)]),
    "capture-invalid",
    /interface description/,
  ],
  [
    "a packet block of 16 bytes",
    join([section(true), interfaceBlock(true, 1), block(true, 6, new Uint8Array(4))]),
    "capture-invalid",
    /too short/,
  ],
  [
    "a simple packet block of 12 bytes",
    join([section(true), interfaceBlock(true, 1), block(true, 3, new Uint8Array(0))]),
    "capture-invalid",
    /too short/,
  ],
  [
    "a packet longer than its block",
    join([section(true), interfaceBlock(true, 1), block(true, 6, words(true, 0, 0, 0, 5, 5, 0))]),
    "capture-invalid",
    /do not fit their block/,
  ],
  ["no byte-order magic", block(true, 0x0a0d0d0a, new Uint8Array(16)), "capture-invalid", /byte-order magic/],
  [
    "a block whose lengths differ",
    join([section(true), words(true, 0xbad, 16, 0, 20), section(true)]),
    "capture-invalid",
    /16 at its start and 20 at its end/,
  ],
];

for (const [name, bytes, code, message] of bad) {
  void test(`refused: ${name}`, (t) => {
    const capture = file(t, bytes);
    const { error } = readAll(capture);
    t.equal(error?.code, code);
    t.match(error?.message, message);
    t.match(error?.message, capture);
    t.end();
  });
}

void test("refused: no such file, a directory", (t) => {
  for (const name of [path(t.testdir(), "none"), t.testdir()]) t.equal(readAll(name).error?.code, "capture-invalid");
  t.end();
});

void test("what is written can be read, over many windows and buffers", (t) => {
  const name = path(t.testdir(), "written");
  const writer = new PcapWriter(name);
  const bytes = frame({ payload: new Uint8Array(1000) });
  const times = Array.from({ length: 5000 }, (_, i) => 1_700_000_000_000_000 + i * 1000.25);
  for (const [i, time] of times.entries()) {
    bytes[0] = i & 0xff;
    writer.write(time, bytes, 0, bytes.length, i % 7);
  }
  writer.write(5, bytes, 1, 40, 0, 9000);
  t.equal(writer.packets, 5001);
  writer.close();
  writer.close();
  const { records, error } = readAll(name);
  t.equal(error, null);
  t.same(records.at(-1), { time: 5, length: 40, original: 9000, first: 0 });
  t.same(
    records.slice(0, -1),
    times.map((time, i) => ({
      time,
      length: bytes.length + (i % 7),
      original: bytes.length + (i % 7),
      first: i & 0xff,
    })),
  );
  t.end();
});

void test("the bytes of a written file", (t) => {
  const name = path(t.testdir(), "written");
  const writer = new PcapWriter(name);
  writer.write(1_000_001.5, one, 1, 2, 2);
  writer.write(1_999_999.9999, one, 0, 1);
  writer.close();
  const expected = `
    4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000
    01000000 dc050000 04000000 04000000 0203 0000
    02000000 00000000 01000000 01000000 01`;
  t.same([...readFileSync(name)], [...hex(expected)]);
  t.end();
});

void test("errors of a writer name the file", (t) => {
  t.throws(() => new PcapWriter(path(t.testdir(), "none", "file")), { code: "capture-invalid" });
  const full = new PcapWriter("/dev/full");
  full.write(0, one, 0, 3);
  t.throws(
    () => {
      full.close();
    },
    { code: "capture-invalid", message: /writing the capture \/dev\/full/ },
  );
  full.close();
  t.end();
});

const tshark = existsSync("/usr/bin/tshark");
void test("tshark reads what is written", { skip: tshark ? false : "tshark is not installed" }, (t) => {
  const name = path(t.testdir(), "written.pcap");
  const writer = new PcapWriter(name);
  const bytes = frame();
  writer.write(1_700_000_000_123_456.75, bytes, 0, bytes.length, 10);
  writer.write(1_700_000_001_000_000, bytes, 0, 42, 0, 1514);
  writer.close();
  const fields = ["frame.time_epoch", "frame.len", "frame.cap_len", "udp.dstport"].flatMap((f) => ["-e", f]);
  const text = execFileSync("tshark", ["-n", "-r", name, "-T", "fields", ...fields], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  t.same(text.toString().trim().split("\n"), [
    `1700000000.123456750\t${String(bytes.length + 10)}\t${String(bytes.length + 10)}\t443`,
    "1700000001.000000000\t1514\t42\t443",
  ]);
  t.end();
});
