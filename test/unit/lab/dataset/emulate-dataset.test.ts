import { createHash } from "node:crypto";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { SCENARIOS, TIMETABLES, sessionPlan } from "../../../../src/emulator/sessions.js";
import { synthesise } from "../../../../src/emulator/synthesis.js";
import { checkDataset } from "../../../../src/lab/dataset/check-dataset.js";
import { Dataset } from "../../../../src/lab/dataset/dataset.js";
import { emulateDataset, type EmulateOptions } from "../../../../src/lab/dataset/emulate-dataset.js";
import { CaptureReader } from "../../../../src/nic/capture-reader.js";

const MAIN = join(import.meta.dirname, "../../../../src/main.js");
/** An eighth of a day, rounded up: two sessions of each class. */
const SMALL: Omit<EmulateOptions, "out"> = { scenario: "mic-on-off", days: 0.125, seed: "7", snap: 128, threads: 2 };

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The captures of a set, by the hash of their bytes. */
function files(folder: string): Map<string, string> {
  const names = readdirSync(join(folder, "captures")).sort();
  return new Map(names.map((name) => [name, sha256(readFileSync(join(folder, "captures", name)))]));
}

test("same seed, same bytes, whatever the threads; what is missing is made again", async (t) => {
  const root = t.testdir();
  const [one, two, other] = ["one", "two", "other"].map((name) => join(root, name)) as [string, string, string];
  const report = await emulateDataset({ ...SMALL, out: one, threads: 1 });
  await emulateDataset({ ...SMALL, out: two });
  t.match(report, { real: false, captures: 4, reused: 0 });
  t.same(files(two), files(one));
  t.equal(readFileSync(join(two, "manifest.yaml"), "utf8"), readFileSync(join(one, "manifest.yaml"), "utf8"));
  await emulateDataset({ ...SMALL, out: other, seed: "8" });
  t.same([...files(other).keys()], [...files(one).keys()]);
  t.ok(
    [...files(other)].every(([name, hash]) => files(one).get(name) !== hash),
    "another seed, other bytes",
  );

  const [first = ""] = files(two).keys();
  unlinkSync(join(two, "captures", first));
  t.match(await emulateDataset({ ...SMALL, out: two }), { reused: 3, labels: report.labels });
  t.same(files(two), files(one));
  t.match(
    await emulateDataset({ ...SMALL, out: two, seed: "8" }),
    { reused: 0 },
    "of another seed nothing is taken over",
  );
});

test("the manifest says emulated, and holds what was asked for", async (t) => {
  const out = t.testdir();
  const { manifest, labels } = await emulateDataset({ ...SMALL, out, seed: "1" });
  const set = Dataset.open(manifest);
  t.equal(set.real, false);
  t.match(set.origin, /--scenario mic-on-off --days 0\.125 --seed 1/);
  const { classes, members } = set.task("mic-on-off");
  t.same(classes, ["off", "on"]);
  t.equal(members.length, 4);
  t.equal(new Set(set.entries.map(({ group }) => group)).size, 2, "a group has a session of each class");
  const checked = checkDataset(manifest);
  for (const [label, volume] of Object.entries(labels)) t.match(checked.labels[label], volume, label);
  for (const { path } of set.entries) {
    const reader = CaptureReader.open(path);
    let [cut, last, wrong] = [0, 0, 0];
    while (reader.next()) {
      if (reader.length !== Math.min(128, reader.originalLength) || reader.time < last) wrong++;
      last = reader.time;
      if (reader.originalLength > reader.length) cut++;
    }
    reader.close();
    t.equal(wrong, 0, "in order of time, cut behind 128 bytes");
    t.ok(cut > 0, "the lengths of cut frames are kept");
  }
});

test("packets per query are near 8 : 1.3 : 1", (t) => {
  const { length } = TIMETABLES.queries;
  const packets = Object.fromEntries(
    SCENARIOS.queries.map((label) => {
      let count = 0;
      for (let i = 0; i < 2; i++)
        for (const { at } of synthesise(sessionPlan(label, `ratio ${i}`, "home", length))) count += at >= 0 ? 1 : 0;
      return [label, count];
    }),
  );
  const { media = 0, travel = 0, utility = 1 } = packets;
  t.ok(media / utility > 6.5 && media / utility < 9.5, `media ${(media / utility).toFixed(2)}`);
  t.ok(travel / utility > 1.1 && travel / utility < 1.5, `travel ${(travel / utility).toFixed(2)}`);
  t.end();
});

test("nothing but sizes tells travel from utility: hosts, ports and connections are the same", (t) => {
  const shape = (label: "travel" | "utility"): string[] => {
    const found = new Set<string>();
    for (let i = 0; i < 6; i++)
      for (const step of sessionPlan(label, `hosts ${i}`, "home", 1710).steps)
        if (step.action === "connect") found.add(`${step.transport} ${step.endpoint} ${step.family}`);
    return [...found].sort();
  };
  t.same(shape("travel"), shape("utility"));
  t.end();
});

test("the microphone's states differ by what happens now and then", (t) => {
  const events = (label: "off" | "on" | "noise"): number => {
    let count = 0;
    for (let i = 0; i < 12; i++)
      count += sessionPlan(label, `mic ${i}`, "home", 7200).steps.filter(
        ({ action, activity }) => action === "connect" && activity !== "idle",
      ).length;
    return count;
  };
  const [off, on, noise] = [events("off"), events("on"), events("noise")];
  t.equal(off, 0);
  t.ok(on > 100 && noise > on, `${on} ${noise}`);
  t.end();
});

test("a run that is killed goes on where it was, and a full disk leaves nothing half-written", async (t) => {
  const root = t.testdir();
  const out = join(root, "killed");
  const args = (to: string): string[] => [
    MAIN,
    "emulate",
    "dataset",
    "--scenario",
    "mic-on-off",
    "--days",
    "0.5",
    "--seed",
    "7",
    "--out",
    to,
    "--json",
  ];
  const child = spawn(process.execPath, args(out), { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  while (!existsSync(join(out, "emulate.ledger")) && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill("SIGKILL");
  await ended;
  t.equal(child.signalCode, "SIGKILL", "it was at work");
  t.notOk(existsSync(join(out, "manifest.yaml")));
  const report = JSON.parse(spawnSync(process.execPath, args(out), { encoding: "utf8" }).stdout) as { reused: number };
  t.ok(report.reused >= 1 && report.reused < 12, `${report.reused} were there`);
  const clean = join(root, "clean");
  await emulateDataset({ ...SMALL, days: 0.5, out: clean });
  t.same(files(out), files(clean));

  // A limit on the length of files (in 512 bytes) stands for a disk that fills. Node ignores SIGXFSZ, unless the test runner is loaded into it.
  const full = join(root, "full");
  const ran = spawnSync(
    "sh",
    ["-c", 'ulimit -f 400; exec env -u NODE_OPTIONS "$0" "$@"', process.execPath, ...args(full)],
    {
      encoding: "utf8",
    },
  );
  t.equal(ran.status, 1, ran.stderr);
  t.match(ran.stderr, /hushbox emulate: writing the capture .*\.pcap\.unfinished: EFBIG/);
  t.notOk(existsSync(join(full, "manifest.yaml")));
  t.ok(
    [...files(full).keys()].every(
      (name) => statSync(join(full, "captures", name)).size > 0 && !name.endsWith(".unfinished"),
    ),
    "nothing half-written",
  );
});
