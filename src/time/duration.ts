import { micros, type Micros } from "./micros.js";

/** A duration with its unit, as it stands in a configuration: `60us`, `20ms`, `1.5s`, `10min`, `2h`, `1d`. */
export const DURATION_PATTERN = "^(0|[0-9]+(\\.[0-9]+)?(us|ms|s|min|h|d))$";

const FACTORS: Record<string, number> = { us: 1, ms: 1e3, s: 1e6, min: 60e6, h: 3600e6, d: 86400e6 };

/** Reads a duration that matches DURATION_PATTERN; null where it does not. */
export function parseDuration(text: string): Micros | null {
  const found = /^([0-9]+(?:\.[0-9]+)?)(us|ms|s|min|h|d)?$/.exec(text);
  if (found === null) return null;
  const [, digits = "", unit] = found;
  const value = Number(digits);
  if (unit === undefined) return value === 0 ? micros(0) : null;
  return micros(value * (FACTORS[unit] ?? NaN));
}

/** Writes a duration in the largest unit in which it is whole: `20ms`, `1500ms`, `2s`; what parseDuration reads back. */
export function formatDuration(span: Micros): string {
  if (span === 0) return "0";
  const unit = ["d", "h", "min", "s", "ms"].find((name) => Number.isInteger(span / (FACTORS[name] ?? NaN))) ?? "us";
  return `${span / (FACTORS[unit] ?? NaN)}${unit}`;
}
