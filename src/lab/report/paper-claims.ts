import { isPreset, mostNetwork, networkIn, parameterOf, settings, type Settings } from "./network-readings.js";
import { measuredCells, type MeasuredCell, type ReportedCampaign } from "./reported-campaign.js";
import { attackIn, PAPERS_FIVE, viewKey } from "./selection.js";
import { attackWords, listed, percent, points } from "./wording.js";

/** A statement of the paper beside what was measured here. */
export interface PaperClaim {
  readonly claim: string;
  /** What was measured, in numbers; "not measured" where it was not. */
  readonly here: string;
  /** When it counts as the same. */
  readonly rule: string;
  readonly holds: "agrees" | "differs" | "not measured";
  /** What the data says of why it differs; empty where it does not. */
  readonly why: readonly string[];
}

/** Smaller windows than these say nothing of the paper's largest, of 1500 packets. */
const FALLS_FROM = 1250;

/** As accuracy above chance. */
const NEAR = 0.1;

type Finding = { readonly here: string; readonly same: boolean; readonly why?: readonly string[] } | null;

/** What the paper found, each statement held against the cells of a campaign. */
export function paperClaims(campaign: ReportedCampaign): PaperClaim[] {
  const cellsOf = (name: string): MeasuredCell[] => {
    const scenario = campaign.scenarios.find((one) => one.name === name);
    return scenario === undefined
      ? []
      : measuredCells(campaign, scenario).filter(({ windows }) => windows.cut === "packets");
  };
  const queries = cellsOf("queries");
  const claims = [
    claimOf(
      "Queries, undefended: every attack above 90 % from N = 500 on",
      "each of the five above 90 % at each N ≥ 500",
      everyAbove(queries),
    ),
    claimOf(
      "Queries, undefended: k-nearest neighbours lowest",
      "the lowest mean of the five over N ≥ 500",
      lowest(queries),
    ),
    claimOf(
      "Queries, undefended: the neural network falls a little at the largest N (about 300 samples at N = 1500)",
      "less at the largest N than at its best",
      falls(queries),
    ),
    claimOf(
      "Queries, smoothed: near 40 % (chance 33 %)",
      "the neural network at most 50 % for every ψ, at the N nearest 1000",
      smoothing(queries),
    ),
    claimOf(
      "Queries, noise: near chance only at ν = 64",
      "within 10 points of chance at the largest ν and at no other",
      noise(queries),
    ),
    claimOf(
      "Queries, realistic adversary: 95 % at N = 1000, whatever ν",
      "the neural network at least 90 % for every ν",
      adversary(queries),
    ),
  ];
  for (const name of ["mic-on-off", "mic-on-noise"] as const) {
    const cells = cellsOf(name);
    claims.push(
      claimOf(`${name}, undefended: above 80 %`, "the best N of the neural network above 80 %", micUndefended(cells)),
      claimOf(
        `${name}, noise: near chance at ν = 2`,
        "the neural network within 10 points of chance at the largest ν",
        micNoise(cells),
      ),
      claimOf(
        `${name}, realistic adversary: over 90 % for some N above 1250`,
        "the neural network above 90 % for some N > 1250 and every ν",
        micAdversary(cells),
      ),
    );
  }
  return claims;
}

function claimOf(claim: string, rule: string, finding: Finding): PaperClaim {
  if (finding === null) return { claim, rule, here: "not measured", holds: "not measured", why: [] };
  const { here, same, why = [] } = finding;
  return { claim, rule, here, holds: same ? "agrees" : "differs", why: same ? [] : why };
}

/** Undefended cells of the view that the most of them have. */
function undefended(cells: readonly MeasuredCell[]): MeasuredCell[] {
  const off = cells.filter(isPreset("off"));
  const views = new Map<string, MeasuredCell[]>();
  for (const cell of off) views.set(viewKey(cell), [...(views.get(viewKey(cell)) ?? []), cell]);
  // Both ways, as the paper attacked, before one way.
  const both = [...views.values()].sort(
    (a, b) =>
      Number(b[0]?.windows.direction === "both") - Number(a[0]?.windows.direction === "both") || b.length - a.length,
  );
  return [...(both[0] ?? [])].sort((a, b) => a.windows.size - b.windows.size);
}

function everyAbove(cells: readonly MeasuredCell[]): Finding {
  const own = undefended(cells).filter(({ windows }) => windows.size >= 500);
  const readings = own.flatMap((cell) =>
    PAPERS_FIVE.flatMap((name) => {
      const report = attackIn(cell, name);
      return report === undefined ? [] : [{ name, cell, report }];
    }),
  );
  const least = [...readings].sort((a, b) => a.report.balanced_accuracy.value - b.report.balanced_accuracy.value)[0];
  if (least === undefined) return null;
  const { value } = least.report.balanced_accuracy;
  const missing = PAPERS_FIVE.filter((name) => readings.every((reading) => reading.name !== name));
  const below = readings.filter(({ report }) => report.balanced_accuracy.value <= 0.9);
  return {
    here: `the least is ${percent(value)} (${attackWords(least.name)}, N = ${least.cell.windows.size})${missing.length > 0 ? `; without ${listed(missing.map(attackWords))}` : ""}`,
    same: value > 0.9,
    why: [
      `Below are: ${listed(below.map(({ name, cell, report }) => `${attackWords(name)} at N = ${cell.windows.size} (${percent(report.balanced_accuracy.value)}; of all answers ${percent(report.accuracy)} are right)`))}.`,
      ...scarcity(least.cell),
    ],
  };
}

function lowest(cells: readonly MeasuredCell[]): Finding {
  const own = undefended(cells).filter(({ windows }) => windows.size >= 500);
  const means = PAPERS_FIVE.flatMap((name) => {
    const values = own.flatMap((cell) => attackIn(cell, name)?.balanced_accuracy.value ?? []);
    return values.length === 0 ? [] : [{ name, mean: values.reduce((sum, x) => sum + x, 0) / values.length }];
  }).sort((a, b) => a.mean - b.mean);
  const [first] = means;
  if (first === undefined || means.length < 2) return null;
  return {
    here: means.map(({ name, mean }) => `${attackWords(name)} ${percent(mean)}`).join(", "),
    same: first.name === "k-nearest-neighbours",
    why: [`Here ${attackWords(first.name)} is lowest.`],
  };
}

function falls(cells: readonly MeasuredCell[]): Finding {
  const own = undefended(cells).flatMap((cell) => {
    const value = networkIn(cell);
    return value === undefined ? [] : [{ cell, value }];
  });
  const last = own.at(-1);
  const best = [...own].sort((a, b) => b.value - a.value)[0];
  if (last === undefined || best === undefined || last.cell.windows.size < FALLS_FROM) return null;
  return {
    here: `${best.cell === last.cell ? "most at the largest: " : `best ${percent(best.value)} at N = ${best.cell.windows.size}; `}${percent(last.value)} at N = ${last.cell.windows.size}, of ${rowsOf(last.cell)} samples`,
    same: last.value < best.value,
    why: [`At the largest N there are ${rowsOf(last.cell)} samples here.`],
  };
}

function smoothing(cells: readonly MeasuredCell[]): Finding {
  const found = settings(cells, "smoothing");
  if (found === null) return null;
  const orders = [...new Set(cells.flatMap(({ defense }) => (defense.kind === "smoothing" ? [defense.order] : [])))];
  const byOrder = orders.map((order) => {
    const own = settings(
      cells.filter(({ defense }) => defense.kind === "smoothing" && defense.order === order),
      "smoothing",
    );
    return `${order}: ${own?.range ?? ""}`;
  });
  return {
    here: `${found.range} at N = ${found.size}${found.undefended}`,
    same: found.most <= 0.5,
    why: [
      `What a series is decides it, and the letter does not say. By order of the series: ${byOrder.join("; ")}.`,
      ...(orders.includes("time")
        ? [
            "In the order of time, neighbouring windows are mostly of one class, and a filter over 51 of them takes away what differs inside a class rather than between classes.",
          ]
        : []),
      "Smoothed windows hold something of windows of other captures, so folds by capture no longer part what a model learns from what it is asked.",
    ],
  };
}

function noise(cells: readonly MeasuredCell[]): Finding {
  const found = settings(cells, "noise");
  if (found === null) return null;
  const { chance, last, beforeLast } = found;
  return {
    here: `${found.each} at N = ${found.size}${found.undefended}`,
    same: last <= chance + NEAR && beforeLast > chance + NEAR,
    why: [
      last > chance + NEAR
        ? `At the largest ν it is ${points(last - chance)} above chance.`
        : `A smaller ν leaves it ${points(beforeLast - chance)} above chance already.`,
      ...scarcity(found.cell),
    ],
  };
}

function adversary(cells: readonly MeasuredCell[]): Finding {
  const found = settings(cells, "simulated");
  if (found === null) return null;
  return {
    here: `${found.each} at N = ${found.size}${found.undefended}`,
    same: found.least >= 0.9,
    why: differing(found, "at least 90 %"),
  };
}

function micUndefended(cells: readonly MeasuredCell[]): Finding {
  const best = mostNetwork(undefended(cells));
  if (best === null) return null;
  return {
    here: `${percent(best.value)} at N = ${best.cell.windows.size}`,
    same: best.value > 0.8,
    why: scarcity(best.cell),
  };
}

function micNoise(cells: readonly MeasuredCell[]): Finding {
  const found = settings(cells, "noise");
  if (found === null) return null;
  return {
    here: `${found.each} at N = ${found.size}${found.undefended}`,
    same: found.last <= found.chance + NEAR,
    why: [
      `Chance is ${percent(found.chance)}; the distance to it at the largest ν is ${points(found.last - found.chance)}.`,
    ],
  };
}

function micAdversary(cells: readonly MeasuredCell[]): Finding {
  const own = cells.filter(({ defense, windows }) => defense.kind === "simulated" && windows.size > 1250);
  if (own.length === 0) return null;
  const parameters = [...new Set(own.map(parameterOf))].sort((a, b) => a - b);
  const best = parameters.map((parameter) => ({
    parameter,
    ...(mostNetwork(own.filter((cell) => parameterOf(cell) === parameter)) ?? { value: NaN }),
  }));
  return {
    here: best.map(({ parameter, value }) => `ν = ${parameter}: ${percent(value)}`).join(", "),
    same: best.every(({ value }) => value > 0.9),
    why: own[0] === undefined ? [] : scarcity(own[0]),
  };
}

function differing({ off, least, cell }: Settings, wanted: string): string[] {
  return [
    ...(off === undefined
      ? []
      : [
          off - least < 0.02
            ? `The defense takes ${points(Math.max(0, off - least))} at most: what is missing for ${wanted} is missing without it too.`
            : `The defense takes up to ${points(off - least)}, of ${percent(off)} undefended.`,
        ]),
    ...scarcity(cell),
  ];
}

/** What an attack had to learn from. */
function scarcity({ leakage, windows }: MeasuredCell): string[] {
  const smallest = [...leakage.classes].sort((a, b) => a.rows - b.rows)[0];
  return smallest === undefined
    ? []
    : [
        `The smallest class, “${smallest.name}”, gives attacks ${smallest.rows} windows of ${windows.size} packets in ${smallest.groups} groups, which folds never part.`,
      ];
}

function rowsOf({ leakage }: MeasuredCell): number {
  return leakage.classes.reduce((sum, { rows }) => sum + rows, 0);
}
