import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type Test } from "tap";
import { checkDataset } from "../../../../src/lab/dataset/check-dataset.js";
import { Dataset } from "../../../../src/lab/dataset/dataset.js";
import { findDevice } from "../../../../src/lab/dataset/find-device.js";
import { writeManifest, type Manifest, type ManifestCapture } from "../../../../src/lab/dataset/manifest.js";
import { Observer } from "../../../../src/trace/observer.js";
import { formatMac } from "../../../../src/wire/ethernet.js";
import { Prefixes } from "../../../../src/wire/prefix.js";
import { smallCapture, SPEAKER } from "../../../support/small-captures.js";

const observer = (): Observer => new Observer("lan", new Prefixes([]));
const NOTHING = { seen: (): void => undefined };

interface Made {
  readonly folder: string;
  readonly manifest: string;
  readonly packets: number;
}

function made(t: Test, captures: readonly ManifestCapture[], rest: Partial<Manifest> = {}): Made {
  const folder = t.testdir();
  const packets = smallCapture(join(folder, "a.pcap"));
  smallCapture(join(folder, "b.pcap"), "utility", "2");
  const manifest = join(folder, "manifest.yaml");
  writeManifest(manifest, {
    name: "small",
    real: false,
    origin: "a test",
    licence: "none",
    ...rest,
    captures: [...captures],
  });
  return { folder, manifest, packets };
}

const TWO: ManifestCapture[] = [
  { file: "a.pcap", label: "quiet", group: "1" },
  { file: "b.pcap", label: "asked", group: "2" },
];

test("entries are read as streams, the speaker found by its traffic", (t) => {
  const { folder, manifest, packets } = made(t, TWO);
  const set = Dataset.open(manifest);
  t.equal(set.real, false);
  t.same(
    set.entries.map(({ path, label, group, device }) => ({ path, label, group, device })),
    [
      { path: join(folder, "a.pcap"), label: "quiet", group: "1", device: null },
      { path: join(folder, "b.pcap"), label: "asked", group: "2", device: null },
    ],
  );
  const [first] = set.entries;
  if (first === undefined) throw new Error("no entry");
  t.equal(formatMac(set.deviceOf(first)), SPEAKER);
  for (let again = 0; again < 2; again++) {
    let seen = 0;
    t.equal(set.read(first, observer(), { seen: () => seen++ }), packets);
    t.equal(seen, packets, "each packet comes by once");
  }
  t.end();
});

test("a stretch is what lies in it", (t) => {
  const stretches = (from: string, to: string): ManifestCapture => ({
    file: "a.pcap",
    label: `${from}-${to}`,
    group: "1",
    from,
    to,
  });
  const { manifest, packets } = made(t, [
    stretches("0", "4s"),
    stretches("4s", "8s"),
    stretches("8s", "1h"),
    stretches("20s", "1h"),
  ]);
  const set = Dataset.open(manifest);
  const counts: number[] = [];
  for (const entry of set.entries.slice(0, 3)) {
    const times: number[] = [];
    counts.push(set.read(entry, observer(), { seen: ({ at }) => times.push(at) }));
    const [low = NaN, high = NaN] = [times[0], times.at(-1)];
    t.ok(high - low < entry.to - entry.from, entry.label);
  }
  t.ok(
    counts.every((count) => count > 0 && count < packets),
    String(counts),
  );
  t.equal(
    counts.reduce((a, b) => a + b),
    packets,
    "together they are the whole",
  );
  const last = set.entries[3];
  if (last === undefined) throw new Error("no entry");
  t.throws(() => set.read(last, observer(), NOTHING), {
    code: "dataset-invalid",
    message: /reading a\.pcap: nothing is seen/,
  });
  t.throws(() => checkDataset(manifest), {
    message: /a\.pcap: there is no packet of [0-9a-f:]+ in the labelled stretch/,
  });
  t.end();
});

test("tasks map labels to classes, and one is always there", (t) => {
  const { manifest } = made(t, [...TWO, { file: "b.pcap", label: "cough", group: "2", to: "1s" }], {
    tasks: { asked: { classes: { no: ["quiet"], yes: ["asked"] }, leaveOut: ["cough"] } },
  });
  const set = Dataset.open(manifest);
  t.same(set.tasks, ["asked", "labels"]);
  const asked = set.task("asked");
  t.same(asked.classes, ["no", "yes"]);
  t.same(
    asked.members.map((member) => [member.entry.label, member.class]),
    [
      ["quiet", 0],
      ["asked", 1],
    ],
  );
  t.same(set.task("labels").classes, ["quiet", "asked", "cough"]);
  t.throws(() => set.task("aksed"), { code: "usage", message: /has no task "aksed"; it has asked, labels/ });
  const one = made(t, TWO.slice(0, 1)).manifest;
  t.throws(() => Dataset.open(one).task("labels"), { code: "dataset-invalid", message: /one label only/ });
  t.end();
});

test("what is wrong with a capture is said with its name", (t) => {
  const stranger = "02:00:00:00:00:99";
  const cases: readonly (readonly [
    name: string,
    device: string | undefined,
    spoil: (path: string) => void,
    error: RegExp,
    code: string,
  ])[] = [
    [
      "a device that never appears, by MAC",
      stranger,
      () => undefined,
      /b\.pcap: 02:00:00:00:00:99 never appears in the capture/,
      "dataset-invalid",
    ],
    [
      "a device that never appears, by IP",
      "192.0.2.9",
      () => undefined,
      /b\.pcap: 192\.0\.2\.9 never appears in the capture/,
      "dataset-invalid",
    ],
    [
      "cut off",
      SPEAKER,
      (path) => {
        writeFileSync(path, readFileSync(path).subarray(0, -5));
      },
      /b\.pcap: the file ends at byte/,
      "capture-truncated",
    ],
    [
      "no capture",
      SPEAKER,
      (path) => {
        writeFileSync(path, "no capture at all, not one");
      },
      /b\.pcap: it is neither pcap nor pcapng/,
      "capture-invalid",
    ],
    [
      "compressed and cut off",
      SPEAKER,
      (path) => {
        writeFileSync(path, Buffer.from("1f8b080000000000", "hex"));
      },
      /b\.pcap: the compressed file ends too early/,
      "capture-truncated",
    ],
  ];
  for (const [name, device, spoil, message, code] of cases) {
    const { folder, manifest } = made(t, TWO, device === undefined ? {} : { device: SPEAKER });
    if (device !== undefined && device !== SPEAKER)
      writeManifest(manifest, {
        name: "small",
        real: false,
        origin: "a test",
        licence: "none",
        captures: TWO.map((c) => (c.file === "b.pcap" ? { ...c, device } : c)),
      });
    spoil(join(folder, "b.pcap"));
    const set = Dataset.open(manifest);
    const entry = set.entries[1];
    if (entry === undefined) throw new Error("no entry");
    t.throws(() => set.read(entry, observer(), NOTHING), { code, message }, name);
    t.throws(() => checkDataset(manifest), { code: "dataset-invalid", message }, `${name}, when all are checked`);
  }
  const empty = made(t, TWO);
  writeFileSync(join(empty.folder, "a.pcap"), readFileSync(join(empty.folder, "a.pcap")).subarray(0, 24));
  t.throws(
    () => checkDataset(empty.manifest),
    { message: /looking for the speaker in .*a\.pcap: it has no frame/ },
    "empty",
  );
  t.end();
});

test("a check counts what each label holds", (t) => {
  const { manifest, packets } = made(t, TWO);
  const report = checkDataset(manifest);
  t.match(report, { name: "small", real: false, tasks: ["labels"] });
  t.match(report.labels["quiet"], { entries: 1, groups: 1, packets });
  t.end();
});

test("the speaker is not guessed where its traffic does not tell", (t) => {
  const path = join(t.testdir(), "one-way.pcap");
  smallCapture(path, "idle", "1", 12);
  const whole = readFileSync(path);
  // The ARP exchange alone: two cards, and no address of either in an IP packet.
  writeFileSync(path, whole.subarray(0, 24 + 2 * (16 + 42)));
  t.throws(() => findDevice(path), {
    code: "dataset-invalid",
    message: /none is the one that sends from a single IPv4 address; name it with device|no frame from one card/,
  });
  t.end();
});
