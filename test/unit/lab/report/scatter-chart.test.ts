import { test } from "tap";
import { lineStyle } from "../../../../src/lab/report/palette.js";
import { scatterChart } from "../../../../src/lab/report/scatter-chart.js";
import { markupFault } from "../../../support/markup.js";

test("a scatter chart puts points where their numbers say, and their names inside", (t) => {
  const at = { low: 0.4, high: 0.6, style: lineStyle(0) };
  const { source } = scatterChart({
    title: "cost",
    x: "bytes",
    y: "accuracy",
    range: [0, 1],
    level: { name: "chance", y: 0.5 },
    formatX: String,
    formatY: String,
    points: [
      { name: "cheap", x: 0, y: 0.5, ...at },
      { name: "d&d", x: 2, y: 0.5, ...at },
    ],
  });
  t.equal(markupFault(source), null);
  const marks = [...source.matchAll(/class="mark" transform="translate\(([\d.]+) ([\d.]+)\)"/g)];
  t.equal(marks.length, 2);
  t.ok(Number(marks[0]?.[1]) < Number(marks[1]?.[1]));
  const level = /<line x1="60" x2="402" y1="([\d.]+)"[^>]*stroke-dasharray="3 4"/.exec(source);
  t.equal(marks[0]?.[2], level?.[1], "a point at chance is on its line");
  t.same(
    [...source.matchAll(/text-anchor="(start|end)" font-weight="600">/g)].map((found) => found[1]),
    ["start", "end"],
  );
  t.match(source, /d&amp;d: 2, 0\.5 \(0\.4 to 0\.6\)/);
  t.end();
});
