import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { quantityOf } from "../defense/quantity.js";
import { nearest } from "./nearest.js";
import { pointer, type Problem } from "./problem.js";

/**
 * The one way in which hushbox validates: nothing is coerced, nothing is dropped, everything wrong is found. The API uses the
 * same for bodies and queries, because Fastify's own settings would silently remove a misspelt key.
 */
export function newAjv(): Ajv {
  const ajv = new Ajv({
    allErrors: true,
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: false,
    verbose: true,
    allowUnionTypes: true,
  });
  ajv.addKeyword({
    keyword: "x-between",
    type: "string",
    validate: (bounds: [string, string], text: string, parent?: { readonly [key: string]: unknown }) =>
      within(text, bounds, parent?.["pattern"] as string),
  });
  return ajv;
}

/** Text that is no quantity (`mtu`, or what the pattern has refused already) has no bounds. */
function within(text: string, [low, high]: [string, string], pattern: string): boolean {
  const value = quantityOf(pattern, text);
  return value === null || (value >= (quantityOf(pattern, low) ?? 0) && value <= (quantityOf(pattern, high) ?? 0));
}

/** Everything wrong with a value by its schema, in words. */
export function problemsOf(validate: ValidateFunction, value: unknown): Problem[] {
  return validate(value) ? [] : problemsFrom(validate.errors ?? []);
}

/** Ajv's findings in words. */
export function problemsFrom(errors: readonly ErrorObject[]): Problem[] {
  return errors.map(explain);
}

interface Described {
  type?: string | readonly string[];
  title?: string;
  description?: string;
  examples?: readonly unknown[];
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Described>;
}

function explain(error: ErrorObject): Problem {
  const path = error.instancePath;
  const schema = (error.parentSchema ?? {}) as Described;
  const params = error.params as Record<string, unknown>;
  const got = `got ${shown(error.data)}`;
  switch (error.keyword) {
    case "additionalProperties": {
      const key = String(params["additionalProperty"]);
      const known = Object.keys(schema.properties ?? {});
      const meant = nearest(key, known);
      const hint = meant === null ? `known here: ${known.join(", ")}` : `did you mean ${JSON.stringify(meant)}?`;
      return { path: pointer(path, key), message: `unknown key ${JSON.stringify(key)}; ${hint}`, atKey: true };
    }
    case "required": {
      const key = String(params["missingProperty"]);
      const what = schema.properties?.[key]?.description;
      return { path, message: `${JSON.stringify(key)} is missing${what === undefined ? "" : `: ${what}`}` };
    }
    case "enum": {
      const allowed = (params["allowedValues"] as unknown[]).map(String);
      const meant = typeof error.data === "string" ? nearest(error.data, allowed) : null;
      const hint = meant === null ? "" : `; did you mean ${JSON.stringify(meant)}?`;
      return { path, message: `expected one of ${allowed.join(", ")}, ${got}${hint}` };
    }
    case "type":
    case "pattern":
      return { path, message: `expected ${expectation(schema)}, ${got}` };
    case "x-between": {
      const [low, high] =
        params["bounds"] === undefined ? (error.schema as [string, string]) : (params["bounds"] as [string, string]);
      return { path, message: `expected ${schema.title ?? "a value"} from ${low} to ${high}, ${got}` };
    }
    case "minimum":
    case "maximum":
      return {
        path,
        message: `expected a number from ${schema.minimum ?? "any"} to ${schema.maximum ?? "any"}, ${got}`,
      };
    case "multipleOf":
      return { path, message: `expected a multiple of ${String(params["multipleOf"])}, ${got}` };
    case "minItems":
      return { path, message: `expected at least ${String(params["limit"])}, got none` };
    case "maxItems":
      return {
        path,
        message: `expected at most ${String(params["limit"])}, got ${String((error.data as unknown[]).length)}`,
      };
    case "uniqueItems":
      return {
        path: pointer(path, String(params["i"])),
        message: `is there already, as number ${String(Number(params["j"]) + 1)}`,
      };
    default:
      return { path, message: error.message ?? error.keyword };
  }
}

const TYPES: Record<string, string> = {
  object: "an object (keys and values)",
  array: "a list",
  string: "a text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
};

function expectation(schema: Described): string {
  const example = schema.examples?.[0];
  const { type = "", title } = schema;
  const what = typeof type !== "string" ? title : type === "string" ? (title ?? TYPES[type]) : TYPES[type];
  return typeof example === "string" ? `${what ?? "another type"} such as ${example}` : (what ?? "another type");
}

/** A value for a message: short, and of one line. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
