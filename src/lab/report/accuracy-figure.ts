import type { AttackReport } from "../../leakage/attack-report.js";
import { barChart } from "./bar-chart.js";
import { dataTable } from "./data-table.js";
import type { Figure } from "./figure.js";
import { lineChart } from "./line-chart.js";
import { lineStyle, type SeriesStyle } from "./palette.js";
import { provenance, shortProvenance } from "./provenance.js";
import type { MeasuredCell } from "./reported-campaign.js";
import { grouped } from "./selection.js";
import { percent, roundPercent, seconds, viewWords, whole, windowWords } from "./wording.js";

/** What one attack got in one cell. */
export interface Reading {
  readonly cell: MeasuredCell;
  readonly report: AttackReport;
}

/** A line of the picture: readings that differ in the size of the windows; of several of one size the highest is drawn. */
export interface AccuracySeries {
  readonly name: string;
  readonly readings: readonly Reading[];
  readonly style?: SeriesStyle;
}

/** What the picture is called and what else its caption says. */
export interface AccuracyFigureOptions {
  readonly file: string;
  readonly title: string;
  readonly words: string;
}

/**
 * Balanced accuracy against the size of windows, all cut in one way; as bars where there is one size only. Null where there is
 * nothing to draw.
 */
export function accuracyFigure(
  { file, title, words }: AccuracyFigureOptions,
  all: readonly AccuracySeries[],
): Figure | null {
  const series = all
    .map((one) => ({ ...one, readings: highest(one.readings) }))
    .filter((one) => one.readings.length > 0);
  const cells = series.flatMap(({ readings }) => readings.map(({ cell }) => cell));
  const [first] = cells;
  if (first === undefined) return null;
  const { cut } = first.windows;
  const sizes = [...new Set(cells.map(({ windows }) => windows.size))].sort((a, b) => a - b);
  const name = (size: number): string => (cut === "time" ? seconds(size) : whole(size));
  const lead = `${first.dataset.task}, ${viewWords(first, true)} · ${shortProvenance(cells)}`;
  const { chance } = first.leakage;
  const common = { title, range: rangeOf(series, chance), format: roundPercent };
  const svg =
    sizes.length > 1
      ? lineChart({
          ...common,
          note: lead,
          x: cut === "time" ? "seconds in a window" : "packets in a window (N)",
          y: "balanced accuracy",
          level: { name: "chance", y: chance },
          series: series.map(({ readings, style, ...rest }) => ({
            name: rest.name,
            ...(style === undefined ? {} : { style }),
            points: readings.map(({ cell, report: { balanced_accuracy: at } }) => ({
              x: cut === "time" ? cell.windows.size / 1e6 : cell.windows.size,
              y: at.value,
              low: at.low,
              high: at.high,
            })),
          })),
        })
      : barChart({
          ...common,
          note: `${lead} · ${windowWords(first.windows)}`,
          range: [0, 1],
          x: "balanced accuracy",
          level: { name: "chance", x: chance },
          whiskerName: "95 % interval",
          format: percent,
          formatAxis: roundPercent,
          groups: [
            {
              bars: series.flatMap(({ name: of, readings, style }, i) =>
                readings.map(({ report: { balanced_accuracy: at } }) => ({
                  name: of,
                  ...at,
                  style: style ?? lineStyle(i),
                })),
              ),
            },
          ],
        });
  return {
    file,
    svg,
    caption: words,
    source: `${provenance(cells)} ${sizes.length > 1 ? "Bands" : "Whiskers"}: ${100 * first.leakage.confidence} % intervals over seeds and groups.`,
    numbers: dataTable(
      `${title}: balanced accuracy`,
      [cut === "time" ? "seconds" : cut === "packets" ? "packets" : "window", ...series.map((one) => one.name)],
      sizes.map((size) => [
        cut === "trace" ? "each capture" : name(size),
        ...series.map(({ readings }) => {
          const found = readings.find(({ cell }) => cell.windows.size === size)?.report.balanced_accuracy;
          return found === undefined ? "" : `${percent(found.value)} (${percent(found.low)} to ${percent(found.high)})`;
        }),
      ]),
    ),
  };
}

/** From a tenth below all that is drawn, so that lines near the top can be told apart. */
function rangeOf(series: readonly AccuracySeries[], chance: number): [number, number] {
  const lows = series.flatMap(({ readings }) => readings.map(({ report }) => report.balanced_accuracy.low));
  const least = Math.min(chance - 0.03, ...lows);
  return [Math.max(0, Math.floor(least * 10) / 10), 1];
}

function highest(readings: readonly Reading[]): Reading[] {
  const value = ({ report }: Reading): number => report.balanced_accuracy.value;
  return grouped(readings, ({ cell }) => String(cell.windows.size)).flatMap(
    (own) => own.sort((a, b) => value(b) - value(a))[0] ?? [],
  );
}
