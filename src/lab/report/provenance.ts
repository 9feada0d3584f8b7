import type { MeasuredCell } from "./reported-campaign.js";
import { protocolWords, realWords, viewWords } from "./wording.js";

/** Of what some measurements are, for under a picture's title: kind of data, protocol, series order. */
export function shortProvenance(cells: readonly MeasuredCell[]): string {
  const parts = [
    ...cells.map(({ dataset }) => realWords(dataset.real)),
    ...cells.map(
      ({ leakage: { seeds, folds } }) =>
        `${seeds.length}\u00a0${seeds.length === 1 ? "seed" : "seeds"}\u00a0×\u00a0${folds}\u00a0folds`,
    ),
    ...cells.flatMap(({ defense }) => (defense.kind === "preset" ? [] : [`series order: ${defense.order}`])),
  ];
  return [...new Set(parts)].join(" · ");
}

/** The same in sentences, for captions. */
export function provenance(cells: readonly MeasuredCell[]): string {
  const data = new Set(cells.map(({ dataset }) => `${dataset.name} (${realWords(dataset.real)})`));
  const views = new Set(cells.map((cell) => viewWords(cell)));
  const how = new Set(cells.map(({ leakage }) => protocolWords(leakage)));
  const orders = new Set(cells.flatMap(({ defense }) => (defense.kind === "preset" ? [] : [defense.order])));
  const rows = cells.map(({ leakage }) => leakage.classes.reduce((sum, { rows }) => sum + rows, 0));
  const [least, most] = [Math.min(...rows), Math.max(...rows)];
  return [
    `${[...data].join("; ")}, ${[...views].join("; ")}.`,
    `${least === most ? String(least) : `${least} to ${most}`} samples; ${[...how].join("; ")}.`,
    ...(orders.size > 0 ? [`Series in the order: ${[...orders].join(", ")}.`] : []),
  ].join(" ");
}
