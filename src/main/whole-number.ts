import { HushboxError } from "../errors/hushbox-error.js";

/** The whole number, `least` or more, that an option was given; else a usage error. */
export function wholeNumber(option: string, given: string, least: number): number {
  const number = Number(given);
  if (/^[0-9]{1,15}$/.test(given) && number >= least) return number;
  throw new HushboxError("usage", `--${option} is a whole number from ${String(least)}, not "${given}"`);
}
