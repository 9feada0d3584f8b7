import { test } from "tap";
import { presetCells, type PresetDefense } from "../../../../src/lab/report/reported-campaign.js";
import { headlines, referenceCut } from "../../../../src/lab/report/selection.js";
import { cellOf, type Read } from "../../../support/reported.js";

const preset = (name: PresetDefense["preset"], nu?: number): { defense: PresetDefense } => ({
  defense: { kind: "preset", preset: name, ...(nu === undefined ? {} : { nu }) },
});
const size = (packets: number) =>
  ({ windows: { cut: "packets", size: packets, direction: "both", field: "raw" } }) as const;
const tree = (value: number): Read => ({ attacks: { "decision-tree": value } });

test("defenses are held against each other in the cut that most were measured in, nearest to 1000 packets", (t) => {
  const cells = [
    cellOf(tree(0.9), { ...preset("off"), ...size(500) }),
    cellOf(tree(0.8), { ...preset("paper"), ...size(500) }),
    cellOf(tree(0.9), { ...preset("off"), ...size(100) }),
    cellOf(tree(0.8), { ...preset("paper"), ...size(100) }),
    cellOf(tree(0.9), { ...preset("off"), ...size(1000) }),
  ];
  t.same(
    referenceCut(cells).map(({ windows }) => windows.size),
    [500, 500],
  );
  t.same(referenceCut([]), []);
  t.end();
});

test("a null outweighs nearness: without one there is no verdict", (t) => {
  const held = { ...tree(0.9), none: { p: 0.05, threshold: 0.5 } };
  const cells = [cellOf(tree(0.9), size(1000)), cellOf(held, size(100))];
  t.equal(referenceCut(cells)[0]?.windows.size, 100);
  t.end();
});

test("a headline is the view in which a preset leaves most, of those that a null was measured in", (t) => {
  const held = (value: number): Read => ({ ...tree(value), none: { p: 0.05, threshold: 0.5 } });
  const cells = [
    cellOf(held(0.6), preset("standalone")),
    cellOf(held(0.7), { ...preset("standalone"), observer: "parse" }),
    cellOf(tree(0.8), { ...preset("standalone"), id: "dear" }),
    cellOf(held(0.9), preset("off")),
    cellOf(held(0.9), { ...preset("off"), observer: "parse" }),
    cellOf(held(0.99), { ...preset("paper", 64), vantage: "lan" }),
  ];
  t.same(
    headlines(presetCells(cells)).map(({ defense, observer, leakage }) => [
      defense.preset,
      observer,
      leakage.attacks[0]?.balanced_accuracy.value,
    ]),
    [
      ["off", "stats", 0.9],
      ["standalone", "parse", 0.7],
    ],
    "and other variances are no preset",
  );
  t.end();
});
