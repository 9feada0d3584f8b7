import { test } from "tap";
import { lineChart, type LineChartOptions } from "../../../../src/lab/report/line-chart.js";
import { piece } from "../../../../src/lab/report/piece.js";
import { markupFault } from "../../../support/markup.js";

const OPTIONS: LineChartOptions = {
  title: "Tom & <Jerry>",
  x: "N",
  y: "accuracy",
  range: [0, 1],
  series: [
    {
      name: "tree",
      points: [
        { x: 100, y: 1, low: 0.9, high: 1 },
        { x: 50, y: 0.5, low: 0.4, high: 0.6 },
      ],
    },
    { name: "nobody", points: [] },
  ],
  level: { name: "chance", y: 0.5 },
};

/** Where the marks stand. */
const centres = (svg: string): number[][] =>
  [...svg.matchAll(/class="mark" transform="translate\(([\d.]+) ([\d.]+)\)"/g)].map((found) => [
    Number(found[1]),
    Number(found[2]),
  ]);

test("points stand where their numbers say, in order", (t) => {
  const { source } = lineChart(OPTIONS);
  t.equal(markupFault(source), null);
  const [first = [], second = []] = centres(source);
  t.ok((first[0] ?? 0) < (second[0] ?? 0), "sorted by x");
  t.ok((first[1] ?? 0) > (second[1] ?? 0), "more is higher");
  t.match(
    source,
    new RegExp(`y1="${first[1]}" y2="${first[1]}" stroke="currentColor" stroke-dasharray="3 4"`),
    "the level is drawn at the height of its number",
  );
  t.equal(centres(source).length, 2);
  t.notMatch(source, /nobody/, "a line without points is left out");
  t.match(source, /tree, 50: 0\.500 \(0\.400 to 0\.600\)/);
  t.end();
});

test("ticks that are given stand evenly in their logarithm", (t) => {
  const points = [2, 8, 32].map((x) => ({ x, y: 0.5 }));
  const { source } = lineChart({ ...OPTIONS, ticks: [2, 8, 32], series: [{ name: "one", points }] });
  const [a = [], b = [], c = []] = centres(source);
  t.ok(Math.abs((b[0] ?? 0) - (a[0] ?? 0) - ((c[0] ?? 0) - (b[0] ?? 0))) < 1e-9);
  t.match(source, />2<[^]*>8<[^]*>32</);
  t.end();
});

test("what stands in a chart is escaped, what lies outside is drawn at the border, nothing is not a number", (t) => {
  const { source } = lineChart({ ...OPTIONS, series: [{ name: "one", points: [{ x: 3, y: 7 }] }] });
  t.match(source, /Tom &amp; &lt;Jerry&gt;/);
  t.notMatch(source, /NaN|undefined|Infinity/);
  const [top] = [...source.matchAll(/<line class="faint"[^>]* y1="([\d.]+)"/g)]
    .map((found) => Number(found[1]))
    .sort((a, b) => a - b);
  t.equal(centres(source)[0]?.[1], top);
  const none = lineChart({ ...OPTIONS, series: [] }).source;
  t.equal(markupFault(none), null);
  t.notMatch(none, /NaN|undefined/);
  t.end();
});

test("a template escapes values and keeps pieces", (t) => {
  const list = ["a<b", "c"].map((name) => piece`<li>${name}</li>`);
  t.equal(piece`<ul>${list}</ul>${1}"${'"'}`.source, '<ul><li>a&lt;b</li><li>c</li></ul>1"&quot;');
  t.end();
});
