import { readdirSync } from "node:fs";
import { Reading, single } from "./reading.js";
import type { MetricsSource } from "./source.js";

/** The daemon itself: what it is, its last change, and what it takes of the machine. The process_* and nodejs_* names are the convention. */
export function processMetrics(source: MetricsSource): Reading[] {
  const started = Date.now() / 1e3 - process.uptime();
  return [
    new Reading(
      {
        name: "hushbox_build_info",
        type: "gauge",
        help: "Always 1; the labels say what runs.",
        labels: { version: "of hushbox", node: "of Node" },
      },
      () => [{ labels: { version: source.version, node: process.versions.node }, value: 1 }],
    ),
    new Reading(
      { name: "hushbox_config_applied_total", type: "counter", help: "Configuration changes that packets have seen." },
      () => {
        const counters = source.counters();
        return counters === null ? [] : single(counters.read("applied"));
      },
    ),
    new Reading(
      {
        name: "hushbox_config_last_apply_seconds",
        type: "gauge",
        help: "How long the last configuration change took until packets saw it.",
      },
      () => {
        const seconds = source.lastApply();
        return seconds === null ? [] : single(seconds);
      },
    ),
    new Reading({ name: "hushbox_api_event_clients", type: "gauge", help: "Clients of the event stream now." }, () =>
      single(source.eventClients()),
    ),
    new Reading(
      { name: "process_cpu_seconds_total", type: "counter", help: "Processor time of all threads, user and system." },
      () => {
        const { user, system } = process.cpuUsage();
        return single((user + system) / 1e6);
      },
    ),
    new Reading({ name: "process_resident_memory_bytes", type: "gauge", help: "Memory in use." }, () =>
      single(process.memoryUsage.rss()),
    ),
    new Reading(
      { name: "nodejs_heap_size_used_bytes", type: "gauge", help: "JavaScript heap of the main thread in use." },
      () => single(process.memoryUsage().heapUsed),
    ),
    new Reading(
      { name: "process_start_time_seconds", type: "gauge", help: "When the process began, in seconds since 1970." },
      () => single(started),
    ),
    new Reading({ name: "process_open_fds", type: "gauge", help: "Open file descriptors." }, () =>
      single(readdirSync("/proc/self/fd").length),
    ),
  ];
}
