import type { PresetName } from "../../defense/presets.js";
import type { FeatureName } from "../../features/features.js";
import type { WindowOptions } from "../../features/windows.js";
import type { DefenseCost } from "../../leakage/defense-cost.js";
import type { LeakageReport } from "../../leakage/leakage-report.js";
import type { ObserverKind } from "../../trace/make-observer.js";
import type { SeriesOrder } from "../theory/series.js";

/**
 * What was done to the traffic, or to its feature table. `preset`: packets passed the datapath; `nu`: the multiplier of its jitter's and decoys'
 * variance, where the plan names one (the preset's own otherwise). The others are the paper's, on tables:
 * `smoothing` by a Savitzky-Golay filter of degree `parameter`; `noise` of variance `parameter` times each feature's own; `simulated`: its realistic
 * adversary with that noise.
 */
export type CellDefense =
  | { readonly kind: "preset"; readonly preset: PresetName; readonly nu?: number }
  | { readonly kind: "smoothing" | "noise" | "simulated"; readonly parameter: number; readonly order: SeriesOrder };

/** One point of a campaign before it is measured. Cells may be the same but for their attacks. Survives structuredClone. */
export interface CellPlan {
  /** Of all that follows: stable over runs, fit for a file's name. */
  readonly id: string;
  /** The scenario's name in the campaign. */
  readonly scenario: string;
  readonly defense: CellDefense;
  readonly observer: ObserverKind;
  readonly vantage: "lan" | "beyond";
  readonly windows: WindowOptions;
  /** Names of attacks, all in one protocol. */
  readonly attacks: readonly string[];
  /** Repetitions of the null; 0 for none. */
  readonly repetitions: number;
}

/** One of the twelve features over all windows of a cell, before any is left out: what a defense makes of it. */
export interface FeatureSummary {
  readonly name: FeatureName;
  readonly mean: number;
  readonly deviation: number;
  /** In the order of the scenario's classes. */
  readonly class_means: readonly number[];
}

/** A measured point, as it is kept in a file of its own. */
export interface Cell extends CellPlan {
  readonly dataset: { readonly name: string; readonly real: boolean; readonly task: string };
  /** Of a preset. */
  readonly cost: DefenseCost | null;
  /** Of the windows that the attacks get; null where none of them looks at the twelve. */
  readonly features: readonly FeatureSummary[] | null;
  /** Null where it was refused: classes with too few windows, say. */
  readonly leakage: LeakageReport | null;
  readonly refused: string | null;
  readonly seconds: number;
}

/** How every cell of a campaign is measured. Survives structuredClone. */
export interface Measuring {
  /** Of each class of an emulated scenario. */
  readonly days: number;
  readonly folds: number;
  /** Each deals folds and trains anew. */
  readonly seeds: readonly string[];
  /** Windows of a class that attacks are given at most, drawn at random from all; of the others they know nothing. */
  readonly mostRows: number;
  /** Of the intervals. */
  readonly resamples: number;
  /** How often each feature is taken away to see what it is worth. */
  readonly repeats: number;
}

/** All of a campaign, as `campaign.json` holds it. */
export interface CampaignResult {
  readonly hushbox: string;
  readonly seed: string;
  readonly quick: boolean;
  /** What a whole campaign has and this has not, a sentence each. */
  readonly leftOut: readonly string[];
  readonly measuring: Measuring;
  readonly scenarios: readonly {
    readonly name: string;
    readonly title: string;
    readonly real: boolean;
    readonly origin: string;
    readonly classes: readonly string[];
  }[];
  readonly cells: readonly Cell[];
}
