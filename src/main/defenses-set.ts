import { parse } from "yaml";
import { DEFENSE_NAMES, type DefensesFile } from "../defense/schema.js";
import { HushboxError } from "../errors/hushbox-error.js";

/** Values of defenses from words like `episode.always=true`, as a configuration has them. Whether they make sense is for who uses them to say. Throws `usage`. */
export function defensesSet(words: readonly string[]): DefensesFile {
  const set: Record<string, Record<string, unknown>> = {};
  for (const word of words) {
    const [, name = "", key = "", value = ""] = /^([a-z]+)\.([A-Za-z0-9]+)=(.*)$/.exec(word) ?? [];
    if (!DEFENSE_NAMES.some((known) => known === name))
      throw new HushboxError(
        "usage",
        `--set is NAME.KEY=VALUE with a name of ${DEFENSE_NAMES.join(", ")}, not "${word}"`,
      );
    set[name] = { ...set[name], [key]: valueOf(value, word) };
  }
  return set;
}

function valueOf(text: string, word: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (cause) {
    throw new HushboxError("usage", `the value of "${word}" cannot be read`, cause);
  }
}
