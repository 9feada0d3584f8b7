import type { PresetName } from "../../defense/presets.js";
import type { FeatureName } from "../../features/features.js";
import type { LeakageReport } from "../../leakage/leakage-report.js";
import type { CampaignResult, Cell, CellDefense } from "../campaign/cell.js";

/** One of the twelve features over the windows of a cell: what a defense makes of it. */
export interface ReportedFeature {
  readonly name: FeatureName;
  readonly mean: number;
  readonly deviation: number;
  /** In the order of the scenario's classes. */
  readonly class_means: readonly number[];
}

/** A preset; `nu`: the multiplier of its variances where it is not the preset's own. */
export interface PresetDefense {
  readonly kind: "preset";
  readonly preset: PresetName;
  readonly nu?: number;
}

/** A defense as reports take it. */
export type ReportedDefense = PresetDefense | Exclude<CellDefense, { readonly kind: "preset" }>;

/** A cell as reports take it. */
export interface ReportedCell extends Omit<Cell, "defense" | "features"> {
  readonly defense: ReportedDefense;
  readonly features?: readonly ReportedFeature[] | null;
}

/** A campaign as reports take it: what every `CampaignResult` has, and what newer ones have besides. */
export interface ReportedCampaign extends Pick<CampaignResult, "hushbox" | "seed" | "quick" | "scenarios"> {
  readonly cells: readonly ReportedCell[];
  /** What a whole campaign has and this has not, a sentence each. */
  readonly leftOut?: readonly string[];
  /** Days of each class of an emulated set; windows of a class that attacks are given at most. */
  readonly measuring?: { readonly days: number; readonly mostRows: number };
}

/** A scenario of a campaign. */
export type Scenario = CampaignResult["scenarios"][number];

/** A cell that was not refused. */
export type MeasuredCell = ReportedCell & { readonly leakage: LeakageReport };

/** A cell of packets that passed a preset, measured. */
export type PresetCell = MeasuredCell & { readonly defense: PresetDefense };

/** The measured cells of a scenario. */
export function measuredCells({ cells }: ReportedCampaign, scenario: Scenario): MeasuredCell[] {
  return cells.filter((cell): cell is MeasuredCell => cell.scenario === scenario.name && cell.leakage !== null);
}

/** Those of packets that passed a preset as it is. */
export function presetCells(cells: readonly MeasuredCell[]): PresetCell[] {
  return cells.filter((cell): cell is PresetCell => cell.defense.kind === "preset" && cell.defense.nu === undefined);
}
