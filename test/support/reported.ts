import { advantage } from "../../src/leakage/advantage.js";
import type { AttackReport, Estimate } from "../../src/leakage/attack-report.js";
import type { DefenseCost } from "../../src/leakage/defense-cost.js";
import type { LeakageReport } from "../../src/leakage/leakage-report.js";
import type { MeasuredCell, ReportedCampaign, ReportedCell } from "../../src/lab/report/reported-campaign.js";

/** Reports with numbers that a test chooses: what pages make of them is what is tested. */
export interface Read {
  readonly attacks: Readonly<Record<string, number>>;
  readonly classes?: readonly string[];
  /** Rows of each class; 100 if not given. */
  readonly rows?: readonly number[];
  /** p-value of the best, and the threshold of its null; no null if not given. */
  readonly none?: { readonly p: number; readonly threshold: number };
}

export function leakageOf({ attacks, classes = ["media", "travel", "utility"], rows, none }: Read): LeakageReport {
  const chance = 1 / classes.length;
  const sizes = classes.map((_, c) => rows?.[c] ?? 100);
  const reports = Object.entries(attacks)
    .map(([attack, value]) => attackOf(attack, value, chance, sizes, none))
    .sort((a, b) => b.balanced_accuracy.value - a.balanced_accuracy.value);
  return {
    classes: classes.map((name, c) => ({ name, groups: 8, rows: sizes[c] ?? 0 })),
    chance,
    folds: 5,
    seeds: ["1", "2"],
    training: "even",
    counted: "rows",
    transferred: false,
    confidence: 0.95,
    interval: "percentiles of resampled seeds and groups",
    attacks: reports,
    best: reports[0]?.attack ?? "",
    null:
      none === undefined
        ? null
        : { ...nullOf(none), arrangements: 1e6, verdict: none.p <= 0.05 ? "above-chance" : "at-chance" },
    importance: {
      attack: reports[0]?.attack ?? "",
      blocks: [
        { name: "mean_ipt", drop: 0.25, low: 0.2, high: 0.3 },
        { name: "n_pack_udp", drop: -0.01, low: -0.03, high: 0.01 },
      ],
    },
  };
}

function attackOf(
  attack: string,
  value: number,
  chance: number,
  rows: readonly number[],
  none: Read["none"],
): AttackReport {
  const around = (x: number): Estimate => ({ value: x, low: Math.max(0, x - 0.05), high: Math.min(1, x + 0.05) });
  return {
    attack,
    form: "table",
    balanced_accuracy: around(value),
    by_seed: [value, value],
    accuracy: value,
    advantage: around(advantage(value, chance)),
    confusion: rows.map((n, truth) =>
      rows.map((_, answer) => n * (truth === answer ? value : (1 - value) / (rows.length - 1))),
    ),
    information_bits: { measured: around(0.4), fano: around(0.3) },
    trained_on: { least: 80, most: 82 },
    null: none === undefined ? null : nullOf(none),
  };
}

function nullOf({
  p,
  threshold,
}: {
  readonly p: number;
  readonly threshold: number;
}): NonNullable<AttackReport["null"]> {
  return {
    repetitions: 19,
    mean: threshold - 0.05,
    low: threshold - 0.1,
    high: threshold + 0.01,
    threshold,
    p_value: p,
  };
}

export const COST: DefenseCost = {
  before: { up: { packets: 100, bytes: 10_000 }, down: { packets: 200, bytes: 90_000 } },
  after: { up: { packets: 150, bytes: 110_000 }, down: { packets: 200, bytes: 90_000 } },
  overhead: { bytes: 1, packets: 1 / 6 },
  added_delay_ms: { p50: 9.9, p99: 20 },
};

/** A measured cell; whatever is not said is of the preset off on queries, 1000 packets, both ways behind the router. */
export function cellOf(read: Read, changed: Partial<ReportedCell> = {}): MeasuredCell {
  const cell = {
    scenario: "queries",
    defense: { kind: "preset", preset: "off" },
    observer: "stats",
    vantage: "beyond",
    windows: { cut: "packets", size: 1000, direction: "both", field: "raw" },
    attacks: Object.keys(read.attacks),
    repetitions: read.none === undefined ? 0 : 19,
    dataset: { name: "emulated queries", real: false, task: "queries" },
    cost: COST,
    refused: null,
    seconds: 1,
    ...changed,
  } as const;
  const { scenario, defense, windows, vantage, observer } = cell;
  const id = changed.id ?? JSON.stringify([scenario, defense, windows, vantage, observer, cell.attacks]);
  return { ...cell, id, leakage: leakageOf(read) };
}

export function refusedCell(refused: string, changed: Partial<ReportedCell> = {}): ReportedCell {
  return { ...cellOf({ attacks: { "decision-tree": 0.5 } }, changed), leakage: null, cost: null, refused };
}

/** All three scenarios of the paper, and captures of somebody's own. */
export function campaignOf(cells: readonly ReportedCell[], changed: Partial<ReportedCampaign> = {}): ReportedCampaign {
  const scenario = (name: string, title: string, real: boolean, classes: readonly string[]) =>
    ({ name, title, real, origin: `where ${name} is from`, classes }) as const;
  const own = [
    scenario("mic-on-off", "Microphone off or on", false, ["off", "on"]),
    scenario("mic-on-noise", "Quiet or noisy", false, ["on", "noise"]),
    scenario("queries", "Three classes of queries", false, ["media", "travel", "utility"]),
    scenario("echo", "Real questions", true, ["media", "travel", "utility"]),
  ];
  return { hushbox: "0.1.0", seed: "7", quick: true, scenarios: own, cells, ...changed };
}
