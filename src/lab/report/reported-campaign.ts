import type { LeakageReport } from "../../leakage/leakage-report.js";
import type { CampaignResult, Cell } from "../campaign/cell.js";
import type { FeatureMoments } from "./feature-moments.js";

/** A cell as reports take it: one of a preset may bring what its windows are like, for Table I. */
export interface ReportedCell extends Cell {
  readonly features?: readonly FeatureMoments[] | null;
}

/** A campaign as reports take it: any `CampaignResult`. */
export interface ReportedCampaign extends Omit<CampaignResult, "cells"> {
  readonly cells: readonly ReportedCell[];
}

/** A scenario of a campaign. */
export type Scenario = CampaignResult["scenarios"][number];

/** A cell that was not refused. */
export type MeasuredCell = ReportedCell & { readonly leakage: LeakageReport };

/** A cell of packets that passed a preset, measured. */
export type PresetCell = MeasuredCell & { readonly defense: Extract<Cell["defense"], { readonly kind: "preset" }> };

/** The measured cells of a scenario. */
export function measuredCells({ cells }: ReportedCampaign, scenario: Scenario): MeasuredCell[] {
  return cells.filter((cell): cell is MeasuredCell => cell.scenario === scenario.name && cell.leakage !== null);
}

/** Those of packets that passed a preset. */
export function presetCells(cells: readonly MeasuredCell[]): PresetCell[] {
  return cells.filter((cell): cell is PresetCell => cell.defense.kind === "preset");
}
