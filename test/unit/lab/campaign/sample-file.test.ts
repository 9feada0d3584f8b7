import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { formsIn, readSamples, writeSamples } from "../../../../src/lab/campaign/sample-file.js";
import type { Samples } from "../../../../src/lab/samples/samples.js";
import { totalCost } from "../../../../src/leakage/defense-cost.js";
import { SeededRandom } from "../../../../src/random/seeded-random.js";
import { normalFiles, sampleSet } from "../../../support/sample-sets.js";

function some(): Samples {
  const files = normalFiles({ classes: 3, files: 4, windows: 7, columns: 5, apart: 1 }, new SeededRandom(1));
  const set = sampleSet(files, 3);
  const sequence = { rows: set.labels.length, columns: 2, values: new Float64Array(2 * set.labels.length).fill(-1e9) };
  const samples = { ...set.samples, sequence };
  const starts = Float64Array.from(set.labels, (_, row) => 1.7e15 + row);
  return { set: { ...set, samples }, starts, cost: totalCost([]) };
}

test("samples come back as they were", (t) => {
  const path = join(t.testdir(), "a/b/x.samples");
  const samples = some();
  writeSamples(path, "stamp", samples);
  t.same(readSamples(path, "stamp"), samples);
  t.same([...(formsIn(path, "stamp") ?? [])].sort(), ["sequence", "table"]);
  t.end();
});

test("what is of another making, cut off or not there is no file", (t) => {
  const path = join(t.testdir(), "x.samples");
  t.equal(readSamples(path, "stamp"), null);
  writeSamples(path, "stamp", some());
  t.equal(readSamples(path, "other"), null);
  t.equal(formsIn(path, "other"), null);
  const bytes = readFileSync(path);
  for (const length of [0, 10, bytes.indexOf("\n") + 1, bytes.length - 1]) {
    writeFileSync(path, bytes.subarray(0, length));
    t.equal(readSamples(path, "stamp"), null, `${length} bytes`);
    t.equal(formsIn(path, "stamp"), null, `${length} bytes`);
  }
  writeFileSync(path, Buffer.concat([bytes, Buffer.of(0)]));
  t.equal(readSamples(path, "stamp"), null, "a byte too many");
  t.end();
});

test("where nothing can be written, the error names it", (t) => {
  const folder = t.testdir({ taken: "" });
  const path = join(folder, "taken/x.samples");
  t.throws(
    () => {
      writeSamples(path, "stamp", some());
    },
    { code: "dataset-invalid", message: new RegExp(`making the folder ${folder}/taken: `) },
  );
  t.end();
});
