import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { test, type Test } from "tap";
import { CaptureReader, type CaptureReaderOptions } from "../../../src/nic/capture-reader.js";
import { PcapWriter } from "../../../src/nic/pcap-writer.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { noise } from "../../../src/random/noise.js";
import { frame } from "../../support/frame.js";

const noXz = spawnSync("xz", ["--version"]).error === undefined ? false : "xz is not installed";
const PACKETS = 2000;

/** A capture of some megabytes that do not compress well, so that the decompressor has to wait for its reader. */
function capture(path: string): void {
  const writer = new PcapWriter(path);
  const bytes = frame({ payload: new Uint8Array(1400) });
  const view = new DataView(bytes.buffer);
  const random = new SeededRandom("compressed");
  for (let i = 0; i < PACKETS; i++) {
    noise(view, 42, 1400, random);
    writer.write(1.7e15 + i, bytes, 0, bytes.length);
  }
  writer.close();
}

const compress = {
  gzip: (bytes: Uint8Array): Uint8Array => gzipSync(bytes, { level: 1 }),
  xz: (bytes: Uint8Array): Uint8Array => execFileSync("xz", ["-0c"], { input: bytes, maxBuffer: 1 << 30 }),
};

/** The last byte of each frame and the file's error. */
function read(path: string, opts: CaptureReaderOptions = {}): { packets: number; sum: number; error: unknown } {
  let reader: CaptureReader | null = null;
  let sum = 0;
  try {
    reader = CaptureReader.open(path, opts);
    while (reader.next()) sum += reader.view.getUint8(reader.at + reader.length - 1);
    return { packets: reader.packets, sum, error: null };
  } catch (error) {
    return { packets: reader?.packets ?? 0, sum, error };
  } finally {
    reader?.close();
  }
}

function setUp(t: Test): { plain: string; bytes: Uint8Array; file: (name: string, bytes: Uint8Array) => string } {
  const folder = t.testdir();
  const plain = join(folder, "plain.pcap");
  capture(plain);
  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  return { plain, bytes: readFileSync(plain), file };
}

for (const kind of ["gzip", "xz"] as const) {
  const skip = kind === "xz" && noXz;
  void test(`a capture that ${kind} compressed reads as the plain one, whatever its name`, { skip }, (t) => {
    const { plain, bytes, file } = setUp(t);
    const expected = read(plain);
    t.equal(expected.packets, PACKETS);
    t.same(read(file("-odd name.pcap", compress[kind](bytes))), expected);
    const [a, b] = [bytes.subarray(0, 100_000), bytes.subarray(100_000)];
    const joined = Buffer.concat([compress[kind](a), compress[kind](b)]);
    t.same(read(file("joined", joined)), expected, "of several members");
    t.end();
  });

  void test(`what is wrong with a capture that ${kind} compressed`, { skip }, (t) => {
    const { bytes, file } = setUp(t);
    const whole = compress[kind](bytes);
    const early = file("early", whole.subarray(0, whole.length >> 1));
    const { packets, error } = read(early);
    t.ok(packets > 100 && packets < PACKETS, `${packets} packets before`);
    t.match(error, {
      code: "capture-truncated",
      message: new RegExp(`${early}: the compressed file ends too early \\(.*\\), after ${packets} whole packets`),
    });
    t.same(read(early, { truncated: "end" }), { ...read(early), error: null }, "and on request what is whole");

    const hurt = Uint8Array.from(whole);
    // In the check sum of gzip's trailer, in the size in that of xz: all packets are out by then.
    hurt[whole.length - 6] = (hurt[whole.length - 6] ?? 0) ^ 0xff;
    const damaged = file("damaged", hurt);
    t.match(read(damaged, { truncated: "end" }).error, {
      code: "capture-invalid",
      message: new RegExp(`${damaged}: it cannot be decompressed \\(.*\\), after [0-9]+ whole packets`),
    });
    const cut = file("cut", compress[kind](bytes.subarray(0, 5000)));
    t.match(read(cut).error, {
      code: "capture-truncated",
      message: /the file ends at byte 5000 of the decompressed capture, within the record at byte 4398, after 3 whole/,
    });
    t.match(read(file("nothing", compress[kind](new Uint8Array(0)))).error, { message: /the file is empty/ });
    t.match(read(file("header", whole.subarray(0, 7))).error, { code: "capture-truncated", message: /too early/ });
    t.match(read(file("text", compress[kind](Buffer.from("no capture at all, but text")))).error, {
      code: "capture-invalid",
      message: /neither pcap nor pcapng/,
    });
    t.end();
  });

  void test(`a reader that leaves a ${kind} file early holds nobody up`, { skip, timeout: 130_000 }, (t) => {
    const { bytes, file } = setUp(t);
    const path = file("left", compress[kind](bytes));
    // Each decompressor would wait for room for ever: the process ends only where all were let go.
    const program = `import { CaptureReader } from ${JSON.stringify(new URL("../../../src/nic/capture-reader.js", import.meta.url).href)};
      for (let i = 0; i < 4; i++) { const reader = CaptureReader.open(process.argv[1]); reader.next(); if (i > 0) reader.close(); }`;
    const ran = spawnSync(process.execPath, ["--input-type=module", "-e", program, path], {
      timeout: 120_000,
      encoding: "utf8",
    });
    t.equal(ran.status, 0, ran.stderr);
    t.end();
  });
}

void test("without xz the error says what to install", (t) => {
  const path = join(t.testdir(), "capture.xz");
  writeFileSync(path, Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0));
  const before = process.env["PATH"];
  t.teardown(() => {
    process.env["PATH"] = before;
  });
  process.env["PATH"] = "/nowhere";
  t.match(read(path).error, { code: "capture-invalid", message: /xz is not installed; on Debian: apt-get install xz/ });
  t.end();
});

void test("a compressed pipe is refused with what to do", (t) => {
  for (const [magic, program] of [
    ["\\037\\213", "gunzip"],
    ["\\3757zXZ", "unxz"],
  ]) {
    const fifo = join(t.testdir(), "pipe");
    execFileSync("mkfifo", [fifo]);
    const writer = spawn("sh", ["-c", `printf '${magic}' > "$1"`, "sh", fifo]);
    t.teardown(() => writer.kill());
    t.match(read(fifo).error, { code: "capture-invalid", message: `it is compressed; decompress it with ${program}` });
  }
  t.end();
});
