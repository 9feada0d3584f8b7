import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { parse } from "yaml";
import { complete } from "../../../src/config/defaults.js";
import { parseConfig } from "../../../src/config/document.js";
import { ROOT } from "../../support/generated.js";
import { noPrometheus, promtool } from "../../support/promtool.js";
import { all, readRules, RULES_FILE } from "../../support/rules.js";

const PROMETHEUS = join(ROOT, "deploy/prometheus");
const rules = all(readRules());
const alerts = rules.filter((rule) => rule.alert !== undefined);

/** Series by what they are, in promtool's notation: `0+5x40` is 0 and forty times 5 more. */
type Series = Readonly<Record<string, string>>;

interface Case {
  readonly series: Series;
  readonly at: string;
}

interface Fires extends Case {
  readonly labels: Readonly<Record<string, string>>;
  /** The value as the person reads it, where the summary holds it. */
  readonly value?: string;
}

const BOX = { job: "hushbox", instance: "box" };
const box = (name: string, labels: Readonly<Record<string, string>> = {}): string =>
  `${name}{${Object.entries({ ...BOX, ...labels })
    .map(([label, value]) => `${label}="${value}"`)
    .join(",")}}`;

const INSIDE = { side: "inside" };
const UP = { direction: "up" };
const KITCHEN = { device: "kitchen" };
const LATENESS = "hushbox_datapath_lateness_seconds";
const NO_TRAFFIC = { [box("hushbox_nic_received_packets_total", INSIDE)]: "7x240" };

/** Lateness of one packet in 15 s; all of them in the bucket up to `seconds`. */
function lateness(seconds: "0.0001" | "0.005"): Series {
  const early = seconds === "0.0001" ? "0+1x60" : "0x60";
  return {
    [box(`${LATENESS}_bucket`, { ...UP, le: "0.0001" })]: early,
    [box(`${LATENESS}_bucket`, { ...UP, le: "0.002" })]: early,
    [box(`${LATENESS}_bucket`, { ...UP, le: "0.005" })]: "0+3x60",
    [box(`${LATENESS}_bucket`, { ...UP, le: "+Inf" })]: "0+3x60",
    [box(`${LATENESS}_count`, UP)]: "0+3x60",
  };
}

/** For each alert what makes it fire, and what is near to it and must not. */
const CASES: Readonly<Record<string, { fires: Fires; quiet: Case }>> = {
  HushboxDown: {
    fires: {
      series: { [box("up")]: "1 0x10" },
      at: "2m",
      labels: BOX,
    },
    quiet: { series: { [box("up")]: "1 0 0 1x10" }, at: "2m" },
  },
  HushboxLoopStill: {
    fires: {
      series: { [box("hushbox_datapath_turning")]: "1 0x10" },
      at: "1m",
      labels: BOX,
    },
    quiet: { series: { [box("hushbox_datapath_turning")]: "1x10" }, at: "1m" },
  },
  HushboxRestarts: {
    fires: {
      series: { [box("process_start_time_seconds")]: "1 2 2 3 4 4 4x40" },
      at: "5m",
      labels: BOX,
      value: "3",
    },
    quiet: { series: { [box("process_start_time_seconds")]: "1 2 3x40" }, at: "5m" },
  },
  HushboxInterfaceDown: {
    fires: {
      series: { [box("hushbox_nic_up", INSIDE)]: "1 0x10" },
      at: "1m",
      labels: { ...BOX, ...INSIDE },
    },
    quiet: { series: { [box("hushbox_nic_up", INSIDE)]: "1 0 1x10" }, at: "1m" },
  },
  HushboxInterfaceFlaps: {
    fires: {
      series: { [box("hushbox_nic_downs_total", INSIDE)]: "0+1x10 10x40" },
      at: "5m",
      labels: { ...BOX, ...INSIDE },
    },
    quiet: { series: { [box("hushbox_nic_downs_total", INSIDE)]: "0 1x40" }, at: "5m" },
  },
  HushboxNotTakenOver: {
    fires: { series: { [box("hushbox_datapath_take_over_armed")]: "1x20 0x20" }, at: "8m", labels: BOX },
    quiet: { series: { [box("hushbox_datapath_take_over_armed")]: "0x40" }, at: "8m" },
  },
  HushboxPassedBy: {
    fires: { series: { [box("hushbox_datapath_take_over_lapses_total")]: "0x20 1x20" }, at: "8m", labels: BOX },
    quiet: { series: { [box("hushbox_datapath_take_over_lapses_total")]: "1x40" }, at: "8m" },
  },
  HushboxTunnelUnreachable: {
    fires: {
      series: { [box("hushbox_tunnel_state", { state: "unreachable" })]: "0 1x20" },
      at: "4m",
      labels: { ...BOX, state: "unreachable" },
    },
    quiet: { series: { [box("hushbox_tunnel_state", { state: "connecting" })]: "1x20" }, at: "4m" },
  },
  HushboxTunnelOtherVersion: {
    fires: {
      series: { [box("hushbox_tunnel_far_decoys_total", { version: "other" })]: "0+1x40" },
      at: "10m",
      labels: { ...BOX, version: "other" },
    },
    quiet: { series: { [box("hushbox_tunnel_far_decoys_total", { version: "ours" })]: "0+1x40" }, at: "10m" },
  },
  HushboxTunnelProblem: {
    fires: {
      series: { [box("hushbox_tunnel_problem", { problem: "shared-key" })]: "0 1x20" },
      at: "8m",
      labels: { ...BOX, problem: "shared-key" },
    },
    // A peer of another version has an alert of its own.
    quiet: { series: { [box("hushbox_tunnel_problem", { problem: "other-version" })]: "1x20" }, at: "10m" },
  },
  HushboxQueueFull: {
    fires: {
      series: { [box("hushbox_datapath_drops_total", { ...UP, reason: "queue-full" })]: "0 3x20" },
      at: "2m",
      labels: { ...BOX, ...UP, reason: "queue-full" },
    },
    quiet: { series: { [box("hushbox_datapath_drops_total", { ...UP, reason: "oversize" })]: "0 3x20" }, at: "2m" },
  },
  HushboxDrops: {
    fires: {
      series: { [box("hushbox_datapath_drops_total", { ...UP, reason: "oversize" })]: "0 3x20" },
      at: "2m",
      labels: { ...BOX, ...UP, reason: "oversize" },
    },
    quiet: { series: { [box("hushbox_datapath_drops_total", { ...UP, reason: "stopped" })]: "0 3x20" }, at: "2m" },
  },
  HushboxRingFull: {
    fires: {
      series: {
        [box("hushbox_nic_dropped_packets_total", INSIDE)]: "0x20",
        [box("hushbox_nic_no_slot_packets_total", INSIDE)]: "0 9x20",
      },
      at: "2m",
      labels: { ...BOX, ...INSIDE },
    },
    quiet: {
      series: {
        [box("hushbox_nic_dropped_packets_total", INSIDE)]: "4x20",
        [box("hushbox_nic_no_slot_packets_total", INSIDE)]: "9x20",
      },
      at: "2m",
    },
  },
  HushboxOffloadsOn: {
    fires: {
      series: { [box("hushbox_nic_oversize_packets_total", INSIDE)]: "0+2x20" },
      at: "2m",
      labels: { ...BOX, ...INSIDE },
    },
    quiet: { series: { [box("hushbox_nic_oversize_packets_total", INSIDE)]: "2x20" }, at: "2m" },
  },
  HushboxSendRefused: {
    fires: {
      series: {
        [box("hushbox_nic_refused_packets_total", INSIDE)]: "0+1x40",
        [box("hushbox_nic_up", INSIDE)]: "1x40",
      },
      at: "5m",
      labels: { ...BOX, ...INSIDE },
    },
    quiet: {
      series: {
        [box("hushbox_nic_refused_packets_total", INSIDE)]: "0+1x40",
        [box("hushbox_nic_up", INSIDE)]: "1x10 0x30",
      },
      at: "5m",
    },
  },
  HushboxLate: {
    fires: {
      series: lateness("0.005"),
      at: "14m",
      labels: { ...BOX, ...UP },
      value: "4.97ms",
    },
    // One in three late would be enough; here two of three are late, but only three packets in five minutes leave at all.
    quiet: {
      series: Object.fromEntries(Object.keys(lateness("0.005")).map((name) => [name, "0x20 2x40"])),
      at: "14m",
    },
  },
  HushboxSilent: {
    fires: {
      series: { ...NO_TRAFFIC, [box("hushbox_nic_up", INSIDE)]: "1x240" },
      at: "50m",
      labels: { ...BOX, ...INSIDE },
    },
    quiet: { series: { ...NO_TRAFFIC, [box("hushbox_nic_up", INSIDE)]: "0x240" }, at: "50m" },
  },
  HushboxBudgetNearlySpent: {
    fires: {
      series: {
        [box("hushbox_defense_budget_used_bytes", KITCHEN)]: "95x60",
        [box("hushbox_defense_budget_left_bytes", KITCHEN)]: "5x60",
      },
      at: "12m",
      labels: { ...BOX, ...KITCHEN },
      value: "95%",
    },
    quiet: {
      series: {
        [box("hushbox_defense_budget_used_bytes", KITCHEN)]: "85x60",
        [box("hushbox_defense_budget_left_bytes", KITCHEN)]: "15x60",
      },
      at: "12m",
    },
  },
  HushboxBudgetSpent: {
    fires: {
      series: { [box("hushbox_defense_decoys_refused_total", { reason: "month" })]: "0+1x20" },
      at: "2m",
      labels: { ...BOX, reason: "month" },
    },
    quiet: { series: { [box("hushbox_defense_decoys_refused_total", { reason: "rate" })]: "0+1x20" }, at: "2m" },
  },
  HushboxDefenseOff: {
    fires: {
      series: { [box("hushbox_defense_enabled", { ...KITCHEN, defense: "pad" })]: "1x10 0x100" },
      at: "20m",
      labels: { ...BOX, ...KITCHEN, defense: "pad" },
    },
    quiet: { series: { [box("hushbox_defense_enabled", { ...KITCHEN, defense: "pad" })]: "0x100" }, at: "20m" },
  },
  HushboxApplySlow: {
    fires: {
      series: {
        [box("hushbox_config_last_apply_seconds")]: "0.25x40",
        [box("hushbox_config_applied_total")]: "1 2x40",
      },
      at: "2m",
      labels: BOX,
      value: "250ms",
    },
    quiet: {
      series: {
        [box("hushbox_config_last_apply_seconds")]: "0.25x40",
        [box("hushbox_config_applied_total")]: "2x40",
      },
      at: "2m",
    },
  },
};

test("the example configuration and the rules are valid", { skip: noPrometheus }, (t) => {
  const config = promtool("check", "config", join(PROMETHEUS, "prometheus.yml"));
  t.equal(config.status, 0, config.said);
  t.match(config.said, `SUCCESS: ${rules.length} rules found`);
  t.end();
});

test("the example asks where the daemon answers", (t) => {
  const text = readFileSync(join(PROMETHEUS, "prometheus.yml"), "utf8");
  const { api } = complete(parseConfig(readFileSync(join(ROOT, "config.example.yaml")), "config.example.yaml").config);
  const config = parse(text) as { scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[] };
  t.match(config.scrape_configs, [{ job_name: BOX.job, static_configs: [{ targets: [api.listen] }] }]);
  t.end();
});

test("every alert says what to do, and how urgent it is", (t) => {
  for (const { alert = "", labels, annotations } of alerts) {
    t.ok(["critical", "warning"].includes(labels?.["severity"] ?? ""), `${alert}: severity`);
    t.match(annotations?.["summary"], /^[A-Z{].*: .+\.$/s, `${alert}: what happened, a colon, what to do`);
    t.match(annotations?.["description"], /\.$/, `${alert}: description`);
    t.notMatch(annotations?.["description"], "{{", `${alert}: what varies stands in the summary`);
  }
  t.same(
    Object.keys(CASES),
    alerts.map((rule) => rule.alert),
    "and is tried below",
  );
  t.end();
});

test("alerts fire when they should, and only then", { skip: noPrometheus }, (t) => {
  const directory = t.testdir({});
  cpSync(RULES_FILE, join(directory, "hushbox.rules.yml"));
  const tests = alerts.flatMap((rule) => {
    const { alert = "" } = rule;
    const { fires, quiet } = tried(alert);
    t.same(metricsOf(quiet), metricsOf(fires), `${alert}: what is near to it is of the same metrics`);
    const one = (name: string, { series, at }: Case, expected: readonly object[]) => ({
      name: `${alert} ${name}`,
      interval: "15s",
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: [{ alertname: alert, eval_time: at, exp_alerts: expected }],
    });
    const said = {
      exp_labels: { ...fires.labels, ...rule.labels },
      exp_annotations: { ...rule.annotations, summary: rendered(rule.annotations?.["summary"] ?? "", fires) },
    };
    return [one("fires", fires, [said]), one("is quiet", quiet, [])];
  });
  const file = join(directory, "test.yml");
  writeFileSync(file, JSON.stringify({ rule_files: ["hushbox.rules.yml"], evaluation_interval: "15s", tests }));
  const { status, said } = promtool("test", "rules", file);
  t.equal(status, 0, said);
  t.end();
});

function tried(alert: string): { fires: Fires; quiet: Case } {
  const found = CASES[alert];
  if (found === undefined) throw new Error(`${alert} is not tried`);
  return found;
}

function metricsOf({ series }: Case): string[] {
  return [...new Set(Object.keys(series).map((name) => name.slice(0, name.indexOf("{"))))];
}

/** The text of an alert as Prometheus fills it in. */
function rendered(template: string, { labels, value }: Fires): string {
  return template
    .replaceAll(/{{ \$labels\.(\w+) }}/g, (_, label: string) => labels[label] ?? "")
    .replaceAll(/{{ \$value[^}]*}}/g, value ?? "no value is expected here");
}
