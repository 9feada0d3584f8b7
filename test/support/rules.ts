import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT } from "./generated.js";

/** A rule as Prometheus reads it; `alert` or `record` names it. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A file of rules. */
export interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

/** Where the shipped rules lie. */
export const RULES_FILE = join(ROOT, "deploy/prometheus/hushbox.rules.yml");

/** The shipped rules. */
export function readRules(): Rules {
  return parse(readFileSync(RULES_FILE, "utf8")) as Rules;
}

/** The rules of all groups in one list. */
export function all(rules: Rules): Rule[] {
  return rules.groups.flatMap((group) => group.rules);
}
