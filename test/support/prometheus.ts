import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Laboratory } from "../../src/emulator/laboratory.js";
import { Child } from "../bench/child.js";
import { askInside } from "./ask-inside.js";
import { ROOT } from "./generated.js";
import { readRules } from "./rules.js";

const URL = "http://127.0.0.1:9090";

/** One line of a range query. */
export interface Line {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** An alert as Prometheus has it. */
export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
}

/** A real Prometheus in the box's namespace, with the shipped configuration and rules in a hurry: scraped every two seconds, and alerts after two. */
export class Prometheus {
  readonly #laboratory: Laboratory;
  readonly child: Child;

  private constructor(laboratory: Laboratory, child: Child) {
    this.#laboratory = laboratory;
    this.child = child;
  }

  /** Starts it with its files under `directory`; resolves when it answers. */
  static async start(laboratory: Laboratory, directory: string): Promise<Prometheus> {
    const config = parse(readFileSync(join(ROOT, "deploy/prometheus/prometheus.yml"), "utf8")) as object;
    // The daemon waits up to 1.5 s for a loop that does not answer.
    const hurried = { ...config, global: { scrape_interval: "2s", scrape_timeout: "2s", evaluation_interval: "1s" } };
    const rules = readRules().groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => (rule.for === undefined ? rule : { ...rule, for: "2s" })),
    }));
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "prometheus.yml"), JSON.stringify(hurried));
    writeFileSync(join(directory, "hushbox.rules.yml"), JSON.stringify({ groups: rules }));
    const child = new Child(laboratory.namespaces.box, "prometheus", [
      `--config.file=${join(directory, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(directory, "tsdb")}`,
      "--web.listen-address=127.0.0.1:9090",
      "--log.level=warn",
    ]);
    const prometheus = new Prometheus(laboratory, child);
    const answers = async (): Promise<boolean> => (await prometheus.#ask(["/-/ready"]))[0]?.status === 200;
    await child.until(answers, "answer", 30_000);
    return prometheus;
  }

  /** Lines of each expression from `seconds` ago until now. Throws where one is not understood. */
  async ranges(expressions: readonly string[], seconds: number): Promise<Line[][]> {
    const now = Date.now() / 1e3;
    const paths = expressions.map(
      (query) =>
        `/api/v1/query_range?${new URLSearchParams({ query, start: String(now - seconds), end: String(now), step: "2" }).toString()}`,
    );
    const found = await this.#data<{ result: Line[] }>(paths);
    return found.map(({ result }) => result);
  }

  /** The value of an expression now; null where it has none, or several. */
  async value(query: string): Promise<number | null> {
    const path = `/api/v1/query?${new URLSearchParams({ query }).toString()}`;
    const [data] = await this.#data<{ result: { value: [number, string] }[] }>([path]);
    return data?.result.length === 1 ? Number(data.result[0]?.value[1]) : null;
  }

  /** Values of a label over the series of a selector: what a menu of the dashboard shows. */
  async labelValues(label: string, selector: string): Promise<string[]> {
    const path = `/api/v1/label/${label}/values?${new URLSearchParams({ "match[]": selector }).toString()}`;
    return (await this.#data<string[]>([path]))[0] ?? [];
  }

  /** Why the last scrape or evaluation of a rule failed, where one did. */
  async faults(): Promise<string[]> {
    const [targets] = await this.#data<{ activeTargets: { lastError: string }[] }>(["/api/v1/targets"]);
    const [rules] = await this.#data<{ groups: { rules: { name: string; lastError?: string }[] }[] }>([
      "/api/v1/rules",
    ]);
    return [
      ...(targets?.activeTargets ?? []).map(({ lastError }) => lastError),
      ...(rules?.groups ?? []).flatMap((group) => group.rules.map(({ lastError }) => lastError ?? "")),
    ].filter((fault) => fault !== "");
  }

  async alerts(): Promise<Alert[]> {
    return (await this.#data<{ alerts: Alert[] }>(["/api/v1/alerts"]))[0]?.alerts ?? [];
  }

  async #data<T>(paths: readonly string[]): Promise<T[]> {
    const answers = await this.#ask(paths);
    return answers.map(({ status, text }, i) => {
      if (status !== 200) throw new Error(`Prometheus says ${status} to ${paths[i] ?? ""}: ${text}`);
      return (JSON.parse(text) as { data: T }).data;
    });
  }

  #ask(paths: readonly string[]) {
    return askInside(
      this.#laboratory,
      "box",
      paths.map((path) => ({ url: `${URL}${path}` })),
    );
  }
}
