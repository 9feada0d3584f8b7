import { HushboxError } from "../errors/hushbox-error.js";

/** The value that an option was given, if it is one of those that it may have; else a usage error. */
export function oneOf<T extends string>(option: string, values: readonly T[], given: string): T {
  const found = values.find((value) => value === given);
  if (found !== undefined) return found;
  throw new HushboxError("usage", `--${option} is one of ${values.join(", ")}, not "${given}"`);
}
