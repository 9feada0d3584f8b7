import { scaleLinear } from "d3-scale";
import type { Estimate } from "../../leakage/attack-report.js";
import { tone } from "./palette.js";
import { piece, type Piece } from "./piece.js";
import { percent } from "./wording.js";

const WIDTH = 260;
const HEIGHT = 44;
const EDGE = 8;

/** Balanced accuracy from 0 to 1 on one line: the interval, chance, and what is read of nothing. `tone`: a class of the page, such as `good`. */
export function verdictStrip(
  accuracy: Estimate,
  chance: number,
  none: { readonly low: number; readonly high: number } | null,
  name: string,
): Piece {
  const x = scaleLinear([0, 1], [EDGE, WIDTH - EDGE]).clamp(true);
  const label = `balanced accuracy ${percent(accuracy.value)}, interval ${percent(accuracy.low)} to ${percent(accuracy.high)}, chance ${percent(chance)}${none === null ? "" : `, of nothing ${percent(none.low)} to ${percent(none.high)}`}`;
  return piece`<svg class="strip ${name}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}" font-family="system-ui, sans-serif" font-size="10">
<g class="dim" color="${tone("dim")}" fill="currentColor"><line x1="${x(0)}" x2="${x(1)}" y1="14" y2="14" stroke="currentColor" stroke-opacity="0.5" stroke-width="2" stroke-linecap="round"/>
${none === null ? "" : piece`<rect x="${x(none.low)}" y="7" width="${Math.max(x(none.high) - x(none.low), 2)}" height="14" rx="2" fill-opacity="0.3"/>`}
<line x1="${x(chance)}" x2="${x(chance)}" y1="3" y2="25" stroke="currentColor" stroke-width="1.5" stroke-dasharray="3 2"/>
<text x="${x(chance)}" y="37" text-anchor="middle">chance</text>
<text x="${x(0)}" y="37" text-anchor="start">0</text><text x="${x(1)}" y="37" text-anchor="end">all</text></g>
<g class="reading" color="${tone("ink")}" fill="currentColor"><line x1="${x(accuracy.low)}" x2="${x(accuracy.high)}" y1="14" y2="14" stroke="currentColor" stroke-width="4" stroke-opacity="0.55" stroke-linecap="round"/>
<circle cx="${x(accuracy.value)}" cy="14" r="6"/></g></svg>`;
}
