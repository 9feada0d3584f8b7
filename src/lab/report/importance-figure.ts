import type { LeakageReport } from "../../leakage/leakage-report.js";
import { barChart } from "./bar-chart.js";
import { dataTable } from "./data-table.js";
import type { Figure } from "./figure.js";
import { lineStyle } from "./palette.js";
import type { PictureText } from "./picture.js";
import { theAttack, percent, roundPercent } from "./wording.js";

/** What gives the class away: how much the best attack that sees features loses without each. Null where it was not asked. */
export function importanceFigure(
  { source, file, title, note }: Pick<Figure, "file" | "source"> & PictureText,
  leakage: LeakageReport,
): Figure | null {
  const { importance } = leakage;
  if (importance === null || importance.blocks.length === 0) return null;
  const blocks = [...importance.blocks].sort((a, b) => b.drop - a.drop);
  const least = Math.min(0, ...blocks.map(({ low }) => low));
  const most = Math.max(0.05, ...blocks.map(({ high }) => high));
  return {
    file,
    svg: barChart({
      title,
      ...(note === undefined ? {} : { note }),
      x: "balanced accuracy lost without it",
      range: [Math.floor(least * 20) / 20, Math.ceil(most * 20) / 20],
      whiskerName: "95 % interval",
      format: percent,
      formatAxis: roundPercent,
      groups: [{ bars: blocks.map((block) => ({ ...block, value: block.drop, style: lineStyle(0) })) }],
    }),
    caption: `What ${theAttack(importance.attack)} loses when a feature's values change rows and so say nothing any more (permutation importance). Features that say the same cost little each.`,
    source,
    numbers: dataTable(
      title,
      ["feature", "lost", "interval"],
      blocks.map(({ name, drop, low, high }) => [name, percent(drop), `${percent(low)} to ${percent(high)}`]),
    ),
  };
}
