import { test } from "tap";
import { PRESET_NAMES } from "../../../../src/defense/presets.js";
import { measuringOf } from "../../../../src/lab/campaign/campaign-plan.js";
import { PAPER_ATTACKS, PARTS, planCells, type CellsWanted } from "../../../../src/lab/campaign/plan-cells.js";
import { passKey, passOf } from "../../../../src/lab/campaign/pass.js";
import { leftOutOf, QUICK, WHOLE } from "../../../../src/lab/campaign/scope.js";
import { cellsOfShard, parseShard } from "../../../../src/lab/campaign/shard.js";

const ALL: CellsWanted = {
  scope: WHOLE,
  parts: PARTS,
  presets: PRESET_NAMES,
  scenarios: [
    { name: "mic-on-off", kind: "microphone" },
    { name: "queries", kind: "queries" },
    { name: "echo-class_balanced", kind: "captures" },
  ],
};
const whole = planCells(ALL);
const quick = planCells({ ...ALL, scope: QUICK });

test("the same wishes are the same cells, under names that are unique and fit for files", (t) => {
  t.same(planCells(ALL), whole);
  const ids = whole.map(({ id }) => id);
  t.equal(new Set(ids).size, ids.length);
  t.same(
    ids.filter((id) => !/^[A-Za-z0-9.-]{1,200}$/.test(id)),
    [],
  );
  const points = whole.map((cell) => JSON.stringify({ ...cell, id: "" }));
  t.equal(new Set(points).size, points.length, "no cell twice");
  t.end();
});

test("an id follows from the cell alone, whatever else is planned", (t) => {
  const less = planCells({ ...ALL, parts: ["noise"], scenarios: ALL.scenarios.slice(1, 2) });
  const ids = new Set(whole.map(({ id }) => id));
  t.ok(less.length > 40);
  // Undefended cells have other attacks there, and so other names.
  t.same(
    less.filter(({ id, defense }) => defense.kind !== "preset" && !ids.has(id)),
    [],
  );
  t.end();
});

test("the paper's figures are all there", (t) => {
  const queries = whole.filter(({ scenario, vantage }) => scenario === "queries" && vantage === "lan");
  const sizes = (kind: string, parameter: number): number[] =>
    queries
      .filter(
        ({ defense: d }) => d.kind === kind && d.kind !== "preset" && d.parameter === parameter && d.order === "time",
      )
      .map(({ windows }) => windows.size)
      .sort((a, b) => a - b);
  for (const psi of [1, 3, 5, 7, 9]) t.same(sizes("smoothing", psi), WHOLE.sizes, `degree ${psi}`);
  for (const nu of [2, 8, 16, 32, 64]) t.same(sizes("noise", nu), WHOLE.sizes, `noise ${nu}`);
  for (const nu of [2, 8, 16, 32, 64]) {
    t.same(sizes("simulated", nu), WHOLE.sideSizes, `simulated ${nu}`);
    const onPackets = queries.filter(({ defense: d }) => d.kind === "preset" && d.preset === "paper" && d.nu === nu);
    t.same(
      onPackets.map(({ windows }) => windows.size),
      WHOLE.sideSizes,
      `packets ${nu}`,
    );
  }
  const undefended = queries.filter(({ defense: d }) => d.kind === "preset" && d.preset === "off");
  for (const direction of ["both", "up"])
    for (const attack of PAPER_ATTACKS)
      t.same(
        undefended
          .filter(({ windows, attacks }) => windows.direction === direction && attacks.includes(attack))
          .map(({ windows }) => windows.size),
        WHOLE.sizes,
        `${attack}, ${direction}`,
      );
  t.end();
});

test("every preset meets every observer in every direction; real captures are samples as they are", (t) => {
  for (const scenario of ["queries", "echo-class_balanced"])
    for (const preset of PRESET_NAMES)
      for (const observer of ["stats", "parse"])
        for (const direction of ["both", "up", "down"]) {
          const found = whole.filter(
            (cell) =>
              cell.scenario === scenario &&
              cell.vantage === "beyond" &&
              cell.observer === observer &&
              cell.windows.direction === direction &&
              cell.defense.kind === "preset" &&
              cell.defense.preset === preset,
          );
          t.ok(found.length > 0, [scenario, preset, observer, direction].join(" "));
          t.same(
            found.filter(({ windows }) => (windows.cut === "trace") !== (scenario !== "queries")),
            [],
          );
        }
  t.end();
});

test("quick leaves out what it says, and asks for nothing that the whole has not", (t) => {
  t.same(leftOutOf(WHOLE), []);
  t.ok(leftOutOf(QUICK).length > 4);
  const parsing = quick.filter(({ observer }) => observer === "parse");
  const presets = new Set(parsing.map(({ defense }) => (defense.kind === "preset" ? defense.preset : "")));
  t.same(
    [...presets].sort(),
    PRESET_NAMES.filter((name) => name !== "off").sort(),
    "nobody parses what nothing defends",
  );
  const points = new Set(
    whole.map(({ scenario, defense, observer, vantage, windows }) =>
      JSON.stringify([scenario, defense, observer, vantage, windows]),
    ),
  );
  t.same(
    quick.filter(
      ({ scenario, defense, observer, vantage, windows }) =>
        !points.has(JSON.stringify([scenario, defense, observer, vantage, windows])),
    ),
    [],
  );
  t.ok(quick.length < whole.length / 3);
  t.end();
});

test("ν of the preset itself is no pass of its own", (t) => {
  const paper = whole.filter(({ scenario, vantage }) => scenario === "queries" && vantage === "lan");
  const keys = new Set(paper.map((cell) => passKey(passOf(cell))));
  t.same([...keys].sort(), [
    "queries-lan-off",
    "queries-lan-paper",
    "queries-lan-paper-16",
    "queries-lan-paper-32",
    "queries-lan-paper-64",
    "queries-lan-paper-8",
  ]);
  t.end();
});

test("every cell is in exactly one shard, in order, and shards are about as long", (t) => {
  for (const cells of [whole, quick, whole.slice(0, 3)])
    for (const of of [1, 2, 3, 7, 16, 100]) {
      const measuring = measuringOf("1", cells === quick);
      const shards = Array.from({ length: of }, (_, index) => cellsOfShard(cells, measuring, { index, of }));
      t.same(
        shards.flat().map(({ id }) => id),
        cells.map(({ id }) => id),
        `${cells.length} cells in ${of}`,
      );
    }
  const lengths = [0, 1, 2, 3].map((index) => cellsOfShard(quick, measuringOf("1", true), { index, of: 4 }).length);
  t.ok(Math.min(...lengths) > 10, lengths.join(", "));
  t.end();
});

test("shards are counted from 0", (t) => {
  t.same(parseShard("0/1"), { index: 0, of: 1 });
  t.same(parseShard("15/16"), { index: 15, of: 16 });
  for (const bad of ["16/16", "1", "1/0", "-1/4", "1/x", "0/10001", ""])
    t.throws(() => parseShard(bad), { code: "usage", message: /0\/16 to 15\/16/ }, bad);
  t.end();
});
