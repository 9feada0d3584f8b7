import { checkConfig } from "./check-config.js";
import type { Config } from "./schema.js";
import { strictYaml } from "./strict-yaml.js";

/** More is no configuration but an accident. */
const MAX_BYTES = 1024 * 1024;

/** Reads a configuration's text. Throws `config-invalid` with one line `name:line:column /path message` for each thing wrong. */
export function parseConfig(bytes: Uint8Array, name: string): { text: string; config: Config } {
  const { text, value } = strictYaml(bytes, name, {
    code: "config-invalid",
    noun: "a configuration",
    empty: "it needs at least inside, outside and devices",
    maxBytes: MAX_BYTES,
    check: checkConfig,
  });
  return { text, config: value as Config };
}
