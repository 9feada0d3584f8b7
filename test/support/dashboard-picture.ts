import { scaleLinear, scaleLog } from "d3-scale";
import { area, line } from "d3-shape";
import { piece, Piece } from "../../src/lab/report/piece.js";
import { fields, list, type Fields, type Json } from "./dashboard.js";

/** What Prometheus has answered for one line of a panel: seconds and values. */
export interface Answered {
  readonly name: string;
  readonly values: readonly (readonly [number, number])[];
}

export interface DashboardData {
  /** Of each panel, by its title. */
  readonly answers: ReadonlyMap<string, readonly Answered[]>;
  /** When the configuration was changed, seconds. */
  readonly marks: readonly number[];
  /** The stretch that is shown, seconds. */
  readonly from: number;
  readonly to: number;
  /** What stands at its foot. */
  readonly note: string;
}

/** Pixels of a column and of a row of Grafana's grid; the gap between panels. */
const COLUMN = 40;
const ROW = 20;
const GAP = 6;
const HEAD = 44;

/** Grafana's colours by name, somewhat darker where they have to be read on white. */
const COLOURS: Readonly<Record<string, string>> = {
  green: "#3f9a45",
  red: "#d03a4b",
  orange: "#e07b1a",
  blue: "#3f7ee0",
  yellow: "#d9a400",
  purple: "#9a5fc4",
  "light-blue": "#7fb0f5",
  "light-orange": "#f2ac63",
  text: "#6b7684",
};
const PALETTE = ["green", "yellow", "blue", "orange", "red", "purple"];

const STYLE = `.page{fill:#f4f5f5}.panel{fill:#fff;stroke:#dcdfe3}.ink{fill:#24292e}.dim{fill:#5d6672}.faint{stroke:#e3e6ea}
@media (prefers-color-scheme:dark){.page{fill:#111217}.panel{fill:#181b1f;stroke:#2c3038}.ink{fill:#dfe2e6}.dim{fill:#a0a8b3}.faint{stroke:#2c3038}}`;

/** Where something stands, pixels. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** The panels of the dashboard for which there are answers, at their places, as one SVG file. Rows without any close up. */
export function dashboardPicture(text: string, data: DashboardData): string {
  const panels = list((JSON.parse(text) as Fields)["panels"]);
  const shown = panels.filter(({ title }) => data.answers.has(word(title)));
  const used = new Set(shown.flatMap((panel) => Array.from({ length: grid(panel).h }, (_, i) => grid(panel).y + i)));
  const heads = panels.filter((panel) => panel["type"] === "row" && used.has(grid(panel).y + 1));
  for (const head of heads) used.add(grid(head).y);
  const rows = [...used].sort((a, b) => a - b);
  const place = (panel: Fields): Box => {
    const { x, y, w, h } = grid(panel);
    return { x: x * COLUMN + GAP, y: HEAD + rows.indexOf(y) * ROW, w: w * COLUMN - GAP, h: h * ROW - GAP };
  };
  const [width, height] = [24 * COLUMN + GAP, HEAD + rows.length * ROW + 24];
  return piece`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="hushbox's dashboard" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="11">
<style>${new Piece(STYLE)}</style>
<rect class="page" width="${width}" height="${height}"/>
<text class="ink" x="${GAP + 4}" y="28" font-size="17" font-weight="600">hushbox</text>
${heads.map((head) => piece`<text class="ink" x="${GAP + 4}" y="${place(head).y + 14}" font-size="13" font-weight="600">▾ ${word(head["title"])}</text>\n`)}${shown.map((panel) => drawn(panel, place(panel), data))}<text class="dim" x="${GAP + 4}" y="${height - 8}">${data.note}</text>
</svg>
`.source;
}

function drawn(panel: Fields, box: Box, data: DashboardData): Piece {
  const lines = data.answers.get(word(panel["title"])) ?? [];
  const body = { stat, "state-timeline": timeline, timeseries: series }[word(panel["type"])];
  return piece`<g><rect class="panel" x="${box.x}" y="${box.y}" width="${box.w}" height="${box.h}" rx="3"/>
<text class="ink" x="${box.x + 8}" y="${box.y + 15}" font-weight="600">${word(panel["title"])}</text>
${body === undefined ? "" : body(panel, { x: box.x + 8, y: box.y + 22, w: box.w - 16, h: box.h - 28 }, lines, data)}</g>
`;
}

/** The last values, large. */
function stat(panel: Fields, box: Box, lines: readonly Answered[]): Piece {
  const options = fields(panel["options"]);
  const named = word(options["textMode"]);
  const filled = options["colorMode"] === "background";
  const each = box.h / Math.max(1, lines.length);
  return piece`${lines.map(({ name, values }, i) => {
    const value = values.at(-1)?.[1] ?? NaN;
    const known = mapping(panel, value);
    const middle = box.y + each * (i + 0.5);
    const said = named === "name" ? name : (known?.text ?? inUnit(value, unitOf(panel)));
    const label = named === "value_and_name" ? `${name}: ${said}` : said;
    return piece`${filled ? piece`<rect x="${box.x}" y="${box.y + each * i + 1}" width="${box.w}" height="${each - 2}" rx="2" fill="${colour(known?.colour ?? "green")}"/>` : ""}<text${new Piece(filled ? ' fill="#fff"' : ' class="ink"')} x="${box.x + box.w / 2}" y="${middle + 5}" text-anchor="middle" font-size="${Math.min(14, round((1.6 * box.w) / label.length))}" font-weight="600">${label}</text>\n`;
  })}`;
}

/** A bar for each line, in the colour of each value. */
function timeline(panel: Fields, box: Box, lines: readonly Answered[], { from, to }: DashboardData): Piece {
  const x = scaleLinear([from, to], [box.x + 110, box.x + box.w]);
  const each = (box.h - 14) / Math.max(1, lines.length);
  return piece`${lines.map(({ name, values }, i) => {
    const y = box.y + each * i;
    const runs = values.reduce<{ value: number; from: number; to: number }[]>((all, [at, value]) => {
      const last = all.at(-1);
      if (last?.value === value) last.to = at;
      else all.push({ value, from: last?.to ?? at, to: at });
      return all;
    }, []);
    return piece`<text class="dim" x="${box.x + 104}" y="${y + each / 2 + 4}" text-anchor="end">${name}</text>
${runs.map((run) => {
  const known = mapping(panel, run.value);
  const width = x(run.to) - x(run.from);
  return piece`<rect x="${round(x(run.from))}" y="${round(y + 2)}" width="${round(width)}" height="${round(each - 4)}" fill="${colour(known?.colour ?? "green")}" opacity="0.85"/>
${width > 24 ? piece`<text x="${round(x(run.from) + 5)}" y="${round(y + each / 2 + 4)}" fill="#fff">${known?.text ?? String(run.value)}</text>` : ""}`;
})}`;
  })}${times(box, x)}`;
}

/** Lines over time; stacked where the panel says so. */
function series(panel: Fields, box: Box, lines: readonly Answered[], data: DashboardData): Piece {
  const defaults = fields(fields(panel["fieldConfig"])["defaults"]);
  const custom = fields(defaults["custom"]);
  // Grafana cuts lines off there; here they run along it.
  const ceiling = typeof defaults["max"] === "number" ? defaults["max"] : Infinity;
  const stacks = fields(custom["stacking"])["mode"] === "normal";
  const log = fields(custom["scaleDistribution"])["type"] === "log";
  const plot = { x: box.x + 50, y: box.y + 4, w: box.w - 54, h: box.h - 36 };
  const bottoms = new Map<number, number>();
  const ready = lines.map((one, i) => {
    const look = override(panel, one.name);
    const own = fields(look.get("custom.stacking") ?? null)["mode"] === "none";
    const points = one.values
      .filter(([, value]) => Number.isFinite(value))
      .map(([at, value]) => {
        const low = stacks && !own ? (bottoms.get(at) ?? 0) : 0;
        if (stacks && !own) bottoms.set(at, low + value);
        return { at, low, high: Math.min(low + value, ceiling) };
      });
    const name = word(fields(look.get("color") ?? null)["fixedColor"]);
    return {
      name: one.name,
      points,
      filled: stacks && !own,
      dashed: own,
      colour: colour(name || (PALETTE[i % PALETTE.length] ?? "text")),
    };
  });
  const highs = ready.flatMap(({ points }) => points.map(({ high }) => high)).filter((high) => !log || high > 0);
  const [least, most] = [Math.min(...highs), Math.max(...highs)];
  const x = scaleLinear([data.from, data.to], [plot.x, plot.x + plot.w]);
  const ends = [plot.y + plot.h, plot.y];
  const y = log ? scaleLog([least, most], ends).nice() : scaleLinear([0, most > 0 ? most : 1], ends).nice(4);
  const ticks = log ? y.ticks().filter((at) => Number.isInteger(Math.round(Math.log10(at) * 1e6) / 1e6)) : y.ticks(4);
  const unit = unitOf(panel);
  return piece`${ticks.map((at) => piece`<line class="faint" x1="${plot.x}" x2="${plot.x + plot.w}" y1="${round(y(at))}" y2="${round(y(at))}"/><text class="dim" x="${plot.x - 5}" y="${round(y(at) + 4)}" text-anchor="end">${inUnit(at, unit)}</text>\n`)}${data.marks.map((at) => piece`<line x1="${round(x(at))}" x2="${round(x(at))}" y1="${plot.y}" y2="${plot.y + plot.h}" stroke="${colour("blue")}" stroke-dasharray="3 3"/>\n`)}${ready.map(
    (one) => {
      const shape = (points: typeof one.points): string =>
        line<(typeof points)[number]>()
          .x(({ at }) => round(x(at)))
          .y(({ high }) => round(y(high)))(points) ?? "";
      const under = area<(typeof one.points)[number]>()
        .x(({ at }) => round(x(at)))
        .y0(({ low }) => round(y(low)))
        .y1(({ high }) => round(y(high)));
      const good = one.points.filter(({ high }) => !log || high > 0);
      return piece`${one.filled ? piece`<path d="${under(good) ?? ""}" fill="${one.colour}" opacity="0.3"/>` : ""}<path d="${shape(good)}" fill="none" stroke="${one.colour}" stroke-width="1.4"${new Piece(one.dashed ? ' stroke-dasharray="6 4"' : "")}/>\n`;
    },
  )}${times({ ...plot, h: plot.h + 14 }, x)}${ready.map((one, i) => {
    const at = plot.x + (i * plot.w) / Math.max(3, ready.length);
    return piece`<rect x="${round(at)}" y="${box.y + box.h - 10}" width="10" height="3" fill="${one.colour}"/><text class="dim" x="${round(at + 14)}" y="${box.y + box.h - 5}">${one.name}</text>\n`;
  })}`;
}

/** Seconds since the beginning, below. */
function times(box: Box, x: ReturnType<typeof scaleLinear<number, number>>): Piece {
  const [from = 0, to = 0] = x.domain();
  const steps = Array.from({ length: Math.floor((to - from) / 60) + 1 }, (_, i) => i);
  return piece`${steps.map((i) => piece`<text class="dim" x="${round(x(from + i * 60))}" y="${round(box.y + box.h - 1)}" text-anchor="${i === 0 ? "start" : x(from + i * 60) > box.x + box.w - 12 ? "end" : "middle"}">${i} min</text>\n`)}`;
}

/** Properties that the panel sets for a line of this name. */
function override(panel: Fields, name: string): Map<string, Json> {
  const found = list(fields(panel["fieldConfig"])["overrides"]).filter(({ matcher }) => {
    const { id, options } = fields(matcher);
    return id === "byRegexp" ? new RegExp(word(options)).test(name) : word(options) === name;
  });
  return new Map(
    found.flatMap(({ properties }) => list(properties).map(({ id, value }) => [word(id), value ?? null] as const)),
  );
}

/** What the panel writes instead of a value, and its colour. */
function mapping(panel: Fields, value: number): { text: string; colour: string } | undefined {
  for (const one of list(fields(fields(panel["fieldConfig"])["defaults"])["mappings"])) {
    const found = fields(fields(one["options"])[String(value)]);
    if (found["text"] !== undefined) return { text: word(found["text"]), colour: word(found["color"]) };
  }
  return undefined;
}

function inUnit(value: number, unit: string): string {
  const short = (n: number): string => String(Number(n.toPrecision(3)));
  switch (unit) {
    case "percentunit":
      return `${short(value * 100)} %`;
    case "Bps":
      return value >= 1000 ? `${short(value / 1000)} kB/s` : `${short(value)} B/s`;
    case "pps":
      return `${short(value)} p/s`;
    case "s":
      if (value >= 60) return `${short(value / 60)} min`;
      return value >= 1 ? `${short(value)} s` : value >= 1e-3 ? `${short(value * 1e3)} ms` : `${short(value * 1e6)} µs`;
    default:
      return short(value);
  }
}

function unitOf(panel: Fields): string {
  return word(fields(fields(panel["fieldConfig"])["defaults"])["unit"]);
}

function grid(panel: Fields): Box {
  return panel["gridPos"] as unknown as Box;
}

function colour(name: string): string {
  return COLOURS[name] ?? "#6b7684";
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function word(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
