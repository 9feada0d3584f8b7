import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { lineStyle } from "./palette.js";
import { piece, Piece } from "./piece.js";

/** A measured point; `low` to `high` is its interval. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
}

/** Lines over one axis. */
export interface LineChartOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Of the vertical axis. */
  readonly range: readonly [number, number];
  readonly series: readonly { readonly name: string; readonly points: readonly Point[] }[];
  /** A level to hold the lines against, such as chance. */
  readonly level?: { readonly name: string; readonly y: number };
}

const WIDTH = 610;
const HEIGHT = 340;
const MARGIN = { top: 34, right: 200, bottom: 46, left: 56 };
const LEGEND_LINE = 18;

/** A chart as one SVG element that needs nothing beside it. Lines without a point are left out; what lies outside the range is drawn at its border. */
export function lineChart(options: LineChartOptions): Piece {
  const series = options.series.filter(({ points }) => points.length > 0);
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
  const [least, most] = xs.length === 0 ? [0, 1] : [Math.min(...xs), Math.max(...xs)];
  const x = scaleLinear([least, most > least ? most : least + 1], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear([...options.range], [HEIGHT - MARGIN.bottom, MARGIN.top]).clamp(true);
  const [bottom, top] = [y(options.range[0]), y(options.range[1])];
  const height = Math.max(HEIGHT, MARGIN.top + LEGEND_LINE * (series.length + 2));
  return piece`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${options.title}" font-family="system-ui, sans-serif" font-size="12" fill="#222">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${MARGIN.left}" y="18" font-weight="600" font-size="13">${options.title}</text>
${y.ticks(6).map(
  (at) => piece`<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(at)}" y2="${y(at)}" stroke="#ddd"/>
<text x="${MARGIN.left - 8}" y="${y(at) + 4}" text-anchor="end">${y.tickFormat(6)(at)}</text>
`,
)}${x.ticks(8).map(
    (at) => piece`<line x1="${x(at)}" x2="${x(at)}" y1="${bottom}" y2="${bottom + 4}" stroke="#666"/>
<text x="${x(at)}" y="${bottom + 18}" text-anchor="middle">${x.tickFormat(8)(at)}</text>
`,
  )}<line x1="${MARGIN.left}" x2="${MARGIN.left}" y1="${bottom}" y2="${top}" stroke="#666"/>
<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${bottom}" y2="${bottom}" stroke="#666"/>
<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${options.x}</text>
<text transform="translate(14 ${(bottom + top) / 2}) rotate(-90)" text-anchor="middle">${options.y}</text>
${level(options, x.range(), y)}${series.map(({ name, points }, i) => drawn(name, points, i, x, y))}</svg>`;
}

type Scale = (value: number) => number;

function level(options: LineChartOptions, range: readonly number[], y: Scale): Piece {
  if (options.level === undefined) return new Piece("");
  const { name } = options.level;
  const at = y(options.level.y);
  const [from = 0, to = 0] = range;
  return piece`<line x1="${from}" x2="${to}" y1="${at}" y2="${at}" stroke="#666" stroke-dasharray="3 4"/>
<text x="${to - 4}" y="${at - 5}" text-anchor="end" fill="#666">${name}</text>
`;
}

function drawn(name: string, points: readonly Point[], index: number, x: Scale, y: Scale): Piece {
  const { colour, dash } = lineStyle(index);
  const sorted = [...points].sort((a, b) => a.x - b.x);
  const path = line<Point>(
    (point) => x(point.x),
    (point) => y(point.y),
  )(sorted);
  const band = area<Point>(
    (point) => x(point.x),
    (point) => y(point.low ?? point.y),
    (point) => y(point.high ?? point.y),
  )(sorted.filter(({ low, high }) => low !== undefined && high !== undefined));
  const legend = MARGIN.top + LEGEND_LINE * index;
  const left = WIDTH - MARGIN.right + 12;
  return piece`<g><path d="${band ?? ""}" fill="${colour}" fill-opacity="0.12"/>
<path d="${path ?? ""}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>
${sorted.map((point) => piece`<circle cx="${x(point.x)}" cy="${y(point.y)}" r="3" fill="${colour}"><title>${spoken(name, point)}</title></circle>`)}
<line x1="${left}" x2="${left + 20}" y1="${legend}" y2="${legend}" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>
<text x="${left + 26}" y="${legend + 4}">${name}</text></g>
`;
}

function spoken(name: string, { x, y, low, high }: Point): string {
  const interval = low === undefined || high === undefined ? "" : ` (${low.toFixed(3)} to ${high.toFixed(3)})`;
  return `${name}, ${x}: ${y.toFixed(3)}${interval}`;
}
