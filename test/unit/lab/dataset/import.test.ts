import { execFileSync, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { gzipSync } from "node:zlib";
import { checkDataset } from "../../../../src/lab/dataset/check-dataset.js";
import { Dataset } from "../../../../src/lab/dataset/dataset.js";
import { importDataset } from "../../../../src/lab/dataset/import-dataset.js";
import { echoWords, findEcho } from "../../../../src/lab/dataset/import-echo.js";
import { findInFolder } from "../../../../src/lab/dataset/import-folder.js";
import { findInTable } from "../../../../src/lab/dataset/import-table.js";
import { DATA, missing } from "../../../support/shared-data.js";
import { smallCapture, SPEAKER } from "../../../support/small-captures.js";

const MAIN = join(import.meta.dirname, "../../../../src/main.js");
const WORDS = { name: "small", origin: "a test", licence: "none", real: true };
const FOLDER = { level: 1, group: "folder", device: null } as const;

/** A set as archives of captures unpack: folders of classes, days below them, some files packed. */
function classes(root: string): Record<string, number> {
  const packets: Record<string, number> = {};
  for (const [label, activity] of [
    ["media", "media"],
    ["travel", "travel"],
  ] as const) {
    for (const day of ["day1", "day2"]) {
      mkdirSync(join(root, label, day), { recursive: true });
      const path = join(root, label, day, `${label}-${day}.pcap`);
      packets[`${label} ${day}`] = smallCapture(path, activity, day, 14);
    }
  }
  const gz = join(root, "media/day2/media-day2.pcap");
  writeFileSync(`${gz}.gz`, gzipSync(readFileSync(gz)));
  rmSync(gz);
  execFileSync("xz", ["-z", join(root, "travel/day1/travel-day1.pcap")]);
  writeFileSync(join(root, "media/README"), "no capture");
  return packets;
}

const NO_XZ = missing("xz");

test("a folder for each class", { skip: NO_XZ !== false && NO_XZ.includes("xz is") ? NO_XZ : false }, async (t) => {
  const root = t.testdir();
  const [source, out] = [join(root, "in"), join(root, "out")];
  const packets = classes(source);
  const report = await importDataset(findInFolder(source, WORDS, FOLDER), { out, skipBad: false });
  t.match(report, { captures: 4, real: true, labels: { media: 2, travel: 2 }, reused: 0, leftOut: [] });
  t.equal(
    report.packets,
    Object.values(packets).reduce((a, b) => a + b),
  );
  const set = Dataset.open(report.manifest);
  t.same(
    set.entries.map(({ file, label, group, device }) => ({ file, label, group, device })),
    [
      { file: "../in/media/day1/media-day1.pcap", label: "media", group: "day1", device: SPEAKER },
      { file: "captures/media/day2/media-day2.pcap", label: "media", group: "day2", device: SPEAKER },
      { file: "captures/travel/day1/travel-day1.pcap", label: "travel", group: "day1", device: SPEAKER },
      { file: "../in/travel/day2/travel-day2.pcap", label: "travel", group: "day2", device: SPEAKER },
    ],
    "only what was packed has a copy",
  );
  t.equal(
    checkDataset(report.manifest).labels["media"]?.packets,
    (packets["media day1"] ?? 0) + (packets["media day2"] ?? 0),
  );

  const again = await importDataset(findInFolder(source, WORDS, FOLDER), { out, skipBad: false });
  t.match(again, { captures: 4, reused: 4, packets: report.packets });
  const copy = join(out, "captures/media/day2/media-day2.pcap");
  writeFileSync(copy, readFileSync(copy).subarray(0, 1000));
  utimesSync(join(source, "travel/day2/travel-day2.pcap"), 1, 1);
  const mended = await importDataset(findInFolder(source, WORDS, FOLDER), { out, skipBad: false });
  t.match(mended, { captures: 4, reused: 2, packets: report.packets }, "what has changed is done again");
  t.end();
});

test("which folder is the class, and what a group is", (t) => {
  const root = t.testdir({ round1: { media: { day1: { "a.pcap": "" } }, travel: { "b-7.pcapng.xz": "" } } });
  const groups = (options: Partial<Parameters<typeof findInFolder>[2]>): string[] =>
    findInFolder(root, WORDS, { ...FOLDER, ...options }).candidates.map(({ label, group }) => `${label} ${group}`);
  t.same(groups({ level: 2 }), ["media round1/day1", "travel round1"]);
  t.same(groups({ level: 1 }), ["round1 media/day1", "round1 travel"]);
  t.same(groups({ level: 2, group: "file" }), ["media a", "travel b-7"]);
  t.same(groups({ level: 2, group: /([a-z])[^/]*\.pcap/ }), ["media a", "travel b"]);
  t.throws(() => groups({ level: 2, group: /(\d)\.pcap/ }), {
    code: "dataset-invalid",
    message: /day1\/a\.pcap: the pattern .* finds no group/,
  });
  t.throws(() => groups({ level: 3 }), {
    code: "dataset-invalid",
    message: /b-7\.pcapng\.xz: it lies in no folder of a class \(level 3/,
  });
  t.throws(() => findInFolder(join(root, "none"), WORDS, FOLDER), { code: "dataset-invalid", message: /ENOENT/ });
  t.throws(() => findInFolder(join(root, "round1/media/day1/a.pcap"), WORDS, FOLDER), { code: "dataset-invalid" });
  t.throws(() => findInFolder(t.testdir(), WORDS, FOLDER), { message: /there is no file ending in \.pcap/ });
  t.end();
});

test("captures that are not as they should be are named, all at once, or left out", async (t) => {
  const root = t.testdir({ a: {}, b: {} });
  for (const name of ["a/1", "a/2", "b/1", "b/2", "b/3"]) smallCapture(join(root, `${name}.pcap`), "idle", name);
  const cut = join(root, "a/2.pcap");
  writeFileSync(cut, readFileSync(cut).subarray(0, -1));
  writeFileSync(join(root, "b/1.pcap"), "");
  writeFileSync(join(root, "b/2.pcap"), gzipSync(readFileSync(join(root, "b/3.pcap"))).subarray(0, -20));
  const out = join(root, "out");
  const found = findInFolder(root, WORDS, FOLDER);
  await t.rejects(importDataset(found, { out, skipBad: false }), {
    code: "dataset-invalid",
    message:
      /^3 captures are not as they should be:\n.*a\/2\.pcap: the file ends at byte[^\n]*\n.*b\/1\.pcap: the file is empty\n.*b\/2\.pcap: unexpected end of file$/,
  });
  t.notOk(existsSync(join(out, "manifest.yaml")), "no manifest of a part");
  t.same(
    readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".unfinished")),
    [],
  );
  t.same(
    readdirSync(join(out, "captures"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".pcap")),
    [],
    "nothing half-written",
  );
  const report = await importDataset(found, { out, skipBad: true });
  t.match(report, { captures: 2, reused: 2, labels: { a: 1, b: 1 } });
  t.equal(report.leftOut.length, 3);
  await t.rejects(importDataset({ ...found, candidates: [] }, { out, skipBad: true }), {
    message: /there is no capture to import/,
  });
});

test("a labelled table", async (t) => {
  const root = t.testdir();
  const packets = smallCapture(join(root, "a, b.pcap"));
  copyFileSync(join(root, "a, b.pcap"), join(root, "c.pcap"));
  const table = (text: string): string => {
    writeFileSync(join(root, "labels.csv"), text);
    return join(root, "labels.csv");
  };
  const rows = `\uFEFFfile,label,group,device,from,to\r\n"a, b.pcap","say ""on""",g,,,\r\nc.pcap,off,,${SPEAKER},1s,2s\r\n`;
  const out = join(root, "out");
  const report = await importDataset(findInTable(table(rows), WORDS, null), { out, skipBad: false });
  t.same(
    Dataset.open(report.manifest).entries.map(({ file, label, group, from, to }) => [file, label, group, from, to]),
    [
      ["../a, b.pcap", 'say "on"', "g", 0, Infinity],
      ["../c.pcap", "off", "c.pcap", 1e6, 2e6],
    ],
  );
  t.equal(report.packets, 2 * packets);
  const bad: readonly (readonly [text: string, error: RegExp])[] = [
    ["file,lable\nc.pcap,on\n", /labels\.csv:1: the column label is missing; it has file, lable/],
    ["file,label,colour\nc.pcap,on,red\n", /labels\.csv:1: unknown column "colour"; known are file, label, group/],
    ["file,label\nc.pcap,on\nc.pcap\n", /labels\.csv:3: 1 cells where the header has 2/],
    ["file,label\nc.pcap,\n", /labels\.csv:2: label is empty/],
    ['file,label\nc.pcap,"on\n', /labels\.csv:2: a quotation mark is out of place/],
    ["", /labels\.csv:1: the column file, label is missing; it has none/],
  ];
  for (const [text, message] of bad) {
    t.throws(() => findInTable(table(text), WORDS, null), { code: "dataset-invalid", message }, text);
  }
  const gone = findInTable(table("file,label\nd.pcap,on\n"), WORDS, null);
  await t.rejects(importDataset(gone, { out, skipBad: false }), {
    code: "dataset-invalid",
    message: /d\.pcap.*ENOENT/,
  });
  const other = findInTable(table(`file,label,device\nc.pcap,on,02:00:00:00:00:77\n`), WORDS, null);
  await t.rejects(importDataset(other, { out, skipBad: false }), {
    message: /c\.pcap: 02:00:00:00:00:77 never appears/,
  });
});

test("an import that is killed goes on where it was", async (t) => {
  const root = t.testdir();
  const source = join(root, "in");
  const media = smallCapture(join(root, "one.pcap"), "media", "1", 60);
  const packed = gzipSync(readFileSync(join(root, "one.pcap")));
  for (const label of ["on", "off"]) {
    mkdirSync(join(source, label), { recursive: true });
    for (let i = 0; i < 60; i++) writeFileSync(join(source, label, `${i}.pcap.gz`), packed);
  }
  const out = join(root, "out");
  const args = [MAIN, "dataset", "import", "folder", source, "--out", out, "--json"];
  const ledger = join(out, "import.ledger");
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  while (!(existsSync(ledger) && statSync(ledger).size > 2000) && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill("SIGKILL");
  await ended;
  t.equal(child.signalCode, "SIGKILL", "it was at work");
  t.notOk(existsSync(join(out, "manifest.yaml")));
  const report = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as {
    reused: number;
    captures: number;
    packets: number;
  };
  t.ok(report.reused >= 5 && report.reused < 120, `${report.reused} were there`);
  t.match(report, { captures: 120, packets: 120 * media });
  t.same(
    readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".unfinished")),
    [],
  );
  const fresh = join(root, "fresh");
  await importDataset(
    findInFolder(source, { ...WORDS, name: "in", origin: "imported from in", licence: "not stated" }, FOLDER),
    { out: fresh, skipBad: false },
  );
  t.equal(
    readFileSync(join(out, "manifest.yaml"), "utf8"),
    readFileSync(join(fresh, "manifest.yaml"), "utf8"),
    "as if it had not been killed",
  );
});

test("the Echo's captures, their invocations, and the traces", { skip: missing("xz") }, async (t) => {
  const source = join(DATA, "echo");
  const words = await echoWords(source);
  const out = t.testdir();
  const expected = {
    captures: { captures: 95, packets: 132_183, tasks: ["class_strict"] },
    spans: { captures: 874, packets: 132_183, tasks: ["class_strict", "activity"] },
    traces: { captures: 500, packets: 289_751, tasks: ["class_balanced", "class_strict"] },
  } as const;
  for (const form of ["captures", "spans", "traces"] as const) {
    const report = await importDataset(await findEcho(source, join(out, form), words, form), {
      out: join(out, form),
      skipBad: false,
    });
    t.match(report, { ...expected[form], real: true, leftOut: [] }, form);
    const set = Dataset.open(report.manifest);
    t.ok(
      set.entries.every(({ label, group }) => label === group || label === "idle"),
      "groups are queries",
    );
    for (const name of report.tasks) t.ok(set.task(name).members.length >= 75 || form === "captures", name);
  }
  t.equal(Dataset.open(join(out, "traces/manifest.yaml")).task("class_balanced").members.length, 75);
  const again = await importDataset(await findEcho(source, join(out, "captures"), words, "captures"), {
    out: join(out, "captures"),
    skipBad: false,
  });
  t.match(again, { captures: 95, reused: 95 });
});
