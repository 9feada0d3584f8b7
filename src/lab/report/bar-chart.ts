import { scaleLinear } from "d3-scale";
import { tone, type SeriesStyle } from "./palette.js";
import { picture, WIDTH, type Key, type PictureText } from "./picture.js";
import { piece, type Piece } from "./piece.js";

/** A bar with its interval; `band`: where values lie that mean nothing. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  readonly band?: { readonly low: number; readonly high: number };
  readonly style: SeriesStyle;
}

/** Bars below one another, in groups. They begin at 0, wherever the range begins. */
export interface BarChartOptions extends PictureText {
  readonly x: string;
  readonly range: readonly [number, number];
  readonly groups: readonly { readonly name?: string; readonly bars: readonly Bar[] }[];
  readonly level?: { readonly name: string; readonly x: number };
  /** What the bands are, in the legend. */
  readonly bandName?: string;
  /** What the whiskers are, in the legend. */
  readonly whiskerName?: string;
  readonly format: (value: number) => string;
  /** On the axis; as `format` if not given. */
  readonly formatAxis?: (value: number) => string;
}

const MARGIN = { left: 18, right: 70 };
const GROUP = 22;
const ROW = 35;
const THICK = 13;

type Scale = (value: number) => number;

/** A chart as one SVG element that needs nothing beside it. What lies outside the range is drawn at its border. */
export function barChart(options: BarChartOptions): Piece {
  return picture(options, keysOf(options), (top) => {
    const x = scaleLinear([...options.range], [MARGIN.left, WIDTH - MARGIN.right]).clamp(true);
    const ticks = x.ticks(5);
    let at = top;
    const parts: Piece[] = [];
    for (const { name, bars } of options.groups) {
      if (name !== undefined) {
        parts.push(piece`<text x="4" y="${at + 13}" font-weight="600" font-size="11.5">${name}</text>
`);
        at += GROUP;
      }
      for (const bar of bars) {
        parts.push(piece`${lines(options, x, ticks, at + 15, at + 19 + THICK)}${barOf(bar, x, at, options.format)}`);
        at += ROW;
      }
    }
    const scale = ticks.map(
      (
        value,
      ) => piece`<text x="${x(value)}" y="${at + 14}" text-anchor="middle" font-size="11">${(options.formatAxis ?? options.format)(value)}</text>
`,
    );
    return {
      drawn: piece`${parts}${scale}<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${at + 30}" text-anchor="middle">${options.x}</text>
`,
      bottom: at + 36,
    };
  });
}

function barOf(
  { name, value, low, high, band, style }: Bar,
  x: Scale,
  top: number,
  format: (v: number) => string,
): Piece {
  const y = top + 17;
  const middle = y + THICK / 2;
  const [from, to] = [Math.min(x(0), x(value)), Math.max(x(0), x(value))];
  const interval = low === undefined || high === undefined ? "" : ` (${format(low)} to ${format(high)})`;
  return piece`<g><title>${`${name}: ${format(value)}${interval}`}</title><text x="${MARGIN.left}" y="${top + 13}" font-size="11.5">${name}</text>
${band === undefined ? "" : bandOf(x(band.low), x(band.high), y - 2, THICK + 4)}
<rect class="${style.name}" color="${style.colour}" x="${from}" y="${y}" width="${Math.max(to - from, 0.5)}" height="${THICK}" fill="currentColor" fill-opacity="0.62"/>
${low === undefined || high === undefined ? "" : whisker(x(low), x(high), middle)}
<text x="${WIDTH - 4}" y="${middle + 4}" text-anchor="end" font-weight="600">${format(value)}</text></g>
`;
}

function bandOf(from: number, to: number, y: number, height: number): Piece {
  return piece`<rect class="dim" color="${tone("dim")}" x="${from}" y="${y}" width="${Math.max(to - from, 1)}" height="${height}" fill="currentColor" fill-opacity="0.36"/>`;
}

function whisker(from: number, to: number, y: number): Piece {
  return piece`<path d="M${from} ${y - 4}v8M${from} ${y}H${to}M${to} ${y - 4}v8" fill="none" stroke="currentColor" stroke-width="1.4"/>`;
}

/** Grid, zero and level behind one bar: they would run through the names between the bars. */
function lines({ level }: BarChartOptions, x: Scale, ticks: readonly number[], top: number, bottom: number): Piece {
  const vertical = (at: number): string => `M${at} ${top}V${bottom}`;
  return piece`<path class="faint" color="${tone("faint")}" d="${ticks.map((value) => vertical(x(value))).join("")}" stroke="currentColor"/>
<path d="${vertical(x(0))}" stroke="currentColor"/>
${level === undefined ? "" : piece`<path class="dim" color="${tone("dim")}" d="${vertical(x(level.x))}" stroke="currentColor" stroke-width="1.6" stroke-dasharray="3 3"/>`}
`;
}

function keysOf({ level, bandName, whiskerName, groups }: BarChartOptions): Key[] {
  const bars = groups.flatMap((group) => group.bars);
  return [
    ...(level === undefined ? [] : [{ name: level.name, swatch: dashed() }]),
    ...(bandName === undefined || bars.every(({ band }) => band === undefined)
      ? []
      : [{ name: bandName, swatch: bandOf(2, 20, -6, 12) }]),
    ...(whiskerName === undefined || bars.every(({ low }) => low === undefined)
      ? []
      : [{ name: whiskerName, swatch: whisker(2, 20, 0) }]),
  ];
}

function dashed(): Piece {
  return piece`<line class="dim" color="${tone("dim")}" x1="11" x2="11" y1="-7" y2="7" stroke="currentColor" stroke-width="1.4" stroke-dasharray="3 4"/>`;
}
