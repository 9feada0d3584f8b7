import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type Test } from "tap";
import { attackNamed } from "../../../src/attack/attacks.js";
import { makePlan, only } from "../../../src/emulator/make-plan.js";
import { writeCapture } from "../../../src/emulator/synthesis.js";
import { attackDataset, type AttackDatasetOptions } from "../../../src/lab/attack-dataset.js";
import { writeManifest } from "../../../src/lab/dataset/manifest.js";
import { DEFAULTS } from "../../../src/leakage/protocol.js";
import { seconds } from "../../../src/time/micros.js";

const CLASSES = ["idle", "media"] as const;
const GROUPS = 4;

/** A small emulated set: two activities, four sessions of half a minute each. */
function emulated(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), "hushbox-attack-"));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const captures = CLASSES.flatMap((label) =>
    Array.from({ length: GROUPS }, (_, i) => {
      const file = `${label}-${String(i)}.pcap`;
      const seed = `attack ${file}`;
      writeCapture(makePlan({ seed, duration: seconds(30), mixture: only(label), scale: 1 }), join(folder, file));
      return { file, label, group: `${label} ${String(i)}` };
    }),
  );
  const manifest = join(folder, "manifest.yaml");
  writeManifest(manifest, { name: "small", real: false, origin: "the test", licence: "Apache-2.0", captures });
  return manifest;
}

function options(dataset: string, more: Partial<AttackDatasetOptions> = {}): AttackDatasetOptions {
  return {
    ...{ dataset, task: null, preset: "off", seed: "1", observer: "stats", vantage: "beyond", stale: false },
    windows: { cut: "packets", size: 20, direction: "both", field: "raw" },
    attacks: [attackNamed("decision-tree"), attackNamed("k-fingerprinting")],
    protocol: { ...DEFAULTS, seeds: ["1", "2"], folds: 2, repetitions: 0, resamples: 50 },
    ...more,
  };
}

test("activities are told apart, the same every time; a defense costs, and no group is asked that was learnt", async (t) => {
  const dataset = emulated(t);
  const off = await attackDataset(options(dataset));
  t.same(off.dataset, { name: "small", real: false, origin: "the test", task: "labels", traces: 8 });
  t.same(
    off.leakage.classes.map(({ name, groups }) => [name, groups]),
    CLASSES.map((name) => [name, GROUPS]),
  );
  t.ok((off.leakage.attacks[0]?.balanced_accuracy.value ?? 0) > 0.8, "media is not idle");
  t.same(off.cost.overhead, { bytes: 0, packets: 0 });
  t.same(await attackDataset(options(dataset)), off, "same seeds, same report");
  t.equal(off.given_plans, null, "no tunnel, no plans");
  const alone = await attackDataset(options(dataset, { attacks: [attackNamed("k-fingerprinting")] }));
  t.equal(alone.leakage.importance, null, "who does not look at the twelve is not asked about them");
  const heard: string[] = [];
  const paper = await attackDataset(options(dataset, { preset: "paper", vantage: "lan" }), (what) => {
    heard.push(what);
  });
  t.ok(paper.cost.overhead.bytes > 0.05 && paper.cost.overhead.packets > 0, "padding and decoys");
  t.ok(paper.cost.added_delay_ms.p99 > 1);
  t.same(new Set(heard), new Set(["captures", "trainings"]));
  const stale = await attackDataset(options(dataset, { preset: "paper", vantage: "lan", stale: true }));
  t.equal(stale.leakage.transferred, true);
  t.equal(off.leakage.transferred, false);
});

test("attacks on tables learn from the family that is asked for; others have features of their own", async (t) => {
  const dataset = emulated(t);
  const tree = [attackNamed("decision-tree")];
  const twelve = await attackDataset(options(dataset, { attacks: tree }));
  const bursts = await attackDataset(options(dataset, { attacks: tree, features: "bursts" }));
  t.equal(twelve.features, "twelve");
  t.equal(bursts.features, "bursts");
  t.equal(bursts.leakage.importance, null, "none of the twelve is what it was read by");
  t.not(twelve.leakage.importance, null);
  t.notSame(bursts.leakage.attacks, twelve.leakage.attacks);
  await t.rejects(attackDataset(options(dataset, { features: "bursts" })), {
    code: "usage",
    message: /the features bursts: k-fingerprinting would learn from features of its own/,
  });
});

test("behind a tunnel, what plans tell is held against what attacks read", async (t) => {
  const dataset = emulated(t);
  const paired = await attackDataset(
    options(dataset, {
      preset: "paired",
      windows: { cut: "trace", size: 0, direction: "both", field: "raw" },
      attacks: [attackNamed("decision-tree")],
      protocol: { ...options(dataset).protocol, seeds: ["1"], rows: 2, repetitions: 19 },
    }),
  );
  t.equal(paired.given_plans?.repetitions, 19);
  t.equal(paired.bound, 1, "idle or media: plans say which");
  t.ok((paired.given_plans?.mean ?? 0) > 0.8, "and that stays where traces of equal plans change places");
});

test("what cannot be measured is refused with a reason", async (t) => {
  const dataset = emulated(t);
  const many = attackDataset(options(dataset, { protocol: { ...options(dataset).protocol, folds: 5 } }));
  await t.rejects(many, { code: "too-few-samples", message: /idle|media/ });
  await t.rejects(attackDataset(options(dataset, { task: "nothing" })), {
    code: "usage",
    message: /no task "nothing"/,
  });
  await t.rejects(attackDataset(options(join(dataset, "gone.yaml"))), {
    code: "dataset-invalid",
    message: /gone\.yaml/,
  });
});
