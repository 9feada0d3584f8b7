import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import tap, { test, type Test } from "tap";
import { DEFAULT_MIXTURE, makePlan } from "../../../src/emulator/make-plan.js";
import { writeCapture } from "../../../src/emulator/synthesis.js";
import { TOPOLOGY } from "../../../src/emulator/topology.js";
import { FEATURES, type Features } from "../../../src/features/features.js";
import type { WindowOptions } from "../../../src/features/windows.js";
import { COLUMNS } from "../../../src/lab/table.js";
import { command } from "../../../src/main/features.js";
import { seconds } from "../../../src/time/micros.js";
import { pcapFile } from "../../support/capture.js";
import { frame } from "../../support/frame.js";
import { differences, rowsOf, tsharkRows, tsharkWindows, type TsharkWindow } from "../../support/tshark-windows.js";

tap.setTimeout(1_200_000);

const installed = (program: string): string | false =>
  spawnSync(program, ["--version"]).error === undefined ? false : `${program} is not installed`;
const MAIN = join(import.meta.dirname, "../../../src/main.js");
const DEVICE = TOPOLOGY.speaker.mac;
const folder = tap.testdir();
const IN = join(folder, "speaker.pcap");
const PACKETS = writeCapture(
  makePlan({ seed: "features", duration: seconds(120), mixture: DEFAULT_MIXTURE, scale: 1 }),
  IN,
).packets;
const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

/** Runs the command in this process; answers what it said. */
async function features(t: Test, ...args: string[]): Promise<string> {
  const log = t.capture(console, "log");
  try {
    t.equal(await command.run(args), 0);
    return log()
      .map((call) => call.args.join(" "))
      .join("\n");
  } finally {
    log.restore();
  }
}

/** The records of a CSV file, by the grammar of RFC 4180. */
function csv(text: string): Record<string, string>[] {
  const records: string[][] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  for (let record: string[] = []; field.lastIndex < text.length;) {
    const at = field.lastIndex;
    const found = field.exec(text);
    if (found === null) throw new Error(`no CSV at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    record.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? "");
    if (found[3] === ",") continue;
    records.push(record);
    record = [];
  }
  const [head = [], ...rest] = records;
  for (const record of rest) if (record.length !== head.length) throw new Error(`fields: ${record.length}`);
  return rest.map((record) => Object.fromEntries(head.map((name, i) => [name, record[i] ?? ""])));
}

async function parquet(path: string): Promise<Record<string, unknown>[]> {
  const bytes = readFileSync(path);
  return parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) });
}

/** A record of any form as a window. */
function windowOf(record: Readonly<Record<string, unknown>>): TsharkWindow {
  const n = (name: string): number => Number(record[name]);
  const twelve = Object.fromEntries(FEATURES.map((name) => [name, n(name)])) as Features;
  const whole = record["whole"] === true || record["whole"] === "true";
  return { index: n("index"), start: n("start"), packets: n("packets"), bytes: n("bytes"), whole, features: twelve };
}

void test("CSV, JSON and Parquet hold the same numbers, of plain and compressed captures", async (t) => {
  const skipXz = installed("xz");
  const bytes = readFileSync(IN);
  const odd = file('a "b", c.pcap', bytes);
  const packed = [file("speaker.pcap.gz", gzipSync(bytes))];
  if (skipXz === false)
    packed.push(file("speaker.pcap.xz", execFileSync("xz", ["-0c"], { input: bytes, maxBuffer: 1 << 30 })));
  const inputs = [IN, odd, ...packed];
  const args = [...inputs, "--window", "100", "--device", DEVICE];
  const [asCsv, asParquet] = [join(folder, "out.csv"), join(folder, "out.parquet")];
  t.match(await features(t, ...args, "--out", asCsv), /out\.csv: [0-9,]+ windows of 100 packets, \d of them cut short/);
  const report = JSON.parse(await features(t, ...args, "--out", asParquet, "--json")) as Record<string, unknown>;
  const text = readFileSync(asCsv, "utf8");
  t.equal(text.slice(0, text.indexOf("\r\n")), COLUMNS.join(","));
  const fromCsv = csv(text);
  const fromParquet = await parquet(asParquet);
  const printed = execFileSync(process.execPath, [MAIN, "features", ...args, "--json"], { encoding: "utf8" });
  const fromJson = printed
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.equal(fromCsv.length, Math.ceil(PACKETS / 100) * inputs.length);
  t.match(report, { out: asParquet, records: PACKETS * inputs.length, windows: fromCsv.length, foreign: 0 });
  t.match(report, { packets: PACKETS * inputs.length, whole: Math.floor(PACKETS / 100) * inputs.length });
  t.match(
    report["inputs"],
    inputs.map((file) => ({ file, records: PACKETS, truncated: false })),
  );
  for (const [name, records] of [
    ["Parquet", fromParquet],
    ["JSON", fromJson],
  ] as const) {
    t.same(records.map(windowOf), fromCsv.map(windowOf), `${name}: every number is the same double`);
    t.same(
      records.map(({ file }) => file),
      fromCsv.map(({ file }) => file),
      `${name}: the same names`,
    );
    t.same(Object.keys(records[0] ?? {}), [...COLUMNS], `${name}: the same columns`);
  }
  const perFile = fromCsv.length / inputs.length;
  for (const [i, input] of inputs.entries()) {
    const mine = fromCsv.slice(i * perFile, (i + 1) * perFile);
    t.ok(mine.every((record) => record["file"] === input));
    t.same(mine.map(windowOf), fromCsv.slice(0, perFile).map(windowOf), "a trace begins anew with each file");
  }
  const plain = execFileSync(process.execPath, [MAIN, "features", ...args], { encoding: "utf8" });
  t.equal(plain, text, "standard output is the same CSV");
});

void test("windows are those that tshark's fields make", { skip: installed("tshark") }, async (t) => {
  const rows = rowsOf(tsharkRows(IN), DEVICE);
  const table: readonly (readonly [string, WindowOptions["cut"], number])[] = [
    ["500", "packets", 500],
    ["37", "packets", 37],
    ["1", "packets", 1],
    ["10s", "time", 10e6],
    ["750ms", "time", 75e4],
    ["trace", "trace", 0],
  ];
  for (const [window, cut, size] of table) {
    for (const direction of ["both", "up", "down"] as const) {
      for (const field of ["raw", "scaled"] as const) {
        const out = join(folder, "checked.csv");
        const args = ["--window", window, "--direction", direction, "--field", field, "--device", DEVICE];
        await features(t, IN, ...args, "--out", out);
        const ours = csv(readFileSync(out, "utf8")).map(windowOf);
        const theirs = tsharkWindows(rows, DEVICE, { cut, size, direction, field });
        t.same(differences(ours, theirs), [], `${window} ${direction} ${field}: ${ours.length} windows`);
      }
    }
  }
});

void test("the defaults are 500 packets, both ways, raw, at lan, everybody's", async (t) => {
  const [short, long] = [join(folder, "short.csv"), join(folder, "long.csv")];
  await features(t, IN, "--out", short);
  const said = ["--window", "500", "--direction", "both", "--field", "raw", "--vantage", "lan", "--truncated", "error"];
  await features(t, IN, ...said, "--out", long);
  t.equal(readFileSync(short, "utf8"), readFileSync(long, "utf8"));
});

void test("more rows than a group of Parquet holds", async (t) => {
  const times = Math.ceil(150_000 / PACKETS);
  const out = join(folder, "many.parquet");
  await features(t, ...Array<string>(times).fill(IN), "--window", "1", "--device", DEVICE, "--out", out);
  const bytes = readFileSync(out);
  const { row_groups } = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  t.equal(row_groups.length, Math.ceil((PACKETS * times) / 65_536));
  const records = await parquet(out);
  t.equal(records.length, PACKETS * times);
  const alone = join(folder, "alone.csv");
  await features(t, IN, "--window", "1", "--device", DEVICE, "--out", alone);
  const once = csv(readFileSync(alone, "utf8")).map(windowOf);
  t.same(records.slice(-PACKETS).map(windowOf), once, "the last trace is as whole as the first");
});

void test("whose packets, and who observes", async (t) => {
  const total = async (...args: string[]): Promise<number> => {
    const out = join(folder, "total.csv");
    const report = await features(t, ...args, "--window", "trace", "--out", out, "--json");
    return (JSON.parse(report) as { packets: number }).packets;
  };
  const [up, down] = [
    await total(IN, "--device", DEVICE, "--direction", "up"),
    await total(IN, "--device", DEVICE, "--direction", "down"),
  ];
  t.ok(up > 100 && down > 100);
  t.equal(up + down, PACKETS);
  t.equal(await total(IN, "--device", TOPOLOGY.speaker.v4, "--direction", "up"), up, "the device by its IPv4 address");
  t.equal(await total(IN, "--device", TOPOLOGY.speaker.v6, "--direction", "up"), up, "and by its IPv6 address");
  const beyond = await total(IN, "--device", DEVICE, "--vantage", "beyond");
  t.ok(beyond > 0 && beyond < PACKETS, "some stays in the house");
  const everywhere = ["--local", "0.0.0.0/0", "--local", "::/1"];
  const few = await total(IN, "--device", DEVICE, "--vantage", "beyond", ...everywhere, "--direction", "down");
  t.ok(few < beyond, "networks of one's own");
  const house = ["--vantage", "wan", "--device", TOPOLOGY.speaker.v4];
  const four = await total(IN, ...house);
  const both = await total(IN, ...house, "--device", TOPOLOGY.speaker.v6);
  t.ok(four > 100 && both > four, "a house by its addresses");
  t.equal((await total(IN, ...house, "--direction", "up")) + (await total(IN, ...house, "--direction", "down")), four);
});

void test("a capture through a pipe", async (t) => {
  const run = (device: string) =>
    spawnSync(
      "sh",
      [
        "-c",
        'cat "$1" | "$2" "$3" features /dev/stdin --window trace --device "$4"',
        "sh",
        IN,
        process.execPath,
        MAIN,
        device,
      ],
      { encoding: "utf8" },
    );
  const { status, stdout } = run(DEVICE);
  t.equal(status, 0);
  t.equal(csv(stdout)[0]?.["packets"], String(PACKETS));
  const twice = run(TOPOLOGY.speaker.v4);
  t.equal(twice.status, 2);
  t.match(twice.stderr, /\/dev\/stdin is no file that can be read twice: name the device by its MAC address/);
  t.end();
});

void test("a reader that has seen enough ends it", (t) => {
  const script = '"$@" | head -n 2 | wc -l';
  const many = Array<string>(40).fill(IN);
  const ran = spawnSync(
    "bash",
    ["-o", "pipefail", "-c", script, "bash", process.execPath, MAIN, "features", ...many, "--window", "1"],
    { encoding: "utf8" },
  );
  t.match(ran, { status: 0, stdout: /^2\n/, stderr: "" });
  t.end();
});

const OUT = join(folder, "kept.csv");

/** Expects a failure that leaves no trace: neither a file half written nor one of before overwritten. */
async function failing(t: Test, args: string[], code: string, message: RegExp): Promise<void> {
  writeFileSync(OUT, "of an earlier run");
  await t.rejects(command.run([...args, "--out", OUT]), { code, message }, args.join(" "));
  t.equal(readFileSync(OUT, "utf8"), "of an earlier run");
  t.same(
    readdirSync(folder).filter((name) => name.includes("unfinished")),
    [],
  );
}

void test("bad captures are clear errors that name them and leave nothing behind", async (t) => {
  const whole = readFileSync(IN);
  const fails = (name: string, bytes: Uint8Array, code: string, message: RegExp, ...more: string[]): Promise<void> =>
    failing(t, [IN, file(name, bytes), ...more], code, message);
  const cut = whole.subarray(0, whole.length - 7);
  await fails(
    "cut-short.pcap",
    cut,
    "capture-truncated",
    new RegExp(
      `cut-short\\.pcap: the file ends at byte ${cut.length}, within the record at byte \\d+, after ${PACKETS - 1} whole packets; --truncated end takes what is whole`,
    ),
  );
  await fails(
    "cut-short.pcap.gz",
    gzipSync(whole).subarray(0, 50_000),
    "capture-truncated",
    /cut-short\.pcap\.gz: the compressed file ends too early.*; --truncated end/,
  );
  await fails(
    "text.pcap",
    Buffer.from("no capture at all"),
    "capture-invalid",
    /text\.pcap: it is neither pcap nor pcapng/,
  );
  await fails(
    "text.pcap.gz",
    gzipSync(Buffer.from("no capture at all")),
    "capture-invalid",
    /text\.pcap\.gz: it is neither pcap/,
  );
  await fails("none.pcap", Buffer.alloc(0), "capture-invalid", /none\.pcap: the file is empty/);
  await fails("header.pcap", pcapFile(), "capture-invalid", /header\.pcap: the capture holds no packets/);
  await fails("wifi.pcap", pcapFile({ linkType: 105 }), "link-type-unsupported", /wifi\.pcap: .* 105 \(IEEE 802\.11\)/);
  await fails("odd.pcap", pcapFile({ linkType: 4711 }), "link-type-unsupported", /odd\.pcap: .* 4711 \(unknown\)/);
  const damaged = Uint8Array.from(whole);
  damaged.fill(0xff, 24 + 8, 24 + 12);
  await fails(
    "damaged.pcap",
    damaged,
    "capture-invalid",
    /damaged\.pcap: a record of 4294967295 bytes .*\(packet 1, at byte 24\)/,
  );
  await failing(t, [IN, join(folder, "missing.pcap")], "capture-invalid", /missing\.pcap: ENOENT/);
  await failing(t, [folder], "capture-invalid", /EISDIR/);
  for (const device of ["02:00:00:00:00:99", "192.168.77.200"]) {
    await failing(
      t,
      [IN, "--device", device],
      "capture-invalid",
      new RegExp(`speaker\\.pcap: ${device} never appears`),
    );
  }
  await failing(
    t,
    [IN, "--vantage", "wan", "--device", "203.0.113.99"],
    "capture-invalid",
    /203\.0\.113\.99 never appears/,
  );
  const own = frame({ source: DEVICE });
  const oneWay = file(
    "one-way.pcap",
    pcapFile({
      records: [
        [1, 0, own],
        [2, 0, own],
      ],
    }),
  );
  await failing(
    t,
    [oneWay, "--device", DEVICE, "--direction", "down"],
    "capture-invalid",
    /one-way\.pcap: of its 2 packets none counts/,
  );
});

void test("on request a cut capture gives what is whole", async (t) => {
  const whole = readFileSync(IN);
  const cut = file("cut.pcap", whole.subarray(0, whole.length - 7));
  const warned = t.capture(console, "error");
  const report = await features(t, cut, "--truncated", "end", "--out", OUT, "--json");
  warned.restore();
  t.match(JSON.parse(report), { packets: PACKETS - 1, inputs: [{ truncated: true }] });
  t.match(warned()[0]?.args[0], `cut.pcap ends within a packet; windows of the ${PACKETS - 1} before it`);
});

void test("wrong use is told before anything is read", async (t) => {
  const device = ["--device", DEVICE];
  for (const [args, message] of [
    [[], /one capture or more/],
    [[IN, "--window", "0"], /--window .*not "0"/],
    [[IN, "--window", "-5"], /--window/],
    [[IN, "--window", "1.5"], /--window/],
    [[IN, "--window", "10 packets"], /--window/],
    [[IN, "--window", "0s"], /--window/],
    [[IN, "--window", "99999999999999999999"], /--window/],
    [[IN, ...device, "--direction", "out"], /--direction is one of both, up, down, not "out"/],
    [[IN, "--direction", "up"], /--direction up needs --device/],
    [[IN, "--vantage", "isp"], /--vantage is one of lan, wan, beyond/],
    [[IN, "--vantage", "beyond"], /--vantage beyond needs --device/],
    [[IN, "--field", "both"], /--field is one of raw, scaled/],
    [[IN, "--truncated", "ok"], /--truncated is one of error, end/],
    [[IN, "--device", "speaker"], /"speaker" is neither a MAC address nor an IP address/],
    [[IN, "--device", "10.0.0.0/8"], /neither a MAC/],
    [[IN, ...device, ...device], /--device is given once/],
    [[IN, ...device, "--vantage", "wan", "--device", "10.0.0.1"], /--device is given once/],
    [[IN, "--local", "house"], /--local: "house" is no network/],
    [[IN, "--out", "out.xlsx"], /\.csv or \.parquet/],
    [[IN, "--windows", "5"], /Unknown option '--windows'/],
  ] as [string[], RegExp][]) {
    await t.rejects(command.run(args), { code: /^(usage|ERR_PARSE_ARGS.*)$/, message }, args.join(" "));
  }
  const ran = spawnSync(process.execPath, [MAIN, "features", IN, "--window", "0"], { encoding: "utf8" });
  t.equal(ran.status, 2);
  t.match(ran.stderr, "hushbox features --help says how");
  const failed = spawnSync(process.execPath, [MAIN, "features", join(folder, "nowhere")], { encoding: "utf8" });
  t.equal(failed.status, 1);
});

void test("an output that cannot be written is an error that names it", async (t) => {
  for (const out of [join(folder, "no/such/folder.csv"), "/proc/nothing.parquet"]) {
    await t.rejects(command.run([IN, "--out", out]), {
      code: "output-unwritable",
      message: new RegExp(`creating ${out}: E`),
    });
  }
  mkdirSync(join(folder, "folder.csv"));
  await t.rejects(command.run([IN, "--out", join(folder, "folder.csv")]), {
    message: /folder\.csv: it is a directory/,
  });
  // A device is written as it is, under whatever name it has.
  for (const name of ["full.csv", "full.parquet"]) {
    const link = join(folder, name);
    symlinkSync("/dev/full", link);
    await t.rejects(command.run([IN, "--out", link]), {
      code: "output-unwritable",
      message: new RegExp(`writing ${link}: ENOSPC`),
    });
    t.ok(lstatSync(link).isSymbolicLink() && existsSync("/dev/full"));
  }
  const [real, link] = [file("real.csv", Buffer.from("old")), join(folder, "link.csv")];
  symlinkSync(real, link);
  await features(t, IN, "--out", link);
  t.ok(lstatSync(link).isSymbolicLink(), "a link stays a link");
  t.match(readFileSync(real, "utf8"), /^file,index,/);
});

const noMount =
  process.getuid?.() !== 0
    ? "needs root, to mount a small disk"
    : spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", folder]).status === 0
      ? false
      : "mounting is not permitted here";

void test("a disk that fills: the error names the file, and nothing is left", { skip: noMount }, (t) => {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  for (const name of ["out.csv", "out.parquet"]) {
    const script = `mount -t tmpfs -o size=16k none "$1" && shift && echo old > "$1" && shift && "$@"; status=$?; ls -A "$0"; cat "$0/${name}"; exit $status`;
    const inputs = Array<string>(20).fill(IN);
    const ran = spawnSync(
      "unshare",
      [
        "-m",
        "sh",
        "-c",
        script,
        disk,
        disk,
        join(disk, name),
        process.execPath,
        MAIN,
        "features",
        ...inputs,
        "--window",
        "5",
        "--out",
        join(disk, name),
      ],
      { encoding: "utf8" },
    );
    t.equal(ran.status, 1);
    t.match(ran.stderr, new RegExp(`writing ${join(disk, name)}: ENOSPC`));
    t.equal(ran.stdout, `${name}\nold\n`, "what was there before is there still, alone");
  }
  t.end();
});
