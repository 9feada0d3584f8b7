import { join } from "node:path";
import { editorSchema } from "../../src/config/editor-schema.js";
import { Metrics } from "../../src/metrics/metrics.js";
import { metricsReference } from "../../src/metrics/reference.js";

/** The project's root, seen from `build/test/support`. */
export const ROOT = join(import.meta.dirname, "../../..");

/** What each exported metric is, read from metrics that measure nothing. */
export const NOTES = new Metrics({
  version: "",
  counters: () => null,
  devices: () => Promise.resolve([]),
  options: () => ({ devices: [], local: [], delayLocal: false, isolate: false }),
  turning: () => false,
  guarded: () => false,
  tunnel: () => null,
  lastApply: () => null,
  eventClients: () => 0,
}).notes;

/** Files that are made from code, and how; tests hold them against it. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "deploy/config.schema.json": editorSchema,
  "docs/metrics.md": () => metricsReference(NOTES),
};
