import { fields, list, type Fields, type Json } from "./dashboard.js";

/** Every panel asks the data source that the person has chosen at the top. */
const SOURCE: Fields = { type: "prometheus", uid: "${datasource}" };

/** What Grafana adds on export, and what only holds in the Grafana where it was made: of the dashboard, and of a panel. */
const TRANSIENT = new Set(["__elements", "__inputs", "__requires", "gnetId", "iteration", "style", "version"]);
const TRANSIENT_IN_PANEL = new Set(["pluginVersion"]);

/** What a person looks for first stands first; the rest by the alphabet. */
const FIRST = ["id", "uid", "type", "title", "name", "label", "description", "gridPos", "datasource", "refId", "expr"];
const LAST = ["annotations", "templating", "panels"];
/** Columns of a line. */
const WIDTH = 110;

/**
 * A dashboard in the one form in which it is kept, so that a diff shows what a person changed in Grafana and nothing else: no traces of the
 * Grafana it was exported from, panels in reading order, keys in order.
 */
export function normalised(text: string): string {
  const dashboard = JSON.parse(text) as Fields;
  const { panels, templating, ...rest } = dashboard;
  const result = {
    ...without(rest, TRANSIENT),
    id: null,
    panels: numbered(list(panels)).map((panel) => sourced(panel)),
    templating: { list: list(fields(templating)["list"]).map(unchosen) },
  };
  return `${written(ordered(result), 0)}\n`;
}

/** Panels in reading order. An id stays, so that links to a panel do; where there is none, or it is taken, it is the next free one. */
function numbered(panels: readonly Fields[]): Fields[] {
  const place = (panel: Fields, axis: "x" | "y"): number => Number(fields(panel["gridPos"])[axis] ?? 0);
  const inOrder = [...panels].sort((a, b) => place(a, "y") - place(b, "y") || place(a, "x") - place(b, "x"));
  const taken = new Set<Json>();
  let next = Math.max(0, ...panels.map((panel) => Number(panel["id"] ?? 0))) + 1;
  return inOrder.map((panel) => {
    const own = panel["id"] ?? null;
    const id = own === null || taken.has(own) ? next++ : own;
    taken.add(id);
    return { ...without(panel, TRANSIENT_IN_PANEL), id };
  });
}

function sourced(panel: Fields): Fields {
  if (panel["type"] === "row") {
    return { ...panel, panels: list(panel["panels"]).map(sourced) };
  }
  return {
    ...panel,
    datasource: SOURCE,
    targets: list(panel["targets"]).map((target) => ({ ...target, datasource: SOURCE })),
  };
}

/** A variable without what somebody had chosen when it was exported. */
function unchosen(variable: Fields): Fields {
  const current: Fields = variable["includeAll"] === true ? { selected: true, text: ["All"], value: ["$__all"] } : {};
  const source = variable["type"] === "query" ? { datasource: SOURCE } : {};
  return { ...variable, ...source, options: [], current };
}

function without(value: Fields, keys: ReadonlySet<string>): Fields {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.has(key)));
}

function ordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== "object") return typeof value === "string" ? value.trim() : value;
  const rank = (key: string): number =>
    FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length + (LAST.includes(key) ? 1 + LAST.indexOf(key) : 0);
  const keys = Object.keys(value).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return Object.fromEntries(keys.map((key) => [key, ordered(value[key] ?? null)]));
}

/** JSON with what fits on a line on one line: a place or a colour is read, and changes, as a whole. */
function written(value: Json, indent: number): string {
  const flat = JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, " ");
  if (typeof value !== "object" || value === null || flat.length + indent <= WIDTH) return flat;
  const inner = " ".repeat(indent + 2);
  const lines = Array.isArray(value)
    ? value.map((item) => `${inner}${written(item, indent + 2)}`)
    : Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${written(item, indent + 2)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open ?? ""}\n${lines.join(",\n")}\n${" ".repeat(indent)}${close ?? ""}`;
}
