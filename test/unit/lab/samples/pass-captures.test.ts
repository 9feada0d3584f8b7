import { join } from "node:path";
import { test } from "tap";
import { emulateDataset } from "../../../../src/lab/dataset/emulate-dataset.js";
import { Dataset } from "../../../../src/lab/dataset/dataset.js";
import { passCaptures } from "../../../../src/lab/samples/pass-captures.js";
import type { Look } from "../../../../src/lab/samples/look.js";

const LOOKS: readonly Look[] = [
  { observer: "stats", windows: { cut: "packets", size: 500, direction: "both", field: "raw" }, forms: ["table"] },
  {
    observer: "parse",
    windows: { cut: "packets", size: 300, direction: "up", field: "raw" },
    forms: ["fingerprint", "table"],
  },
  { observer: "stats", windows: { cut: "trace", size: 0, direction: "down", field: "raw" }, forms: ["sequence"] },
];

test("in threads as in one: the same rows in the same order at the same cost", async (t) => {
  const out = t.testdir();
  const { manifest } = await emulateDataset({
    scenario: "mic-on-off",
    days: 0.05,
    seed: "3",
    out,
    snap: 128,
    threads: 2,
  });
  const dataset = Dataset.open(manifest);
  const task = dataset.task("mic-on-off");
  const defended = { preset: "paper", nu: 8, seed: "5", vantage: "lan" } as const;
  const job = { manifest, task: task.name, defended, looks: LOOKS };
  let last = 0;
  const many = await passCaptures({ ...job, threads: 3 }, (done) => {
    last = done;
  });
  t.same(many, await passCaptures({ ...job, threads: 1 }, () => undefined));
  t.equal(last, 2);
  t.ok(many.every(({ set }) => set.labels.length > 0));
  const quiet = { ...job, defended: { ...defended, nu: 0 }, looks: LOOKS.slice(0, 1), threads: 1 };
  const [less] = await passCaptures(quiet, () => undefined);
  t.ok(
    (less?.cost.overhead.packets ?? 1) < (many[0]?.cost.overhead.packets ?? 0),
    "ν decides how many decoys there are",
  );

  for (const { starts, set } of many) {
    t.equal(starts.length, set.labels.length);
    t.ok(
      starts.every(
        (at, row) => row === 0 || set.traces?.[row] !== set.traces?.[row - 1] || at > (starts[row - 1] ?? 0),
      ),
    );
  }
  const [windows, , traces] = many;
  const first = (trace: number): number => windows?.starts[windows.set.traces?.indexOf(trace) ?? -1] ?? NaN;
  for (const [trace, at] of traces?.starts.entries() ?? [])
    t.ok(at >= first(trace) && at < first(trace) + 60e6, "a trace begins with its first packet of that direction");
});

test("a capture that cannot be read ends all, by its name", async (t) => {
  const folder = t.testdir({
    "bad.pcap": "no capture",
    "manifest.yaml": JSON.stringify({
      name: "bad",
      real: false,
      origin: "here",
      licence: "none",
      device: "02:00:00:00:00:01",
      captures: [
        { file: "bad.pcap", label: "a", group: "1" },
        { file: "./bad.pcap", label: "b", group: "2" },
      ],
    }),
  });
  const defended = { preset: "off", seed: "1", vantage: "lan" } as const;
  const manifest = join(folder, "manifest.yaml");
  await t.rejects(
    passCaptures({ manifest, task: "labels", defended, looks: LOOKS, threads: 2 }, () => undefined),
    {
      code: "capture-invalid",
      message: /bad\.pcap/,
    },
  );
});
