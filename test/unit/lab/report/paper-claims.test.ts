import { test } from "tap";
import { generalDifferences } from "../../../../src/lab/report/general-differences.js";
import { paperClaims, type PaperClaim } from "../../../../src/lab/report/paper-claims.js";
import { simulationBesidePackets } from "../../../../src/lab/report/simulation-beside-packets.js";
import type { ReportedCell } from "../../../../src/lab/report/reported-campaign.js";
import { PAPERS_FIVE } from "../../../../src/lab/report/selection.js";
import { campaignOf, cellOf } from "../../../support/reported.js";

const all = (value: number) => ({ attacks: Object.fromEntries(PAPERS_FIVE.map((name) => [name, value])) });
const size = (packets: number) =>
  ({ windows: { cut: "packets", size: packets, direction: "both", field: "raw" } }) as const;
const network = (value: number) => ({ attacks: { "neural-network": value } });
const theory = (kind: "smoothing" | "noise" | "simulated", parameter: number): Partial<ReportedCell> => ({
  defense: { kind, parameter, order: "time" },
});

function claim(cells: readonly ReportedCell[], which: RegExp): PaperClaim | undefined {
  return paperClaims(campaignOf(cells)).find((one) => which.test(one.claim));
}

test("of nothing, nothing is said", (t) => {
  const claims = paperClaims(campaignOf([]));
  t.ok(claims.length >= 12 && claims.every(({ holds, why }) => holds === "not measured" && why.length === 0));
  t.same(generalDifferences(campaignOf([])), []);
  t.same(simulationBesidePackets(campaignOf([])), []);
  t.end();
});

test("undefended: every attack above 90 % from 500 packets on, or who is not", (t) => {
  const which = /every attack/;
  const good = [cellOf(all(0.5), size(100)), cellOf(all(0.95), size(500)), cellOf(all(0.97), size(1000))];
  t.equal(claim(good, which)?.holds, "agrees", "smaller windows do not count");
  const bad = [cellOf({ attacks: { ...all(0.95).attacks, "ada-boost": 0.8 } }, size(500)), ...good];
  t.equal(claim(bad, which)?.holds, "differs");
  t.match(claim(bad, which)?.here, /80\.0\u00a0% \(AdaBoost, N = 500\)/);
  t.match(claim(bad, which)?.why.join(" "), /AdaBoost at N = 500.*gives attacks 100 windows of 500 packets/);
  t.match(claim([cellOf(network(0.95), size(500))], which)?.here, /without AdaBoost, decision tree/);
  t.end();
});

test("the simulated defenses are held against what the paper read", (t) => {
  const smoothed = (value: number) => [cellOf(network(0.98)), cellOf(network(value), theory("smoothing", 1))];
  t.equal(claim(smoothed(0.42), /smoothed/)?.holds, "agrees");
  t.equal(claim(smoothed(0.8), /smoothed/)?.holds, "differs");
  t.match(claim(smoothed(0.8), /smoothed/)?.why.join(" "), /By order of the series: time: 80\.0/);

  const noise = (low: number, high: number) => [
    cellOf(network(low), theory("noise", 2)),
    cellOf(network(high), theory("noise", 64)),
  ];
  t.equal(claim(noise(0.7, 0.36), /Queries, noise/)?.holds, "agrees");
  t.equal(claim(noise(0.4, 0.36), /Queries, noise/)?.holds, "differs", "near chance too early");
  t.equal(claim(noise(0.7, 0.6), /Queries, noise/)?.holds, "differs", "never near chance");

  const simulated = (value: number) => [cellOf(network(0.95)), cellOf(network(value), theory("simulated", 2))];
  t.equal(claim(simulated(0.95), /Queries, realistic/)?.holds, "agrees");
  t.match(
    claim(simulated(0.8), /Queries, realistic/)?.why[0],
    /takes up to 15\.0\u00a0points, of 95\.0\u00a0% undefended/,
  );
  t.match(claim(simulated(0.8), /Queries, realistic/)?.here, /undefended 95\.0/);
  t.end();
});

test("the simulation stands beside packets of the same view and size, in whichever cell they are", (t) => {
  const paper = { kind: "preset", preset: "paper" } as const;
  const cells = [
    cellOf(network(0.9), theory("simulated", 2)),
    cellOf(network(0.85), theory("simulated", 64)),
    cellOf(network(0.7), { defense: { ...paper, nu: 2 } }),
    cellOf(network(0.6), { defense: { ...paper, nu: 64 } }),
    cellOf({ attacks: { "random-forest": 0.99 } }, { id: "other attacks" }),
    cellOf(network(0.98), { id: "network" }),
    cellOf(network(0.1), { defense: { ...paper, nu: 2 }, vantage: "lan" }),
  ];
  const [line] = simulationBesidePackets(campaignOf(cells));
  t.match(
    line?.replaceAll(/[\u00a0\u202f]/g, " "),
    /simulated ν = 2: 90.0 %, ν = 64: 85.0 %; preset paper on packets ν = 2: 70.0 %, ν = 64: 60.0 %; undefended 98.0 %\./,
  );
  t.end();
});

test("what is measured otherwise is said of what was measured", (t) => {
  const said = (cells: readonly ReportedCell[]): string => generalDifferences(campaignOf(cells)).join("\n");
  const uneven = said([cellOf({ ...all(0.9), rows: [800, 100, 100] })]);
  t.match(uneven, /up to 80\.0\u00a0% of the windows are of one class/);
  t.notMatch(uneven, /feature series|Beyond the paper's/);
  const theoretical = said([cellOf({ attacks: { "k-fingerprinting": 0.5 } }, theory("noise", 2))]);
  t.match(theoretical, /in the order: time/);
  t.match(theoretical, /not measured here: AdaBoost, decision tree/);
  t.match(theoretical, /Beyond the paper's attacks: k\u2011fingerprinting/);
  t.end();
});
