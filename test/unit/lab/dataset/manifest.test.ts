import { join } from "node:path";
import { test } from "tap";
import { HushboxError } from "../../../../src/errors/hushbox-error.js";
import { bytesOf, parseManifest, writeManifest } from "../../../../src/lab/dataset/manifest.js";

const HEAD = ["name: small", "real: false", "origin: a test", "licence: none"];
const CAPTURES = [
  "captures:",
  "  - { file: a.pcap, label: on, group: one }",
  "  - { file: b.pcap, label: off, group: two }",
];
const THERE = ["a.pcap", "b.pcap"];

function parse(lines: readonly string[]): ReturnType<typeof parseManifest> {
  return parseManifest(Buffer.from(lines.join("\n")), "m.yaml", (file) => THERE.includes(file));
}

function tasks(...lines: string[]): string[] {
  return [...HEAD, "tasks:", "  mic:", ...lines.map((line) => `    ${line}`), ...CAPTURES];
}

test("bad manifests: the error names file, line and key", (t) => {
  const table: readonly (readonly [name: string, lines: readonly string[], error: RegExp])[] = [
    ["empty", [], /^m\.yaml:1:1 is empty: it needs at least name, real, origin, licence and captures$/],
    ["no yaml", ["captures: [a"], /^m\.yaml:\d+:\d+ /],
    ["no captures", HEAD, /"captures" is missing: the captures and what they are labelled with/],
    ["captures is empty", [...HEAD, "captures: []"], /^m\.yaml:5:11 \/captures expected at least 1, got none$/],
    [
      "whether it is real is not said",
      [...HEAD.filter((l) => !l.startsWith("real")), ...CAPTURES],
      /"real" is missing/,
    ],
    [
      "real is no yes",
      [HEAD[0] ?? "", "real: yes", ...HEAD.slice(2), ...CAPTURES],
      /m\.yaml:2:7 \/real expected true or false, got "yes"/,
    ],
    [
      "misspelt key",
      [...HEAD, ...CAPTURES, "licens: MIT"],
      /m\.yaml:8:1 \/licens unknown key "licens"; did you mean "licence"\?/,
    ],
    [
      "misspelt key of a capture",
      [...HEAD, "captures:", "  - { file: a.pcap, lable: on, group: one }"],
      /m\.yaml:6:\d+ \/captures\/0\/lable unknown key "lable"; did you mean "label"\?/,
    ],
    [
      "no label",
      [...HEAD, "captures:", "  - { file: a.pcap, group: one }"],
      /m\.yaml:6:5 \/captures\/0 "label" is missing/,
    ],
    [
      "no group",
      [...HEAD, "captures:", "  - { file: a.pcap, label: on }"],
      /"group" is missing: what a split never cuts/,
    ],
    [
      "missing file",
      [...HEAD, ...CAPTURES, "  - { file: c.pcap, label: off, group: two }"],
      /^m\.yaml:8:13 \/captures\/2\/file there is no file c\.pcap$/,
    ],
    [
      "the same file again",
      [...HEAD, ...CAPTURES, "  - { file: a.pcap, label: off, group: two }"],
      /\/captures\/2\/file a\.pcap is there already, as capture 1/,
    ],
    ["no address", [...HEAD, "device: 12", ...CAPTURES], /\/device expected a MAC or IP address/],
    [
      "an address of nobody",
      [...HEAD, 'device: "1.2.3"', ...CAPTURES],
      /m\.yaml:5:9 \/device "1\.2\.3" is neither a MAC address nor an IP address/,
    ],
    [
      "a capture's address",
      [...HEAD, "captures:", '  - { file: a.pcap, label: on, group: one, device: "::::" }'],
      /m\.yaml:6:\d+ \/captures\/0\/device "::::" is neither/,
    ],
    [
      "a stretch of no length",
      [...HEAD, "captures:", "  - { file: a.pcap, label: on, group: one, from: 5s, to: 5s }"],
      /\/captures\/0\/to 5s is not behind the start, 5s/,
    ],
    [
      "a stretch without a unit",
      [...HEAD, "captures:", "  - { file: a.pcap, label: on, group: one, from: 5 }"],
      /\/captures\/0\/from expected a time behind/,
    ],
    [
      "a label in no class",
      tasks("classes: { awake: [on], asleep: [offf] }"),
      /m\.yaml:7:\d+ \/tasks\/mic\/classes\/asleep\/0 no capture has the label offf; did you mean "off"\?/,
    ],
    [
      "mislabelled",
      [...tasks("classes: { awake: [on], asleep: [off] }"), "  - { file: b.pcap, label: onn, group: x, to: 1s }"],
      /m\.yaml:11:28 \/captures\/2\/label the label onn is in no class of the task mic, and not left out; did you mean "on"\?/,
    ],
    [
      "an empty class",
      tasks("classes: { awake: [on, off], asleep: [] }"),
      /\/tasks\/mic\/classes\/asleep expected at least 1, got none/,
    ],
    [
      "a class without captures",
      tasks("classes: { awake: [on, off], away: [holiday] }"),
      /\/tasks\/mic\/classes\/away the class away is empty: no capture has one of its labels/,
    ],
    ["one class", tasks("classes: { awake: [on, off] }"), /a task has at least two classes, got 1/],
    [
      "in two classes",
      tasks("classes: { awake: [on], asleep: [off, on] }"),
      /\/tasks\/mic\/classes\/asleep\/1 on is in the class awake already/,
    ],
    [
      "in a class and left out",
      tasks("classes: { awake: [on], asleep: [off] }", "leaveOut: [off]"),
      /\/tasks\/mic\/leaveOut\/0 off is in the class asleep already/,
    ],
    [
      "the task that every set has",
      [...HEAD, "tasks: { labels: { classes: { on: [on], off: [off] } } }", ...CAPTURES],
      /\/tasks\/labels labels is the task that every set has/,
    ],
  ];
  for (const [name, lines, error] of table) {
    t.throws(() => parse(lines), { code: "dataset-invalid", message: error }, name);
  }
  t.end();
});

test("ok manifests", (t) => {
  t.equal(parse([...HEAD, ...CAPTURES]).captures.length, 2);
  const left = tasks("classes: { awake: [on], asleep: [off] }", "leaveOut: [cough]");
  t.equal(
    parse([...left, "  - { file: b.pcap, label: cough, group: x, from: 1.5s, to: 2min }"]).captures.length,
    3,
    "a stretch",
  );
  t.equal(parse([...HEAD, "device: AA:bb:cc:dd:ee:ff", ...CAPTURES]).device, "AA:bb:cc:dd:ee:ff");
  t.equal(parse([...HEAD, 'device: "2001:db8::1"', ...CAPTURES]).device, "2001:db8::1");
  t.end();
});

test("what is written is read back", (t) => {
  const path = join(t.testdir(), "manifest.yaml");
  const manifest = parse(tasks("classes: { awake: [on], asleep: [off] }"));
  writeManifest(path, { ...manifest, origin: "several\nlines: with 'marks' # and more", name: "yes" });
  const again = parseManifest(bytesOf(path), path, () => true);
  t.same(again, { ...manifest, origin: "several\nlines: with 'marks' # and more", name: "yes" });
  t.throws(() => {
    writeManifest(join(path, "below"), manifest);
  }, HushboxError);
  t.throws(() => bytesOf(join(path, "below")), { code: "dataset-invalid" });
  t.end();
});
