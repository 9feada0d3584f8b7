import type { WindowOptions } from "../../features/windows.js";
import type { PresetName } from "../../defense/presets.js";
import type { DefenseCost } from "../../leakage/defense-cost.js";
import type { LeakageReport } from "../../leakage/leakage-report.js";
import type { ObserverKind } from "../../trace/make-observer.js";
import type { SeriesOrder } from "../theory/series.js";

/**
 * What was done to the traffic, or to its feature table. `preset`: packets passed the datapath. The others are the paper's, on tables:
 * `smoothing` by a Savitzky-Golay filter of degree `parameter`; `noise` of variance `parameter` times each feature's own; `simulated`: its realistic
 * adversary with that noise.
 */
export type CellDefense =
  | { readonly kind: "preset"; readonly preset: PresetName }
  | { readonly kind: "smoothing" | "noise" | "simulated"; readonly parameter: number; readonly order: SeriesOrder };

/** One point of a campaign before it is measured. Survives structuredClone. */
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

/** A measured point, as it is kept in a file of its own. */
export interface Cell extends CellPlan {
  readonly dataset: { readonly name: string; readonly real: boolean; readonly task: string };
  /** Of a preset. */
  readonly cost: DefenseCost | null;
  /** Null where it was refused: classes with too few windows, say. */
  readonly leakage: LeakageReport | null;
  readonly refused: string | null;
  readonly seconds: number;
}

/** All of a campaign, as `campaign.json` holds it. */
export interface CampaignResult {
  readonly hushbox: string;
  readonly seed: string;
  readonly quick: boolean;
  readonly scenarios: readonly {
    readonly name: string;
    readonly title: string;
    readonly real: boolean;
    readonly origin: string;
    readonly classes: readonly string[];
  }[];
  readonly cells: readonly Cell[];
}
