import { test } from "tap";
import { lineChart, type LineChartOptions } from "../../../../src/lab/report/line-chart.js";
import { piece } from "../../../../src/lab/report/piece.js";

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

/** The circles' centres. */
const centres = (svg: string): number[][] =>
  [...svg.matchAll(/<circle cx="([^"]+)" cy="([^"]+)"/g)].map((found) => [Number(found[1]), Number(found[2])]);

test("points stand where their numbers say, in order", (t) => {
  const { source } = lineChart(OPTIONS);
  const [first = [], second = []] = centres(source);
  t.ok((first[0] ?? 0) < (second[0] ?? 0), "sorted by x");
  t.ok((first[1] ?? 0) > (second[1] ?? 0), "more is higher");
  const level = /stroke="#666" stroke-dasharray/.exec(source);
  t.ok(level, "the level is drawn");
  t.match(
    source,
    new RegExp(`y1="${first[1]}" y2="${first[1]}" stroke="#666" stroke-dasharray`),
    "at the height of its number",
  );
  t.equal(centres(source).length, 2);
  t.notMatch(source, /nobody/, "a line without points is left out");
  t.match(source, /tree, 50: 0\.500 \(0\.400 to 0\.600\)/);
  t.end();
});

test("what stands in a chart is escaped, what lies outside is drawn at the border, nothing is not a number", (t) => {
  const { source } = lineChart({ ...OPTIONS, series: [{ name: "one", points: [{ x: 3, y: 7 }] }] });
  t.match(source, /Tom &amp; &lt;Jerry&gt;/);
  t.notMatch(source, /NaN|undefined|Infinity/);
  t.same(centres(source)[0]?.[1], 34);
  t.notMatch(lineChart({ ...OPTIONS, series: [] }).source, /NaN|undefined/);
  t.end();
});

test("a template escapes values and keeps pieces", (t) => {
  const list = ["a<b", "c"].map((name) => piece`<li>${name}</li>`);
  t.equal(piece`<ul>${list}</ul>${1}"${'"'}`.source, '<ul><li>a&lt;b</li><li>c</li></ul>1"&quot;');
  t.end();
});
