import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "tap";
import { parse } from "yaml";
import { DASHBOARDS, filled, readDashboard, type Json } from "../../support/dashboard.js";
import { NOTES, ROOT } from "../../support/generated.js";
import { normalised } from "../../support/normal-dashboard.js";
import { metricsIn } from "../../support/promql.js";
import { noPrometheus, promtool } from "../../support/promtool.js";
import { all, readRules } from "../../support/rules.js";

const rules = all(readRules());
const texts = DASHBOARDS.map((path) => readFileSync(path, "utf8"));
const dashboards = texts.map(readDashboard);
const queries = dashboards.flatMap(({ panels, annotations }) => [
  ...panels.flatMap((panel) => panel.targets.map((target) => target.expr)),
  ...annotations,
]);

/** What a metric is called where it is asked: histograms by their parts. */
const exported = new Map(
  NOTES.flatMap(({ name, type }) =>
    (type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]).map((suffix) => [`${name}${suffix}`, name] as const),
  ),
);

test("dashboards are in their normal form", (t) => {
  for (const [i, text] of texts.entries()) {
    t.equal(text, normalised(text), `npm run dashboards rewrites ${DASHBOARDS[i] ?? ""}`);
  }
  t.end();
});

test("what Grafana adds on export is taken away again", (t) => {
  const [text = ""] = texts;
  const exportedAgain = JSON.parse(text) as {
    panels: { [key: string]: Json }[];
    templating: { list: { [key: string]: Json }[] };
  };
  const { panels, templating } = exportedAgain;
  panels.reverse();
  for (const panel of panels) Object.assign(panel, { pluginVersion: "11.2.0" });
  for (const panel of panels.filter(({ type }) => type !== "row")) {
    panel["datasource"] = { type: "prometheus", uid: "of-another-grafana" };
  }
  for (const variable of templating.list) {
    variable["current"] = { selected: true, text: "kitchen", value: "kitchen" };
    variable["options"] = [{ selected: true, text: "kitchen", value: "kitchen" }];
  }
  const changed = JSON.stringify({ version: 17, iteration: 5, __inputs: [], ...exportedAgain, id: 42 });
  t.equal(normalised(changed), text);
  const [, second] = panels;
  t.ok(second);
  const copied = JSON.parse(normalised(JSON.stringify({ ...exportedAgain, panels: [...panels, second] }))) as {
    panels: { id: number }[];
  };
  const ids = copied.panels.map(({ id }) => id);
  t.equal(new Set(ids).size, panels.length + 1, "a copied panel gets an id of its own");
  t.end();
});

test("every metric in code is on a panel or in a rule, and every one there is in code", (t) => {
  const recorded = new Set(rules.flatMap(({ record }) => (record === undefined ? [] : [record])));
  const asked = new Set([...queries, ...rules.map((rule) => rule.expr)].flatMap(metricsIn));
  for (const name of asked) {
    t.ok(
      exported.has(name) || recorded.has(name) || name === "up",
      `${name} is exported, recorded, or Prometheus' own`,
    );
  }
  const used = new Set([...asked].map((name) => exported.get(name)));
  for (const { name } of NOTES) t.ok(used.has(name), `${name} is on a panel or in a rule`);
  for (const query of queries) {
    t.notOk(
      metricsIn(query).some((name) => recorded.has(name)),
      "panels work without the rules",
    );
  }
  t.same(metricsIn('sum by (le) (rate(hushbx_typo{a="b"}[5m])) > 1'), ["hushbx_typo"], "a misspelt metric is seen");
  t.end();
});

test("labels in queries are those of the metrics", (t) => {
  const known = new Map(NOTES.map(({ name, labels }) => [name, { ...labels }] as const));
  let seen = 0;
  for (const query of [...queries, ...rules.map((rule) => rule.expr)]) {
    for (const [, name = "", matchers = ""] of query.matchAll(/([a-z_]+)\{([^}]*)\}/g)) {
      const labels = known.get(exported.get(name) ?? "") ?? {};
      for (const [, label = "", operator = "", value = ""] of matchers.matchAll(/([a-z]+)(=~|!~|!=|=)"([^"]*)"/g)) {
        if (label === "instance" || label === "job") continue;
        const values = labels[label];
        t.ok(values !== undefined, `${name} has the label ${label}`);
        seen++;
        if (typeof values === "string" || value.startsWith("$")) continue;
        for (const one of operator.endsWith("~") ? value.split("|") : [value]) {
          t.ok(values?.includes(one), `${name}: ${label} may be ${one}`);
        }
      }
    }
  }
  t.ok(seen > 20, "labels were looked at");
  t.end();
});

test("panels read well", (t) => {
  for (const { panels } of dashboards) {
    t.equal(new Set(panels.map(({ id }) => id)).size, panels.length, "ids differ");
    t.equal(new Set(panels.map(({ title }) => title)).size, panels.length, "titles differ");
    const shown = panels.filter(({ type }) => type !== "row");
    t.ok(shown.length > 20);
    for (const { title, description, type, unit, targets } of shown) {
      t.match(description, /^[A-Z].*\.$/, `${title}: the description is a sentence`);
      t.ok(targets.length > 0, `${title}: asks something`);
      t.ok(["stat", "state-timeline"].includes(type) || unit !== "" || type === "heatmap", `${title}: has a unit`);
      for (const { legendFormat } of targets) t.not(legendFormat, "", `${title}: every line has a name`);
      t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, `${title}: letters differ`);
    }
  }
  t.end();
});

test("panels lie side by side and not on one another", (t) => {
  for (const { panels } of dashboards) {
    const cells = new Set<string>();
    for (const { title, gridPos } of panels) {
      t.ok(gridPos.x + gridPos.w <= 24, `${title}: within the width`);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          const cell = `${x} ${y}`;
          if (cells.has(cell)) t.fail(`${title}: lies on another panel at ${cell}`);
          cells.add(cell);
        }
      }
    }
  }
  t.end();
});

test("every query is PromQL", { skip: noPrometheus }, (t) => {
  const file = join(t.testdir({}), "queries.yml");
  const asRules = queries.map((query, i) => ({
    record: `query${i}`,
    expr: filled(query, { instance: "a", device: "b" }),
  }));
  writeFileSync(file, JSON.stringify({ groups: [{ name: "queries", rules: asRules }] }));
  const { status, said } = promtool("check", "rules", file);
  t.equal(status, 0, said);
  t.match(said, `${queries.length} rules found`);
  t.end();
});

test("Grafana finds the file and the scrape interval", (t) => {
  const read = (path: string): unknown => parse(readFileSync(join(ROOT, "deploy", path), "utf8"));
  const { providers } = read("grafana/provisioning/dashboards/hushbox.yaml") as {
    providers: { options: { path: string } }[];
  };
  t.same(
    providers.map(({ options }) => options.path),
    DASHBOARDS.map((path) => `/etc/grafana/${basename(path)}`),
  );
  const { datasources } = read("grafana/provisioning/datasources/hushbox.yaml") as {
    datasources: { type: string; jsonData: { timeInterval: string } }[];
  };
  const { global } = read("prometheus/prometheus.yml") as { global: { scrape_interval: string } };
  t.match(datasources, [{ type: "prometheus", jsonData: { timeInterval: global.scrape_interval } }]);
  for (const { schemaVersion } of dashboards) t.ok(schemaVersion >= 38, "the schema of Grafana 10");
  t.end();
});
