import { test } from "tap";
import type { AttackDatasetReport } from "../../../../src/lab/attack-dataset.js";
import { attackPage } from "../../../../src/lab/report/attack-page.js";
import { markupFault } from "../../../support/markup.js";
import { COST, leakageOf, type Read } from "../../../support/reported.js";

function report(read: Read, changed: Partial<AttackDatasetReport> = {}): AttackDatasetReport {
  return {
    dataset: { name: "echo", real: true, origin: "somewhere", task: "labels", traces: 75 },
    defense: { preset: "standalone", seed: "1" },
    observer: "stats",
    vantage: "wan",
    windows: { cut: "trace", size: 0, direction: "both", field: "raw" },
    features: "twelve",
    cost: COST,
    bound: null,
    given_plans: null,
    leakage: leakageOf(read),
    ...changed,
  };
}

const plain = (text: string): string => text.replaceAll("\u00a0", " ");

test("a page of one set has verdict, attacks, information, features, confusion, cost and facts", (t) => {
  const page = plain(
    attackPage(
      report({ attacks: { "random-forest": 0.7, "decision-tree": 0.6 }, none: { p: 0.05, threshold: 0.5 } }),
      "0.1.0",
    ),
  );
  t.equal(markupFault(page, true), null);
  t.notMatch(page, /NaN|undefined|\[object|<script/);
  t.match(page, /Behind standalone, the random forest tells[^]*70\.0 %[^]*33\.3 %[^]*p = 0\.050/);
  t.match(page, /real captures/);
  t.match(page, /≥ 0\.40 bit <small>of 1\.58 bit/);
  t.match(page, /mean_ipt[^]*25\.0 %/);
  t.match(page, /<td class="heat right" style="--heat:0\.700"><b>70\.0 %<\/b> <small>70<\/small>/);
  t.match(page, /\+100\.0 % <small>bytes/);
  t.match(page, /2 seeds × 5 folds/);
  t.match(page, /random forest<\/th><td>70\.0 %<\/td><td>65\.0 % to 75\.0 %<\/td>/);
  t.end();
});

test("names stay text; without null, importance or a defense nothing is made up", (t) => {
  const evil = '<script>"&';
  const bare = report(
    { attacks: { "ada-boost": 0.5 }, classes: [evil, "two"] },
    {
      dataset: { name: evil, real: false, origin: evil, task: evil, traces: 3 },
      defense: { preset: "off", seed: evil },
    },
  );
  const page = attackPage({ ...bare, leakage: { ...bare.leakage, importance: null } }, "0.1.0");
  t.equal(markupFault(page, true), null);
  t.notMatch(page, /<script/);
  t.match(page, /&lt;script&gt;/);
  t.match(page, /undefended/);
  t.match(page, /null not measured/);
  t.notMatch(page, /What gives it away/);
  t.notMatch(page, /read of nothing by this attack/);
  t.end();
});

test("a hundred classes have no confusion matrix that nobody could read", (t) => {
  const classes = Array.from({ length: 100 }, (_, i) => `question ${i}`);
  const page = attackPage(report({ attacks: { "random-forest": 0.4 }, classes }), "0.1.0");
  t.equal(markupFault(page, true), null);
  t.notMatch(page, /class="confusion"/);
  t.end();
});
