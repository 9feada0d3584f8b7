import { scaleLinear } from "d3-scale";
import { symbol, symbolsFill } from "d3-shape";
import { tone, type SeriesStyle } from "./palette.js";
import { picture, WIDTH, type PictureText } from "./picture.js";
import { piece, Piece } from "./piece.js";

/** A point with its name beside it; `low` to `high` is the interval of `y`. */
export interface NamedPoint {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  readonly style: SeriesStyle;
}

/** One quantity against another. */
export interface ScatterChartOptions extends PictureText {
  readonly x: string;
  readonly y: string;
  readonly range: readonly [number, number];
  readonly points: readonly NamedPoint[];
  readonly level?: { readonly name: string; readonly y: number };
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
}

const PLOT_HEIGHT = 220;
/** Of a label: its height, and how wide a letter is at most on average. */
const LINE = 14;
const LETTER = 7.4;
const MARGIN = { right: 18, left: 60 };

/** A chart as one SVG element that needs nothing beside it. The horizontal axis has 0. */
export function scatterChart(options: ScatterChartOptions): Piece {
  const { formatX, formatY, points } = options;
  return picture(options, [], (top) => {
    const bottom = top + PLOT_HEIGHT;
    const xs = points.map(({ x }) => x);
    const [least, most] = [Math.min(0, ...xs), Math.max(0, ...xs)];
    const x = scaleLinear([least, most > least ? most : least + 1], [MARGIN.left + 14, WIDTH - MARGIN.right - 12]);
    const y = scaleLinear([...options.range], [bottom, top]).clamp(true);
    const middle = (MARGIN.left + WIDTH - MARGIN.right) / 2;
    const drawn = piece`${y.ticks(6).map(
      (
        at,
      ) => piece`<line class="faint" color="${tone("faint")}" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(at)}" y2="${y(at)}" stroke="currentColor"/>
<text x="${MARGIN.left - 6}" y="${y(at) + 4}" text-anchor="end" font-size="11">${formatY(at)}</text>
`,
    )}${x.ticks(5).map(
      (at) => piece`<line x1="${x(at)}" x2="${x(at)}" y1="${bottom}" y2="${bottom + 4}" stroke="currentColor"/>
<text x="${x(at)}" y="${bottom + 16}" text-anchor="middle" font-size="11">${formatX(at)}</text>
`,
    )}<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${bottom}" y2="${bottom}" stroke="currentColor"/>
<text x="${middle}" y="${bottom + 32}" text-anchor="middle">${options.x}</text>
<text transform="translate(11 ${(bottom + top) / 2}) rotate(-90)" text-anchor="middle">${options.y}</text>
${level(options, y)}${points.map((point) => pointOf(point, x, y, options))}${labels(points, x, y, middle)}`;
    return { drawn, bottom: bottom + 38 };
  });
}

function level({ level }: ScatterChartOptions, y: (value: number) => number): Piece {
  if (level === undefined) return new Piece("");
  return piece`<g class="dim" color="${tone("dim")}" fill="currentColor"><line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(level.y)}" y2="${y(level.y)}" stroke="currentColor" stroke-dasharray="3 4"/>
<text x="${WIDTH - MARGIN.right - 2}" y="${y(level.y) - 5}" text-anchor="end" font-size="11">${level.name}</text></g>
`;
}

function pointOf(
  { name, style, ...at }: NamedPoint,
  x: (value: number) => number,
  y: (value: number) => number,
  { formatX, formatY }: ScatterChartOptions,
): Piece {
  const cx = x(at.x);
  const words = `${name}: ${formatX(at.x)}, ${formatY(at.y)} (${formatY(at.low)} to ${formatY(at.high)})`;
  return piece`<g class="${style.name}" color="${style.colour}" fill="currentColor"><title>${words}</title>
<path d="M${cx - 4} ${y(at.low)}h8M${cx} ${y(at.low)}V${y(at.high)}M${cx - 4} ${y(at.high)}h8" fill="none" stroke="currentColor" stroke-width="1.4"/>
<path class="mark" transform="translate(${cx} ${y(at.y)})" d="${symbol(symbolsFill[style.mark % symbolsFill.length], 80)() ?? ""}"/></g>
`;
}

/** Names stand right of points on the left and left of those on the right; where two would lie upon each other, the later one goes below. */
function labels(
  points: readonly NamedPoint[],
  x: (value: number) => number,
  y: (value: number) => number,
  middle: number,
): Piece[] {
  const placed: { readonly from: number; readonly to: number; readonly y: number }[] = [];
  return points.map(({ name, style, ...at }) => {
    const left = x(at.x) < middle;
    const edge = left ? x(at.x) + 10 : x(at.x) - 10;
    const width = name.length * LETTER;
    const [from, to] = left ? [edge, edge + width] : [edge - width, edge];
    let height = y(at.y) + 4;
    while (placed.some((other) => other.from < to && from < other.to && Math.abs(other.y - height) < LINE))
      height += LINE;
    placed.push({ from, to, y: height });
    return piece`<text class="${style.name}" color="${style.colour}" fill="currentColor" x="${edge}" y="${height}" text-anchor="${left ? "start" : "end"}" font-weight="600">${name}</text>
`;
  });
}
