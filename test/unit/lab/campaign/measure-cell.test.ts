import { test } from "tap";
import { ATTACKS } from "../../../../src/attack/attacks.js";
import { FEATURES } from "../../../../src/features/features.js";
import type { CellDefense, CellPlan, Measuring } from "../../../../src/lab/campaign/cell.js";
import { drawnRows } from "../../../../src/lab/campaign/drawn-rows.js";
import { measureCell, type Measured } from "../../../../src/lab/campaign/measure-cell.js";
import type { Samples } from "../../../../src/lab/samples/samples.js";
import { totalCost } from "../../../../src/leakage/defense-cost.js";
import { InlineRunner } from "../../../../src/leakage/runner.js";
import { SeededRandom } from "../../../../src/random/seeded-random.js";
import { normalFiles, sampleSet } from "../../../support/sample-sets.js";

const MEASURING: Measuring = { days: 1, folds: 3, seeds: ["1"], mostRows: 500, resamples: 50, repeats: 1 };

function cell(defense: CellDefense): CellPlan {
  const windows = { cut: "packets", size: 10, direction: "up", field: "raw" } as const;
  const attacks = ["decision-tree"];
  return { id: "x", scenario: "s", defense, observer: "stats", vantage: "lan", windows, attacks, repetitions: 0 };
}

/** Six files a class, whose windows tell the class by their first column, three deviations apart; the classes take turns in time. */
function samples(windows = 20): Samples {
  const files = normalFiles({ classes: 2, files: 6, windows, columns: FEATURES.length, apart: 3 }, new SeededRandom(1));
  const set = sampleSet(files, 2);
  return { set, starts: Float64Array.from(set.labels, (_, row) => row), cost: totalCost([]) };
}

function measured(defense: CellDefense, given = samples(), measuring = MEASURING): Promise<Measured> {
  const modules = { runner: new InlineRunner(ATTACKS), seed: "1", progress: () => undefined };
  return measureCell(cell(defense), given, measuring, modules);
}

const accuracy = ({ leakage }: Measured): number => leakage?.attacks[0]?.balanced_accuracy.value ?? NaN;

test("each defense is done to the table that attacks learn from", async (t) => {
  const off = await measured({ kind: "preset", preset: "off" });
  t.ok(accuracy(off) > 0.85, `off ${accuracy(off)}`);
  t.same(off.cost, totalCost([]));
  t.same(
    off.features?.map(({ name }) => name),
    FEATURES,
  );
  const [first] = off.features ?? [];
  const [low = 0, high = 0] = first?.class_means ?? [];
  t.ok(Math.abs(high - low - 3) < 0.5 && Math.abs((first?.mean ?? 0) - 1.5) < 0.3, "means of the classes, and of all");

  const noise = await measured({ kind: "noise", parameter: 64, order: "time" });
  t.ok(accuracy(noise) < 0.7, `noise ${accuracy(noise)}`);
  t.equal(noise.cost, null);
  t.ok((noise.features?.[0]?.deviation ?? 0) > 5 * (first?.deviation ?? NaN), "which the summary shows");

  const shuffled = await measured({ kind: "smoothing", parameter: 1, order: "shuffled" });
  const timely = await measured({ kind: "smoothing", parameter: 1, order: "class" });
  t.ok(accuracy(shuffled) < 0.75 && accuracy(timely) > 0.95, `${accuracy(shuffled)}, ${accuracy(timely)}`);

  const simulated = await measured({ kind: "simulated", parameter: 2, order: "time" });
  t.equal(simulated.features?.find(({ name }) => name === "std_len_pack")?.deviation, 0);
  t.equal(accuracy(simulated) > 0.85, true, "which leaves the first column alone");
  t.same(await measured({ kind: "noise", parameter: 64, order: "time" }).then(accuracy), accuracy(noise), "same draws");
});

test("what is too little is refused with the reason, and no reason to stop", async (t) => {
  const few = await measured({ kind: "preset", preset: "off" }, samples(1));
  t.equal(few.leakage, null);
  t.match(few.refused, /class "class-0" has 6 windows/);
  const short = await measured({ kind: "smoothing", parameter: 1, order: "trace" });
  t.match(short.refused, /a series of 20 windows is shorter/);
});

test("at most so many rows of a class, drawn from all", async (t) => {
  const { set } = samples();
  const drawn = drawnRows(set, 30, new SeededRandom("x"));
  t.same(
    [0, 1].map((c) => drawn.labels.filter((label) => label === c).length),
    [30, 30],
  );
  t.equal(new Set(drawn.groups).size, 12, "of every file");
  t.equal(drawn.samples.table?.rows, 60);
  const at = (row: number): number | undefined => drawn.samples.table?.values[row * FEATURES.length];
  const all = new Map([...set.labels.keys()].map((row) => [set.samples.table?.values[row * FEATURES.length], row]));
  const kept = [...drawn.labels.keys()].map((row) => all.get(at(row)) ?? -1);
  t.same(
    kept,
    [...kept].sort((a, b) => a - b),
    "in their order",
  );
  t.same(
    [...drawn.labels],
    kept.map((row) => set.labels[row]),
    "with their labels",
  );
  t.equal(drawnRows(set, 120, new SeededRandom("x")), set);
  const { leakage } = await measured({ kind: "preset", preset: "off" }, samples(), { ...MEASURING, mostRows: 30 });
  t.same(
    leakage?.classes.map(({ rows }) => rows),
    [30, 30],
  );
});
