// What a person sees of hushbox: a real daemon under the emulated speaker's traffic, scraped by a real Prometheus, asked every query of every
// panel; and alerts that fire.
//
//     speaker eth0 ── in0 box(hushbox; Prometheus on lo) out0 ── lan0 router wan0 ── down0 isp up0 ── net0 world(cloud)
//
// Needs root, Prometheus, python3, and what the laboratory needs; skipped aloud without them.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type Test } from "tap";
import { tool } from "../../src/emulator/command.js";
import { ENDPOINTS } from "../../src/emulator/endpoints.js";
import { TOPOLOGY, type Place } from "../../src/emulator/topology.js";
import { Child, pause } from "../bench/child.js";
import { askInside } from "../support/ask-inside.js";
import { boxMissing } from "../support/box-missing.js";
import { DASHBOARDS, filled, readDashboard } from "../support/dashboard.js";
import { NOTES, ROOT } from "../support/generated.js";
import { holdLoop } from "../support/held-loop.js";
import { Prometheus, type Line } from "../support/prometheus.js";
import { noPrometheus } from "../support/promtool.js";
import { Stage } from "../support/stage.js";

const skip = boxMissing([], "python3") || noPrometheus;
const API = "http://127.0.0.1:8377";
const SECONDS = 40;
/** Seconds that a question waits for its answer to become true. */
const PATIENCE = 30;

const [dashboard] = DASHBOARDS.map((path) => readDashboard(readFileSync(path, "utf8")));
const CHOSEN = { instance: "hushbox", device: "kitchen" };
const INTERVALS = { step: "8s", range: "30s" };

/** Samples that a graph can show. */
function finite(lines: readonly Line[]): number[] {
  return lines.flatMap(({ values }) => values.map(([, value]) => Number(value)).filter(Number.isFinite));
}

void test("watching", { skip, timeout: 300_000 }, async (t) => {
  const stage = await Stage.open(t, "hx-watch");
  const { directory, laboratory } = stage;
  const start = (place: Place, ...argv: string[]): Child => stage.start(place, process.execPath, ...argv);
  const link = async (t: Test, name: string, state: "up" | "down"): Promise<void> => {
    const { code } = await laboratory.run("box", [tool("ip"), "link", "set", name, state]);
    t.equal(code, 0, `${name} ${state}`);
  };
  const until = async (t: Test, what: string, holds: () => Promise<boolean>): Promise<void> => {
    const end = Date.now() + PATIENCE * 1e3;
    for (;;) {
      const good = await holds();
      if (good || Date.now() > end) {
        t.ok(good, what);
        return;
      }
      await pause(500);
    }
  };

  await link(t, "lo", "up");
  const config = join(directory, "hushbox.yaml");
  writeFileSync(
    config,
    `inside: ${TOPOLOGY.box.inside}
outside: ${TOPOLOGY.box.outside}
preset: paper
devices: [{name: ${CHOSEN.device}, mac: "${TOPOLOGY.speaker.mac}"}]
state: ${join(directory, "state")}
`,
  );
  const program = join(ROOT, "build/src/emulator/program.js");
  await start("world", program, "cloud").printed(/"ready":true/);
  const box = start("box", join(ROOT, "build/src/main.js"), "run", "--config", config);
  await box.printed(/"msg":"ready"/);
  const prometheus = await Prometheus.start(laboratory, join(directory, "prometheus"));
  stage.keep(prometheus.child);
  const firing = async (): Promise<string[]> =>
    (await prometheus.alerts())
      .filter(({ state }) => state === "firing")
      .map(({ labels }) => [labels["alertname"], labels["side"]].filter(Boolean).join(" "));

  const speaker = start("speaker", program, "speaker", "--duration", `${SECONDS}s`, "--seed", "watching");
  await pause((SECONDS / 2) * 1e3);
  const token = readFileSync(join(directory, "state/token"), "utf8").trim();
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/merge-patch+json" };
  const [changed] = await askInside(laboratory, "box", [
    { url: `${API}/api/v1/defenses/jitter`, method: "PATCH", headers, body: '{"variance": 3}' },
  ]);
  t.match(changed, { status: 200 });
  const traffic = await speaker.result<{ transfers: number; bad: number; failed: number }>();
  t.match(traffic, { bad: 0, failed: 0 }, "the speaker noticed nothing");
  t.ok(traffic.transfers > 5, `${traffic.transfers} transfers`);

  await t.test("nothing fails to be scraped or evaluated, and all is well", async (t) => {
    t.same(await prometheus.faults(), []);
    const critical = (await prometheus.alerts()).filter(({ labels }) => labels["severity"] === "critical");
    t.same(critical, []);
    t.equal(await prometheus.value('up{job="hushbox"}'), 1);
  });

  await t.test("every query of every panel is answered with numbers", async (t) => {
    const asked = (dashboard?.panels ?? []).flatMap(({ title, targets }) =>
      targets.map(({ expr, refId }) => ({ what: `${title}, ${refId}`, query: filled(expr, CHOSEN, INTERVALS) })),
    );
    t.ok(asked.length > 40);
    const answers = await prometheus.ranges(
      asked.map(({ query }) => query),
      30,
    );
    for (const [i, { what, query }] of asked.entries()) {
      t.ok(finite(answers[i] ?? []).length > 0, what, { query, answer: answers[i]?.slice(0, 3) });
    }
    for (const query of dashboard?.annotations ?? []) {
      const [lines = []] = await prometheus.ranges([filled(query, CHOSEN, INTERVALS)], 60);
      t.ok(finite(lines).length > 0, "the change of configuration is marked");
    }
  });

  await t.test("the menus offer the box and its device", async (t) => {
    for (const [name, query] of Object.entries(dashboard?.variables ?? {})) {
      const [, selector = "", label = ""] = /^label_values\((.*), (\w+)\)$/.exec(filled(query, CHOSEN)) ?? [];
      t.same(await prometheus.labelValues(label, selector), [CHOSEN[name as keyof typeof CHOSEN]], name);
    }
  });

  await t.test("what it shows is what happened", async (t) => {
    const at = async (title: string): Promise<number> => {
      const panel = dashboard?.panels.find((one) => one.title === title);
      const [lines = []] = await prometheus.ranges([filled(panel?.targets[0]?.expr ?? "", CHOSEN, INTERVALS)], 30);
      return Math.max(...finite(lines));
    };
    t.equal(await at("Box"), 2, "it moves packets");
    t.equal(await at("Defenses, by device"), 1);
    for (const title of ["Overhead in bytes", "Bytes up", "Packets down", "Decoys sent", "Replies kept from devices"]) {
      t.ok((await at(title)) > 0, title);
    }
    const delay = await prometheus.value(
      'histogram_quantile(0.99, rate(hushbox_datapath_added_delay_seconds_bucket{direction="up"}[30s]))',
    );
    t.ok(delay !== null && delay > 0.001, `jitter is seen in the added delay: ${String(delay)} s`);
  });

  await t.test("every metric that is exported is one that is known", async (t) => {
    const [scrape] = await askInside(laboratory, "box", [{ url: `${API}/metrics` }]);
    const types = [...(scrape?.text ?? "").matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({
      name,
      type,
    }));
    t.same(
      types,
      NOTES.map(({ name, type }) => ({ name, type })),
    );
    for (const { name } of types) {
      t.match(
        scrape?.text,
        new RegExp(`^${name ?? ""}(_bucket|_sum|_count)?(\\{.*\\})? [0-9]`, "m"),
        `${name ?? ""} has a value`,
      );
    }
  });

  await t.test("an interface that goes down is told, and that it is back", async (t) => {
    await link(t, TOPOLOGY.box.inside, "down");
    await until(t, "the alert fires for the right side", async () =>
      (await firing()).includes("HushboxInterfaceDown inside"),
    );
    t.notOk((await firing()).includes("HushboxInterfaceDown outside"));
    const [alert] = (await prometheus.alerts()).filter(({ labels }) => labels["alertname"] === "HushboxInterfaceDown");
    t.match(alert?.annotations["summary"], /^The inside interface of hushbox is down: check its cable/);
    await link(t, TOPOLOGY.box.inside, "up");
    await until(t, "and ends", async () => !(await firing()).some((name) => name.startsWith("HushboxInterfaceDown")));
    const { stdout } = await laboratory.run("speaker", [tool("ping"), "-n", "-c3", "-W2", ENDPOINTS.voice.v4]);
    t.match(stdout, / [23] received/, "traffic flows again");
  });

  await t.test("a loop that stands still while the API answers is told", async (t) => {
    const { release } = await holdLoop(box.pid);
    await until(t, "stands still", async () => (await firing()).includes("HushboxLoopStill"));
    t.match(await askInside(laboratory, "box", [{ url: `${API}/healthz` }]), [{ status: 503 }]);
    await release();
    await until(t, "and turns again", async () => !(await firing()).includes("HushboxLoopStill"));
    t.match(await askInside(laboratory, "box", [{ url: `${API}/healthz` }]), [{ status: 200 }]);
  });

  await t.test("a daemon that hangs, and one that is gone, are told", async (t) => {
    process.kill(box.pid, "SIGSTOP");
    await until(t, "hangs", async () => (await firing()).includes("HushboxDown"));
    process.kill(box.pid, "SIGCONT");
    await until(t, "and goes on", async () => !(await firing()).includes("HushboxDown"));
    await box.stop();
    await until(t, "is gone", async () => (await firing()).includes("HushboxDown"));
  });
});
