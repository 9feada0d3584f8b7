//   speaker eth0 ── in0 box(hushbox; Prometheus on lo) out0 ── lan0 router wan0 ── down0 isp up0 ── net0 world(cloud)
//
// Draws the head of the dashboard, docs/dashboard.svg, from its JSON and what a real Prometheus answers to its queries.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY, type Place } from "../../src/emulator/topology.js";
import { askInside } from "../support/ask-inside.js";
import { dashboardPicture, type Answered } from "../support/dashboard-picture.js";
import { DASHBOARDS, filled, readDashboard } from "../support/dashboard.js";
import { ROOT } from "../support/generated.js";
import { Prometheus } from "../support/prometheus.js";
import { noPrometheus } from "../support/promtool.js";
import { Child, pause } from "./child.js";
import { say } from "./say.js";

const HELP = `usage: npm run picture

Three minutes of the emulated speaker through \`hushbox run\`: preset off, paper, standalone, a minute each, scraped by Prometheus. Then draws
what the dashboard shows of it into docs/dashboard.svg. Needs root, Prometheus, and what the demo needs.`;

const PRESETS = ["off", "paper", "standalone"];
const EACH = 60;
const CHOSEN = { instance: "hushbox", device: "kitchen" };
/** The rows of the dashboard that are drawn, and what of them is not. */
const SHOWN = ["Is it on, and for whom", "What it costs", "What the user feels"];
const LEFT_OUT = [
  "Budget left this month",
  "Budget used this month",
  "Added delay of packets up",
  "Delayed packets",
  "Packets that wait",
];

async function draw(directory: string): Promise<void> {
  const [path] = DASHBOARDS;
  const text = readFileSync(path, "utf8");
  const dashboard = readDashboard(text);
  const laboratory = await Laboratory.build({ name: "hx-pict", state: join(directory, "laboratory") });
  const children: Child[] = [];
  const start = (place: Place, ...argv: string[]): Child => {
    const child = new Child(laboratory.namespaces[place], process.execPath, argv);
    children.push(child);
    return child;
  };
  try {
    await laboratory.run("box", ["ip", "link", "set", "lo", "up"]);
    const config = join(directory, "hushbox.yaml");
    writeFileSync(
      config,
      `inside: ${TOPOLOGY.box.inside}\noutside: ${TOPOLOGY.box.outside}\npreset: off\n` +
        `devices: [{name: ${CHOSEN.device}, mac: "${TOPOLOGY.speaker.mac}"}]\nstate: ${join(directory, "state")}\n`,
    );
    const program = join(ROOT, "build/src/emulator/program.js");
    await start("world", program, "cloud").printed(/"ready":true/);
    await start("box", join(ROOT, "build/src/main.js"), "run", "--config", config).printed(/"msg":"ready"/);
    const prometheus = await Prometheus.start(laboratory, join(directory, "prometheus"));
    children.push(prometheus.child);
    const seconds = PRESETS.length * EACH;
    const speaker = start("speaker", program, "speaker", "--duration", `${seconds + 60}s`, "--seed", "picture");
    const token = readFileSync(join(directory, "state/token"), "utf8").trim();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const marks: number[] = [];
    const from = Date.now() / 1e3;
    for (const preset of PRESETS) {
      say(`preset ${preset}, ${EACH} s`);
      if (preset !== PRESETS[0]) {
        const url = "http://127.0.0.1:8377/api/v1/preset";
        await askInside(laboratory, "box", [{ url, method: "PUT", headers, body: JSON.stringify({ preset }) }]);
        marks.push(Date.now() / 1e3);
      }
      await pause(EACH * 1e3);
    }
    let row = "";
    const wanted = dashboard.panels.flatMap((panel) => {
      if (panel.type === "row") row = panel.title;
      if (panel.type === "row" || !SHOWN.includes(row) || LEFT_OUT.includes(panel.title)) return [];
      return panel.targets.map((target) => ({ title: panel.title, ...target }));
    });
    const queries = wanted.map(({ expr }) => filled(expr, CHOSEN, { step: "8s", range: "30s" }));
    const to = Date.now() / 1e3;
    const found = await prometheus.ranges(queries, to - from);
    const answers = new Map<string, Answered[]>();
    for (const [i, { title, legendFormat }] of wanted.entries()) {
      const lines = (found[i] ?? []).map(({ metric, values }) => ({
        name: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ""),
        values: values.map(([at, value]) => [at, Number(value)] as const),
      }));
      answers.set(title, [...(answers.get(title) ?? []), ...lines]);
    }
    await speaker.stop();
    const note =
      "Drawn from the dashboard's JSON with what a Prometheus answered: emulated speaker, presets off, paper, standalone, a minute each. No screenshot of Grafana.";
    writeFileSync(join(ROOT, "docs/dashboard.svg"), dashboardPicture(text, { answers, marks, from, to, note }));
    say("docs/dashboard.svg is drawn");
  } finally {
    for (const child of children.reverse()) await child.stop();
    await laboratory.remove();
  }
}

const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" } } });
const lacking = Laboratory.unavailable() ?? noPrometheus;
if (values.help === true) console.log(HELP);
else if (lacking) {
  say(`cannot: ${lacking}`);
  process.exitCode = 1;
} else {
  const directory = mkdtempSync(join(tmpdir(), "hushbox-picture-"));
  try {
    await draw(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
