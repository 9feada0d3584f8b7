import { ConfigSchema, type Config } from "./schema.js";

type Section<K extends "local" | "tunnel" | "nic" | "api" | "log"> = Required<NonNullable<Config[K]>>;

/** A configuration with every default in its place; defenses and budgets are the preset's affair and stay as written. */
export interface CompleteConfig extends Config {
  preset: NonNullable<Config["preset"]>;
  onFailure: NonNullable<Config["onFailure"]>;
  isolate: NonNullable<Config["isolate"]>;
  local: Section<"local">;
  role: NonNullable<Config["role"]>;
  tunnel: Section<"tunnel">;
  nic: Section<"nic">;
  api: Section<"api">;
  state: string;
  log: Section<"log">;
}

interface Node {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
}

/** Fills in the schema's defaults; what is written stays. */
export function complete(config: Config): CompleteConfig {
  return filled(ConfigSchema as unknown as Node, config) as unknown as CompleteConfig;
}

function filled(schema: Node, value: object): Record<string, unknown> {
  const result: Record<string, unknown> = { ...value };
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    const now = result[key];
    if (child.properties !== undefined) {
      const inner = filled(child, now ?? {});
      if (now !== undefined || Object.keys(inner).length > 0) result[key] = inner;
    } else if (now === undefined && child.default !== undefined) {
      result[key] = structuredClone(child.default);
    }
  }
  return result;
}
