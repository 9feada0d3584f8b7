import { scaleLinear, scaleLog } from "d3-scale";
import { area, line, symbol, symbolsFill } from "d3-shape";
import { lineStyle, tone, type SeriesStyle } from "./palette.js";
import { picture, WIDTH, type PictureText } from "./picture.js";
import { piece, Piece } from "./piece.js";

/** A measured point; `low` to `high` is its interval. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
}

/** A line; `style`: by its place among the others if not given. */
export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  readonly style?: SeriesStyle;
}

/** Lines over one axis. */
export interface LineChartOptions extends PictureText {
  readonly x: string;
  readonly y: string;
  /** Values that the horizontal axis names, evenly apart in their logarithm; of all numbers if not given. */
  readonly ticks?: readonly number[];
  /** Of the vertical axis. */
  readonly range: readonly [number, number];
  readonly series: readonly Series[];
  /** A level to hold the lines against, such as chance. */
  readonly level?: { readonly name: string; readonly y: number };
  /** How numbers stand on the vertical axis and in what is spoken; with three digits if not given. */
  readonly format?: (value: number) => string;
}

const PLOT_HEIGHT = 200;
const MARGIN = { right: 14, bottom: 38, left: 60 };

type Styled = Series & { readonly style: SeriesStyle };
type Scale = (value: number) => number;

/** A chart as one SVG element that needs nothing beside it. Lines without a point are left out; what lies outside the range is drawn at its border. */
export function lineChart(options: LineChartOptions): Piece {
  const format = options.format ?? ((value: number) => value.toFixed(3));
  const series = options.series
    .filter(({ points }) => points.length > 0)
    .map((one, i): Styled => ({ ...one, style: one.style ?? lineStyle(i) }));
  const keys = series.map(({ name, style }) => ({ name, swatch: swatch(style) }));
  return picture(options, keys, (top) => {
    const bottom = top + PLOT_HEIGHT;
    const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
    const [least, most] = xs.length === 0 ? [0, 1] : [Math.min(...xs), Math.max(...xs)];
    const ends = [least, most > least ? most : least + 1];
    const places = [MARGIN.left + 8, WIDTH - MARGIN.right - 4];
    const x = options.ticks === undefined ? scaleLinear(ends, places) : scaleLog(ends, places);
    const ticks = options.ticks ?? x.ticks(6);
    const y = scaleLinear([...options.range], [bottom, top]).clamp(true);
    const drawn = piece`${y.ticks(6).map((at) => horizontal(y(at), format(at)))}${ticks.map(
      (at) => piece`<line x1="${x(at)}" x2="${x(at)}" y1="${bottom}" y2="${bottom + 4}" stroke="currentColor"/>
<text x="${x(at)}" y="${bottom + 16}" text-anchor="middle" font-size="11">${String(at)}</text>
`,
    )}<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${bottom}" y2="${bottom}" stroke="currentColor"/>
<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${bottom + 32}" text-anchor="middle">${options.x}</text>
<text transform="translate(11 ${(bottom + top) / 2}) rotate(-90)" text-anchor="middle">${options.y}</text>
${level(options, y)}${series.map((one) => lineOf(one, x, y, format))}`;
    return { drawn, bottom: bottom + MARGIN.bottom };
  });
}

function horizontal(y: number, text: string): Piece {
  return piece`<line class="faint" color="${tone("faint")}" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}" stroke="currentColor"/>
<text x="${MARGIN.left - 6}" y="${y + 4}" text-anchor="end" font-size="11">${text}</text>
`;
}

function level(options: LineChartOptions, y: Scale): Piece {
  if (options.level === undefined) return new Piece("");
  const at = y(options.level.y);
  return piece`<g class="dim" color="${tone("dim")}" fill="currentColor"><line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}" stroke="currentColor" stroke-dasharray="3 4"/>
<text x="${WIDTH - MARGIN.right - 2}" y="${at - 5}" text-anchor="end" font-size="11">${options.level.name}</text></g>
`;
}

function lineOf({ name, points, style }: Styled, x: Scale, y: Scale, format: (value: number) => string): Piece {
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
  return piece`<g class="${style.name}" color="${style.colour}" fill="currentColor"><path d="${band ?? ""}" fill-opacity="0.09"/>
<path d="${path ?? ""}" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" stroke-dasharray="${style.dash}"/>
${sorted.map((point) => piece`<path class="mark" transform="translate(${x(point.x)} ${y(point.y)})" d="${mark(style)}"><title>${spoken(name, point, format)}</title></path>`)}</g>
`;
}

function swatch(style: SeriesStyle): Piece {
  return piece`<g class="${style.name}" color="${style.colour}" fill="currentColor"><line x1="0" x2="22" y1="0" y2="0" stroke="currentColor" stroke-width="2" stroke-dasharray="${style.dash}"/><path transform="translate(11 0)" d="${mark(style)}"/></g>`;
}

/** Circle, cross, diamond, square, star, triangle, wye: as d3 has them. */
function mark(style: SeriesStyle): string {
  return symbol(symbolsFill[style.mark % symbolsFill.length], 40)() ?? "";
}

function spoken(name: string, { x, y, low, high }: Point, format: (value: number) => string): string {
  const interval = low === undefined || high === undefined ? "" : ` (${format(low)} to ${format(high)})`;
  return `${name}, ${x}: ${format(y)}${interval}`;
}
