import { join } from "node:path";
import { ROOT } from "./generated.js";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Fields = Record<string, Json>;

/** The dashboards that are shipped. */
export const DASHBOARDS = [join(ROOT, "deploy/grafana/hushbox.json")] as const;

/** A panel as far as tests look at it. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

/** Everything in a dashboard that asks Prometheus. */
export interface Dashboard {
  readonly panels: readonly Panel[];
  /** Queries of the menus at the top, by name. */
  readonly variables: Readonly<Record<string, string>>;
  readonly annotations: readonly string[];
  readonly schemaVersion: number;
}

/** Reads a dashboard; rows are panels without targets. */
export function readDashboard(text: string): Dashboard {
  const dashboard = JSON.parse(text) as Fields;
  const panels = list(dashboard["panels"]).flatMap((panel) => [panel, ...list(panel["panels"])]);
  const variables = list(fields(dashboard["templating"])["list"]).filter((variable) => variable["type"] === "query");
  return {
    panels: panels.map((panel) => ({
      id: Number(panel["id"]),
      type: word(panel["type"]),
      title: word(panel["title"]),
      description: word(panel["description"]),
      unit: word(fields(fields(panel["fieldConfig"])["defaults"])["unit"]),
      gridPos: panel["gridPos"] as unknown as Panel["gridPos"],
      targets: list(panel["targets"]).map((target) => ({
        refId: word(target["refId"]),
        expr: word(target["expr"]),
        legendFormat: word(target["legendFormat"]),
      })),
    })),
    variables: Object.fromEntries(variables.map((v) => [word(v["name"]), word(fields(v["query"])["query"])])),
    annotations: list(fields(dashboard["annotations"])["list"])
      .map((annotation) => word(fields(annotation["target"])["expr"]))
      .filter((expr) => expr !== ""),
    schemaVersion: Number(dashboard["schemaVersion"]),
  };
}

function word(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** A query as Grafana would send it: its variables filled in. `step` is the interval of rates. */
export function filled(
  query: string,
  variables: Readonly<Record<string, string>>,
  { step = "1m", range = "5m" }: { step?: string; range?: string } = {},
): string {
  const all: Readonly<Record<string, string>> = { __rate_interval: step, __range: range, ...variables };
  return query.replaceAll(/\$(\w+)/g, (name, key: string) => {
    const value = all[key];
    if (value === undefined) throw new Error(`${query}: nothing is known of ${name}`);
    return value;
  });
}

/** An object, or none. */
export function fields(value: Json | undefined): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

/** A list of objects, or none. */
export function list(value: Json | undefined): Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}
