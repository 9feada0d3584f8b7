import { test } from "tap";
import { barChart } from "../../../../src/lab/report/bar-chart.js";
import { lineStyle } from "../../../../src/lab/report/palette.js";
import { markupFault } from "../../../support/markup.js";

const BARS = {
  title: "Tom & <Jerry>",
  note: "emulated, N = 500",
  x: "balanced accuracy",
  range: [0, 1] as const,
  level: { name: "chance", x: 0.25 },
  bandName: "nothing",
  whiskerName: "interval",
  format: (value: number) => value.toFixed(2),
  groups: [
    {
      name: "wan",
      bars: [
        { name: "off", value: 0.8, low: 0.7, high: 0.9, band: { low: 0.2, high: 0.4 }, style: lineStyle(0) },
        { name: "<script>", value: 0.4, style: lineStyle(1) },
      ],
    },
  ],
};

const numbers = (source: string, pattern: RegExp): number[] =>
  [...source.matchAll(pattern)].map((found) => Number(found[1]));

test("bars are as long as their numbers, whiskers and bands where theirs are", (t) => {
  const { source } = barChart(BARS);
  t.equal(markupFault(source), null);
  const [long = 0, short = 0] = numbers(source, /<rect class="k\d"[^>]* width="([^"]+)"/g);
  t.ok(Math.abs(long - 2 * short) < 1e-9, "0.8 is twice 0.4");
  const [from = 0] = numbers(source, /<rect class="k0"[^>]* x="([^"]+)"/g);
  const place = (value: number): number => from + (long * value) / 0.8;
  const whisker = /<path d="M([\d.]+) [^"]*H([\d.]+)M/.exec(source);
  t.same(
    [whisker?.[1], whisker?.[2]].map((x) => Math.round(Number(x))),
    [place(0.7), place(0.9)].map(Math.round),
  );
  const [band = 0] = numbers(source, /<rect class="dim"[^>]* x="([^"]+)"/g);
  t.equal(Math.round(band), Math.round(place(0.2)));
  t.match(source, /Tom &amp; &lt;Jerry&gt;/);
  t.match(source, /&lt;script&gt;: 0\.40/);
  t.notMatch(source, /NaN|undefined|Infinity/);
  t.end();
});

test("legends name what is drawn and nothing else", (t) => {
  t.match(barChart(BARS).source, />nothing<[^]*>interval</);
  const [group] = BARS.groups;
  const bare = { ...BARS, groups: [{ bars: (group?.bars ?? []).slice(1) }] };
  t.notMatch(barChart(bare).source, />nothing<|>interval</);
  t.equal(markupFault(barChart({ ...BARS, groups: [] }).source), null, "no bars at all");
  t.end();
});

test("bars below nothing go to the left of it", (t) => {
  const style = lineStyle(0);
  const chart = barChart({ ...BARS, range: [-0.5, 0.5], groups: [{ bars: [{ name: "less", value: -0.25, style }] }] });
  const [from = 0] = numbers(chart.source, /<rect class="k0"[^>]* x="([^"]+)"/g);
  const [width = 0] = numbers(chart.source, /<rect class="k0"[^>]* width="([^"]+)"/g);
  const zero = numbers(chart.source, /<path d="M([\d.]+) \d+V\d+" stroke="currentColor"\/>/g)[0] ?? 0;
  t.ok(width > 0 && Math.abs(from + width - zero) < 1e-9);
  t.end();
});
