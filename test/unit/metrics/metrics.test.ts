import { test } from "tap";
import { Counters, DELAY_BOUNDS, LATENESS_BOUNDS } from "../../../src/datapath/counters.js";
import { PRESETS } from "../../../src/defense/presets.js";
import { Metrics } from "../../../src/metrics/metrics.js";
import { overhead } from "../../../src/metrics/overhead.js";
import { quantile } from "../../../src/metrics/quantile.js";
import { histogram } from "../../../src/metrics/reading.js";
import { DatapathTwin } from "../../support/datapath-twin.js";

const OPTIONS = {
  devices: [{ name: "kitchen", mac: "aa:bb:cc:dd:ee:ff", ...PRESETS.paper }],
  local: [],
  delayLocal: false,
  isolate: false,
};

function running(): { twin: DatapathTwin; metrics: Metrics } {
  const twin = new DatapathTwin(OPTIONS);
  const metrics = new Metrics({
    version: "1.2.3",
    counters: () => twin.counters,
    devices: () => twin.devices(),
    tunnel: () => null,
    options: () => OPTIONS,
    turning: () => true,
    guarded: () => false,
    lastApply: () => 0.004,
    eventClients: () => 2,
  });
  return { twin, metrics };
}

/** Samples by their text up to the value. */
async function scraped(metrics: Metrics): Promise<Map<string, number>> {
  const { text } = await metrics.scrape();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

test("every metric that is exported", async (t) => {
  const { metrics } = running();
  t.same(
    metrics.notes.map((note) => note.name),
    [
      "hushbox_datapath_packets_in_total",
      "hushbox_datapath_bytes_in_total",
      "hushbox_datapath_packets_total",
      "hushbox_datapath_bytes_total",
      "hushbox_datapath_overhead_bytes_ratio",
      "hushbox_datapath_overhead_packets_ratio",
      "hushbox_datapath_added_delay_seconds",
      "hushbox_datapath_lateness_seconds",
      "hushbox_datapath_drops_total",
      "hushbox_datapath_delayed_packets_total",
      "hushbox_datapath_local_packets_total",
      "hushbox_datapath_between_packets_total",
      "hushbox_datapath_unknown_packets_total",
      "hushbox_datapath_swallowed_packets_total",
      "hushbox_datapath_held_packets",
      "hushbox_datapath_checksums_completed_total",
      "hushbox_datapath_turns_total",
      "hushbox_datapath_turning",
      "hushbox_flow_flows",
      "hushbox_flow_evicted_total",
      "hushbox_defense_enabled",
      "hushbox_defense_decoys_total",
      "hushbox_defense_decoys_refused_total",
      "hushbox_defense_padded_packets_total",
      "hushbox_defense_padded_bytes_total",
      "hushbox_defense_given_up_total",
      "hushbox_defense_mechanisms_off",
      "hushbox_defense_cleaned_total",
      "hushbox_defense_budget_left_bytes",
      "hushbox_defense_budget_used_bytes",
      "hushbox_nic_received_packets_total",
      "hushbox_nic_sent_packets_total",
      "hushbox_nic_dropped_packets_total",
      "hushbox_nic_no_slot_packets_total",
      "hushbox_nic_refused_packets_total",
      "hushbox_nic_oversize_packets_total",
      "hushbox_nic_partial_checksum_packets_total",
      "hushbox_nic_downs_total",
      "hushbox_nic_up",
      "hushbox_datapath_take_over_armed",
      "hushbox_datapath_take_over_isolated",
      "hushbox_datapath_take_over_since_seconds",
      "hushbox_datapath_take_over_lapses_total",
      "hushbox_datapath_take_over_stale_packets_total",
      "hushbox_datapath_take_over_guarded",
      "hushbox_tunnel_state",
      "hushbox_tunnel_peers",
      "hushbox_tunnel_problem",
      "hushbox_tunnel_handshake_age_seconds",
      "hushbox_tunnel_handshakes_total",
      "hushbox_tunnel_endpoint_changes_total",
      "hushbox_tunnel_clock_jumps_total",
      "hushbox_tunnel_repairs_total",
      "hushbox_tunnel_packet_bytes",
      "hushbox_tunnel_far_decoys_total",
      "hushbox_tunnel_slots_total",
      "hushbox_tunnel_slots_missed_total",
      "hushbox_tunnel_heartbeats_total",
      "hushbox_tunnel_carriers_total",
      "hushbox_tunnel_carriers_lost_total",
      "hushbox_tunnel_episodes_total",
      "hushbox_tunnel_decoy_episodes_refused_total",
      "hushbox_tunnel_episodes_running",
      "hushbox_tunnel_level",
      "hushbox_tunnel_waiting_packets",
      "hushbox_tunnel_waiting_bytes",
      "hushbox_tunnel_lateness_load_ratio",
      "hushbox_build_info",
      "hushbox_config_applied_total",
      "hushbox_config_last_apply_seconds",
      "hushbox_api_event_clients",
      "process_cpu_seconds_total",
      "process_resident_memory_bytes",
      "nodejs_heap_size_used_bytes",
      "process_start_time_seconds",
      "process_open_fds",
    ],
  );
  const { text } = await metrics.scrape();
  for (const { name, type, help, labels } of metrics.notes) {
    t.match(text, `# TYPE ${name} ${type}\n`);
    t.match(name, /^(hushbox_(datapath|flow|defense|nic|tunnel|config|api|build)|process|nodejs)_[a-z_]+$/);
    t.equal(name.endsWith("_total"), type === "counter", `${name}: counters and only they end in _total`);
    t.match(help, /^[A-Z1].*\.$/, `${name}: the help is a sentence`);
    const lines = text.split("\n").filter((line) => new RegExp(`^${name}(_bucket|_sum|_count)?[ {]`).test(line));
    t.ok(lines.length > 0, `${name} has samples while the datapath runs`);
    for (const line of lines) {
      for (const [, label = "", value = ""] of line.matchAll(/([a-z]+)="([^"]*)"/g)) {
        const allowed = label === "le" && type === "histogram" ? value : labels?.[label];
        t.ok(typeof allowed === "string" || allowed?.includes(value), `${line}: a label of the closed set`);
      }
    }
  }
});

test("counters arrive under their names", async (t) => {
  const { twin, metrics } = running();
  const expected: readonly (readonly [counter: string, sample: string])[] = [
    ["up.packets_in", 'hushbox_datapath_packets_in_total{direction="up"}'],
    ["down.packets_out", 'hushbox_datapath_packets_total{direction="down",kind="real"}'],
    ["up.decoy_packets", 'hushbox_datapath_packets_total{direction="up",kind="decoy"}'],
    ["up.bytes_out", 'hushbox_datapath_bytes_total{direction="up",kind="real"}'],
    ["up.padding_bytes", 'hushbox_datapath_bytes_total{direction="up",kind="padding"}'],
    ["down.decoy_bytes", 'hushbox_datapath_bytes_total{direction="down",kind="decoy"}'],
    ["up.drop_queue-full", 'hushbox_datapath_drops_total{direction="up",reason="queue-full"}'],
    ["down.swallowed_packets", 'hushbox_datapath_swallowed_packets_total{direction="down"}'],
    ["decoys_traceroute", 'hushbox_defense_decoys_total{kind="traceroute"}'],
    ["decoys_refused_month", 'hushbox_defense_decoys_refused_total{reason="month"}'],
    ["decoys_refused_destination", 'hushbox_defense_decoys_refused_total{reason="destination"}'],
    ["inside.noSlot", 'hushbox_nic_no_slot_packets_total{side="inside"}'],
    ["outside.partialChecksum", 'hushbox_nic_partial_checksum_packets_total{side="outside"}'],
    ["flows", "hushbox_flow_flows"],
    ["applied", "hushbox_config_applied_total"],
  ];
  expected.forEach(([counter], i) => {
    twin.set(counter, 1000 + i);
  });
  // Lateness 1 and 3 µs where 0 and 100 bytes waited.
  for (const [sum, value] of Object.entries({ n: 2, late: 4, late2: 10, load: 100, load2: 1e4, both: 300 }))
    twin.set(`slot_${sum}`, value);
  twin.state = { month: "2026-11", bytes: { "aa:bb:cc:dd:ee:ff": 5e8 } };
  const samples = await scraped(metrics);
  expected.forEach(([counter, sample], i) => t.equal(samples.get(sample), 1000 + i, `${counter} is ${sample}`));
  t.equal(samples.get('hushbox_defense_enabled{device="kitchen",defense="jitter"}'), 1);
  t.equal(samples.get('hushbox_defense_budget_left_bytes{device="kitchen"}'), 15e8);
  t.equal(samples.get('hushbox_defense_budget_used_bytes{device="kitchen"}'), 5e8);
  t.equal(samples.get("hushbox_config_last_apply_seconds"), 0.004);
  t.equal(samples.get("hushbox_api_event_clients"), 2);
  t.equal(samples.get("hushbox_tunnel_lateness_load_ratio"), 1);
  t.equal(samples.get(`hushbox_build_info{version="1.2.3",node="${process.versions.node}"}`), 1);
  t.equal(samples.get('hushbox_datapath_overhead_bytes_ratio{direction="up"}'), overhead(twin.counters, "up").bytes);
});

test("every counter of the datapath is exported somewhere", async (t) => {
  const { twin, metrics } = running();
  const silent: string[] = [];
  for (const name of Object.keys(twin.counters.snapshot())) {
    if (["last_turn_us", "budget_month_bytes", "take_over_since_us", "tunnel_spent"].includes(name)) continue;
    if (name.startsWith("slot_")) continue;
    twin.set(name, 123457);
    const { text } = await metrics.scrape();
    if (!/ (123457|0\.123457)\n/.test(text)) silent.push(name);
    twin.set(name, 0);
  }
  t.same(
    silent,
    [],
    "last_turn_us shows as turning, budget_month_bytes by device, take_over_since_us by the calendar, tunnel_spent as a problem, slot_ as a correlation",
  );
  twin.set("take_over_since_us", Number(process.hrtime.bigint() / 1000n) - 60e6);
  const since = (await scraped(metrics)).get("hushbox_datapath_take_over_since_seconds") ?? 0;
  t.ok(Math.abs(Date.now() / 1e3 - 60 - since) < 30);
});

test("a histogram is cumulative, in seconds, and ends with its count", async (t) => {
  const { twin, metrics } = running();
  twin.set("up.delay.0", 3); // up to 10 µs
  twin.set("up.delay.9", 2); // up to 10 ms
  twin.set(`up.delay.${DELAY_BOUNDS.length}`, 1);
  twin.set("up.delay.sum", 2_500_000);
  twin.set("down.lateness.0", 4);
  const samples = await scraped(metrics);
  const at = (le: string) => samples.get(`hushbox_datapath_added_delay_seconds_bucket{direction="up",le="${le}"}`);
  t.equal(at("0.00001"), 3);
  t.equal(at("0.005"), 3);
  t.equal(at("0.01"), 5);
  t.equal(at("1"), 5);
  t.equal(at("+Inf"), 6);
  t.equal(samples.get('hushbox_datapath_added_delay_seconds_count{direction="up"}'), 6);
  t.equal(samples.get('hushbox_datapath_added_delay_seconds_sum{direction="up"}'), 2.5);
  t.equal(samples.get('hushbox_datapath_lateness_seconds_bucket{direction="down",le="0.000001"}'), 4);
  const lines = histogram({}, LATENESS_BOUNDS, new Counters().histogram("up", "lateness").buckets, 0);
  t.equal(lines.length, LATENESS_BOUNDS.length + 3);
  t.ok(
    lines.every(({ labels }) => !/e/.test((labels["le"] ?? "").replace("+Inf", ""))),
    "no bound is written with an exponent",
  );
});

test("before the datapath runs there is no number that it did not count", async (t) => {
  const metrics = new Metrics({
    version: "1.2.3",
    counters: () => null,
    devices: () => Promise.resolve([]),
    options: () => OPTIONS,
    turning: () => false,
    guarded: () => false,
    tunnel: () => null,
    lastApply: () => null,
    eventClients: () => 0,
  });
  const samples = await scraped(metrics);
  t.equal(samples.get("hushbox_datapath_turning"), 0);
  t.notOk([...samples.keys()].some((name) => name.startsWith("hushbox_datapath_packets")));
});

test("quantiles from buckets", (t) => {
  t.equal(quantile(0.5, [10, 20], [0, 0, 0]), null, "nothing counted");
  t.equal(quantile(0.5, [10, 20], [10, 0, 0]), 5, "by straight line inside the bucket");
  t.equal(quantile(0.99, [10, 20], [50, 50, 0]), 19.8);
  t.equal(quantile(1, [10, 20], [1, 0, 1]), 20, "beyond the last bound there is only the bound");
  t.equal(quantile(0, [10, 20], [0, 4, 0]), 10);
  t.end();
});

test("overhead of nothing is nothing", (t) => {
  const counters = new Counters();
  t.same(overhead(counters, "up"), { bytes: 0, packets: 0 });
  counters.values[Counters.index("up.bytes_out")] = 1000;
  counters.values[Counters.index("up.packets_out")] = 10;
  counters.values[Counters.index("up.padding_bytes")] = 250;
  counters.values[Counters.index("up.decoy_bytes")] = 250;
  counters.values[Counters.index("up.decoy_packets")] = 4;
  t.same(overhead(counters, "up"), { bytes: 0.5, packets: 0.4 });
  t.end();
});
