import { dataTable } from "./data-table.js";
import { piece, type Piece } from "./piece.js";
import { measuredCells, type MeasuredCell, type ReportedCampaign, type Scenario } from "./reported-campaign.js";
import { attackWords, listed, protocolWords, viewWords, whole } from "./wording.js";

/** What was measured on what: a table of the scenarios, each real or emulated. */
export function dataFacts(campaign: ReportedCampaign): Piece {
  if (campaign.scenarios.length === 0) return piece`<p>The campaign has no scenario.</p>`;
  const facts = campaign.scenarios.map((scenario) => factsOf(scenario, measuredCells(campaign, scenario), campaign));
  const { measuring } = campaign;
  const drawn =
    measuring === undefined
      ? ""
      : piece`<p>Of emulated sets, days of each class: ${measuring.days}. Attacks are given at most ${whole(measuring.mostRows)} windows of a class, drawn at random from all.</p>`;
  return piece`<div class="words">${dataTable(
    "Data sets and protocols",
    ["what", ...campaign.scenarios.map(({ title }) => title)],
    FACTS.map((name, i) => [name, ...facts.map((own) => own[i] ?? "")]),
  )}</div>${drawn}`;
}

/** In the order of `factsOf`. */
const FACTS = [
  "data",
  "origin",
  "classes",
  "windows",
  "seen",
  "samples",
  "groups",
  "protocol",
  "null",
  "attacks",
  "cells",
];

function factsOf(scenario: Scenario, cells: readonly MeasuredCell[], { cells: all }: ReportedCampaign): string[] {
  const refused = all.filter((cell) => cell.scenario === scenario.name && cell.leakage === null).length;
  const unique = (words: readonly string[]): string => [...new Set(words)].join("; ");
  const sizes = [
    ...new Set(cells.filter(({ windows }) => windows.cut === "packets").map(({ windows }) => windows.size)),
  ];
  const views = new Set(cells.map((cell) => viewWords(cell, true)));
  const windows = [
    ...(sizes.length > 0 ? [`N = ${sizes.sort((a, b) => a - b).join(", ")} packets`] : []),
    ...(cells.some(({ windows }) => windows.cut === "time") ? ["spans of time"] : []),
    ...(cells.some(({ windows }) => windows.cut === "trace") ? ["each capture whole"] : []),
  ];
  const repetitions = [...new Set(cells.map(({ leakage }) => leakage.null?.repetitions ?? 0))].sort((a, b) => a - b);
  return [
    scenario.real ? "real captures" : "emulated traffic",
    scenario.origin,
    scenario.classes.join(", "),
    windows.join("; "),
    [...views].join("; "),
    range(cells.map(({ leakage }) => leakage.classes.reduce((sum, { rows }) => sum + rows, 0))),
    unique(cells.map(({ leakage }) => leakage.classes.map(({ name, groups }) => `${name} ${groups}`).join(", "))),
    unique(cells.map(({ leakage }) => `${protocolWords(leakage)}; seeds ${leakage.seeds.join(", ")}`)),
    `${listed(repetitions.map(String))} repetitions`,
    [...new Set(cells.flatMap(({ attacks }) => attacks))].sort().map(attackWords).join(", "),
    `${cells.length} measured${refused > 0 ? `, ${refused} refused` : ""}`,
  ];
}

function range(values: readonly number[]): string {
  if (values.length === 0) return "none";
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? whole(least) : `${whole(least)} to ${whole(most)}`;
}

/** Every cell that was not measured, with its reason. */
export function refusals({ cells }: ReportedCampaign): Piece {
  const refused = cells.filter(({ leakage }) => leakage === null);
  if (refused.length === 0) return piece``;
  return piece`<div class="words">${dataTable(
    `${refused.length} of ${cells.length} measurements were refused`,
    ["measurement", "scenario", "reason"],
    refused.map(({ id, scenario, refused: reason }) => [id, scenario, reason ?? "no reason was given"]),
  )}</div>`;
}
