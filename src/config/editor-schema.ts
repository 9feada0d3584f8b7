import { ConfigSchema } from "./schema.js";

/** The configuration's JSON schema as a file for editors: completion and red lines while typing. */
export function editorSchema(): string {
  const schema = { $schema: "http://json-schema.org/draft-07/schema#", ...ConfigSchema };
  return `${JSON.stringify(schema, (key, value: unknown) => (key.startsWith("x-") ? undefined : value), 2)}\n`;
}
