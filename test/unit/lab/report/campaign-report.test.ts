import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { FEATURES } from "../../../../src/features/features.js";
import { writeReport } from "../../../../src/lab/report/campaign-report.js";
import type { ReportedCampaign, ReportedCell } from "../../../../src/lab/report/reported-campaign.js";
import { markupFault } from "../../../support/markup.js";
import { campaignOf, cellOf, refusedCell } from "../../../support/reported.js";

const size = (packets: number) =>
  ({ windows: { cut: "packets", size: packets, direction: "both", field: "raw" } }) as const;
const FIVE = { "ada-boost": 0.91, "decision-tree": 0.92, "neural-network": 0.95, "random-forest": 0.94 };
const TABLE = FEATURES.map((name, i) => ({ name, mean: i, deviation: i, class_means: [i - 1, i, i + 1] }));

/** Some of every kind of cell. */
function cells(): ReportedCell[] {
  const undefended = [500, 1000].map((packets) => cellOf({ attacks: FIVE }, { ...size(packets), features: TABLE }));
  const none = { p: 0.05, threshold: 0.5 };
  const standalone = cellOf(
    { attacks: { "random-forest": 0.62 }, none },
    { defense: { kind: "preset", preset: "standalone" }, features: TABLE },
  );
  const theory = (["smoothing", "noise", "simulated"] as const).flatMap((kind) =>
    [2, 8].flatMap((parameter) =>
      [500, 1000].map((packets) =>
        cellOf(
          { attacks: { "neural-network": 0.5 } },
          { defense: { kind, parameter, order: "time" }, ...size(packets) },
        ),
      ),
    ),
  );
  const paper = cellOf({ attacks: { "neural-network": 0.8 } }, { defense: { kind: "preset", preset: "paper", nu: 8 } });
  const real = cellOf(
    { attacks: { "decision-tree": 0.4 }, none: { p: 0.3, threshold: 0.5 } },
    {
      scenario: "echo",
      windows: { cut: "trace", size: 0, direction: "both", field: "raw" },
      dataset: { name: "echo", real: true, task: "labels" },
    },
  );
  return [
    ...undefended,
    standalone,
    ...theory,
    paper,
    real,
    refusedCell("“off” has 3 windows, and 10 are the least", { scenario: "mic-on-off", id: "refused-one" }),
  ];
}

function written(
  folder: string,
  campaign: ReportedCampaign,
): { html: string; summary: string; csv: string; figures: string[] } {
  writeReport(campaign, folder);
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const figures = readdirSync(join(folder, "figures"));
  return { html: read("index.html"), summary: read("summary.md"), csv: read("campaign.csv"), figures };
}

/** Fields of a line without line ends in them. */
function fields(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? "",
  );
}

test("a report has its page, its pictures and its numbers", (t) => {
  const folder = t.testdir({});
  const { html, summary, csv, figures } = written(
    folder,
    campaignOf(cells(), { measuring: { days: 2, mostRows: 1500 }, leftOut: ["days of each class: 1 instead of 3"] }),
  );
  t.equal(markupFault(html, true), null);
  t.same([...figures].sort(), [
    "figure-3a-queries-smoothing.svg",
    "figure-3b-queries-noise.svg",
    "figure-3c-queries-simulated.svg",
    "figure-4-echo-off.svg",
    "figure-4-queries-off.svg",
    "figure-4-queries-standalone.svg",
    "figure-bars-echo.svg",
    "figure-bars-queries.svg",
    "figure-cost-echo.svg",
    "figure-cost-queries.svg",
    "figure-importance-echo-off.svg",
    "figure-importance-queries-off.svg",
    "figure-importance-queries-standalone.svg",
    "figure-presets-queries.svg",
    "figure-side-queries.svg",
  ]);
  for (const name of figures) {
    const svg = readFileSync(join(folder, "figures", name), "utf8");
    t.equal(markupFault(svg), null, name);
    t.notMatch(svg, /NaN|undefined|Infinity|\[object/, name);
    t.match(svg, name.includes("echo") ? /real captures/ : /emulated traffic/, name);
    t.ok(html.includes(svg.trim()), `${name} is in the page`);
  }
  t.notMatch(html, /NaN|undefined<|\[object/);
  t.notMatch(html, /<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)|@import|url\(/, "nothing is fetched");
  t.match(html, /Behind standalone, the random forest tells/);
  t.match(html, /days of each class: 1 instead of 3/);
  t.match(html, /real captures[^]*emulated traffic|emulated traffic[^]*real captures/);
  t.match(html, /series in the order: time/i);
  t.match(html, /Table I[^]*n_port_unique/);
  t.match(html, /at chance/);
  t.match(summary, /^`hushbox campaign --quick --seed 7 --days 2 --dataset MANIFEST:labels --out DIR`/);
  t.match(html, /days of each class: 2\./);
  t.match(
    summary,
    /\| `standalone` \| random forest \| 62\.0 % \(57\.0 % to 67\.0 %\) \| 33\.3 % \| 50\.0 % \| 0\.050 \| still read \|/,
  );
  t.equal(
    csv.split("\r\n").length - 2,
    cells().reduce((sum, { leakage }) => sum + (leakage?.attacks.length ?? 1), 0),
  );
  t.same(
    readdirSync(folder).sort(),
    ["campaign.csv", "figures", "index.html", "summary.md"],
    "nothing unfinished is left",
  );
  t.end();
});

test("what was refused stands there with its reason", (t) => {
  const { html, csv, summary } = written(t.testdir({}), campaignOf(cells()));
  t.match(html, /refused-one<[^]*“off” has 3 windows, and 10 are the least/);
  t.match(summary, /1 refused/);
  const [head = "", ...lines] = csv
    .split("\r\n")
    .map(fields)
    .map((line) => line.join("\n"));
  const names = head.split("\n");
  const row = lines.map((line) => line.split("\n")).find(([id]) => id === "refused-one") ?? [];
  t.equal(row[names.indexOf("refused")], "“off” has 3 windows, and 10 are the least");
  t.equal(row[names.indexOf("balanced_accuracy")], "");
  t.equal(row.length, names.length);
  t.end();
});

test("a row of numbers says what was measured", (t) => {
  const { csv } = written(t.testdir({}), campaignOf(cells()));
  const [head = [], ...rows] = csv.split("\r\n").map(fields);
  const row = rows.find((line) => line[head.indexOf("defense")] === "standalone") ?? [];
  const of = (name: string): string | undefined => row[head.indexOf(name)];
  t.same(
    [
      "scenario",
      "real",
      "vantage",
      "cut",
      "size",
      "attack",
      "best",
      "balanced_accuracy",
      "best_null_p_value",
      "verdict",
      "samples",
      "overhead_bytes",
      "added_delay_p50_ms",
      "refused",
    ].map(of),
    [
      "queries",
      "false",
      "wan",
      "packets",
      "1000",
      "random-forest",
      "true",
      "0.62",
      "0.05",
      "above-chance",
      "300",
      "1",
      "9.9",
      "",
    ],
  );
  const noisy = rows.find((line) => line[head.indexOf("defense")] === "noise") ?? [];
  t.same([noisy[head.indexOf("parameter")], noisy[head.indexOf("series_order")]], ["2", "time"]);
  const varied = rows.find((line) => line[head.indexOf("defense")] === "paper") ?? [];
  t.equal(varied[head.indexOf("parameter")], "8");
  t.end();
});

test("names from outside stay text, and out of file names", (t) => {
  const evil = '<script>alert("1")</script>/../| a\nb,"';
  const campaign = campaignOf(
    [
      cellOf(
        { attacks: { "decision-tree": 0.5 }, classes: [evil, "two"] },
        { scenario: evil, dataset: { name: evil, real: true, task: evil }, id: evil },
      ),
      refusedCell(evil, { scenario: evil, id: `${evil} refused` }),
    ],
    { scenarios: [{ name: evil, title: evil, real: true, origin: evil, classes: [evil, "two"] }], seed: evil },
  );
  const folder = t.testdir({});
  const { html, summary, csv, figures } = written(folder, campaign);
  t.equal(markupFault(html, true), null);
  t.notMatch(html, /<script/);
  t.match(html, /&lt;script&gt;/);
  t.ok(figures.length > 0);
  for (const name of figures) {
    t.match(name, /^figure-[a-z0-9-]+\.svg$/);
    t.equal(markupFault(readFileSync(join(folder, "figures", name), "utf8")), null);
  }
  t.notMatch(summary, /^\| (?!preset|---|`off`|the paper).*script/m, "no name begins a row of its own");
  t.notMatch(summary.replace(/`[^`]*`/, ""), /(^|[^\\])<script/, "but in the command, which is code");
  t.ok(csv.includes(`"${evil.replaceAll('"', '""')}"`));
  t.end();
});

test("where no null was measured, page and summary say so, and of what", (t) => {
  const scenarios = ["held", "open"].map((name) => ({
    name,
    title: name,
    real: false,
    origin: "",
    classes: ["x", "y"],
  }));
  const read = { attacks: { "decision-tree": 0.9 } };
  const held = cellOf({ ...read, none: { p: 0.05, threshold: 0.5 } }, { scenario: "held", id: "held" });
  const [none, some] = [[held, cellOf(read, { scenario: "open", id: "open" })], [held]].map((cells) =>
    written(t.testdir({}), campaignOf(cells, { scenarios })),
  );
  t.match(
    none?.html,
    /<b>No null was measured<\/b> of cards that say “null not measured” \(open\): what the best attack/,
  );
  t.match(none?.summary, /### open[^]*\n\nNo null was measured here of any preset: what the best attack/);
  t.notMatch(none?.summary, /### held[^#]*No null was measured/);
  t.notMatch(`${String(some?.html)}${String(some?.summary)}`, /No null was measured/);
  t.equal(markupFault(none?.html ?? "", true), null);
  t.end();
});

test("scenarios that differ in signs alone have pictures of their own", (t) => {
  const scenarios = ["a b", "a-b"].map((name) => ({ name, title: name, real: false, origin: "", classes: ["x", "y"] }));
  const own = scenarios.map(({ name }) => cellOf({ attacks: { "decision-tree": 0.9 } }, { scenario: name, id: name }));
  const { figures } = written(t.testdir({}), campaignOf(own, { scenarios }));
  t.ok(figures.includes("figure-bars-a-b.svg") && figures.includes("figure-bars-a-b-2.svg"));
  t.end();
});

test("an empty campaign is a page that says so", (t) => {
  const { html, csv, figures } = written(t.testdir({}), campaignOf([], { scenarios: [] }));
  t.equal(markupFault(html, true), null);
  t.match(html, /Nothing was measured: the campaign has no cells/);
  t.same(figures, []);
  t.equal(csv.split("\r\n").length, 2, "only the head");
  const planned = written(t.testdir({}), campaignOf([]));
  t.match(planned.html, /Three classes of queries/);
  t.match(planned.summary, /No preset was measured/);
  t.end();
});

test("pictures of an earlier report go, other people's stay, and what cannot be written is an error", (t) => {
  const folder = t.testdir({ figures: { "figure-old.svg": "old", "mine.svg": "mine" }, file: "no folder" });
  written(folder, campaignOf(cells()));
  t.notOk(existsSync(join(folder, "figures/figure-old.svg")));
  t.ok(existsSync(join(folder, "figures/mine.svg")));
  t.throws(
    () => {
      writeReport(campaignOf([]), join(folder, "file"));
    },
    { code: "output-unwritable", message: /file/ },
  );
  writeFileSync(join(folder, "file"), "still there");
  t.end();
});
