import { barChart, type Bar } from "./bar-chart.js";
import { dataTable } from "./data-table.js";
import { fileWord, type Figure } from "./figure.js";
import { lineStyle } from "./palette.js";
import { provenance, shortProvenance } from "./provenance.js";
import type { PresetCell, Scenario } from "./reported-campaign.js";
import { scatterChart } from "./scatter-chart.js";
import { bestOf, byDefense, comparable, grouped, headlines, referenceCut, viewKey } from "./selection.js";
import { added, attackWords, milliseconds, percent, roundPercent, viewWords, windowWords } from "./wording.js";

/** Preset against preset, in every view that was measured: the best attack, chance, and what is read of nothing. */
export function presetBars(scenario: Scenario, cells: readonly PresetCell[]): Figure | null {
  const own = [...referenceCut(comparable(cells))].sort(byDefense);
  const [first] = own;
  if (first === undefined) return null;
  const presets = [...new Set(own.map(({ defense }) => defense.preset))];
  const title = `${scenario.title}: preset against preset`;
  const views = grouped(own, viewKey);
  return {
    file: `figure-bars-${fileWord(scenario.name)}`,
    svg: barChart({
      title,
      note: `best attack, ${windowWords(first.windows)} · ${shortProvenance(own)}`,
      x: "balanced accuracy",
      range: [0, 1],
      level: { name: `chance ${percent(first.leakage.chance)}`, x: first.leakage.chance },
      bandName: "read of nothing, 95 times in 100",
      whiskerName: "95 % interval",
      format: percent,
      formatAxis: roundPercent,
      groups: views.map((view) => ({
        ...(view[0] === undefined ? {} : { name: viewWords(view[0], true) }),
        bars: view.map((cell) => barOf(cell, presets.indexOf(cell.defense.preset))),
      })),
    }),
    caption:
      "The attack that reads most, named beside each preset. A bar that ends inside its grey block reads no more than it would of nothing.",
    source: provenance(own),
    numbers: dataTable(
      title,
      ["view", "preset", "best attack", "balanced accuracy", "interval", "chance", "of nothing at most", "p"],
      own.map((cell) => {
        const best = bestOf(cell);
        const { value, low, high } = best.balanced_accuracy;
        const none = cell.leakage.null;
        return [
          viewWords(cell, true),
          cell.defense.preset,
          attackWords(best.attack),
          percent(value),
          `${percent(low)} to ${percent(high)}`,
          percent(cell.leakage.chance),
          none === null ? "not measured" : percent(none.threshold),
          none === null ? "" : none.p_value.toFixed(3),
        ];
      }),
    ),
  };
}

function barOf(cell: PresetCell, style: number): Bar {
  const best = bestOf(cell);
  const none = cell.leakage.null;
  return {
    name: `${cell.defense.preset} · ${attackWords(best.attack)}`,
    ...best.balanced_accuracy,
    ...(none === null ? {} : { band: { low: none.low, high: none.high } }),
    style: lineStyle(style),
  };
}

/** What each preset costs in bytes against what it leaves. */
export function costScatter(scenario: Scenario, cells: readonly PresetCell[]): Figure | null {
  const own = headlines(cells);
  const priced = own.flatMap((cell, i) => (cell.cost === null ? [] : [{ cell, cost: cell.cost, style: lineStyle(i) }]));
  const [first] = priced;
  if (first === undefined) return null;
  const title = `${scenario.title}: what it costs, what it leaves`;
  return {
    file: `figure-cost-${fileWord(scenario.name)}`,
    svg: scatterChart({
      title,
      note: `best attack, ${windowWords(first.cell.windows)} · ${shortProvenance(own)}`,
      x: "bytes added, both ways",
      y: "balanced accuracy",
      range: [0, 1],
      level: { name: "chance", y: first.cell.leakage.chance },
      formatX: roundPercent,
      formatY: roundPercent,
      points: priced.map(({ cell, cost, style }) => ({
        name: cell.defense.preset,
        x: cost.overhead.bytes,
        y: bestOf(cell).balanced_accuracy.value,
        low: bestOf(cell).balanced_accuracy.low,
        high: bestOf(cell).balanced_accuracy.high,
        style,
      })),
    }),
    caption:
      "Down is private, left is cheap. Bytes as the observer counts them, against the undefended capture; each preset in the view in which it leaves most.",
    source: provenance(own),
    numbers: costTable(
      title,
      priced.map(({ cell }) => cell),
    ),
  };
}

/** Cost beside leakage. */
export function costTable(title: string, cells: readonly PresetCell[]): ReturnType<typeof dataTable> {
  return dataTable(
    title,
    ["preset", "balanced accuracy", "bytes", "packets", "delay up, median", "delay up, p99 at most"],
    cells.map((cell) => {
      const { cost } = cell;
      const read = percent(bestOf(cell).balanced_accuracy.value);
      if (cost === null) return [cell.defense.preset, read, "", "", "", ""];
      return [
        cell.defense.preset,
        read,
        added(cost.overhead.bytes),
        added(cost.overhead.packets),
        milliseconds(cost.added_delay_ms.p50),
        milliseconds(cost.added_delay_ms.p99),
      ];
    }),
  );
}
