import { Type } from "typebox";
import { formatSize, parseSize, SIZE_PATTERN } from "../packet/size.js";
import { DURATION_PATTERN, formatDuration, parseDuration } from "../time/duration.js";
import { micros, type Micros } from "../time/micros.js";

/**
 * The text forms of quantities in a configuration: one JSON schema kind and one codec each. `title` and the first of
 * `examples` make the sentence of an error; `x-between` names the bounds in the same text form, inclusive.
 */
export interface QuantityNote {
  readonly description: string;
  /** What applies where the key is absent; none for what a preset decides. */
  readonly default?: string;
  readonly between: readonly [string, string];
}

/** Reads a value as it stands in a configuration, and writes it so. `read` may rely on the schema having accepted the value. */
export interface Codec<File, Inside> {
  read(file: File): Inside;
  show(inside: Inside): File;
}

/** Text that a schema has accepted, in numbers. */
function accepted(value: number | null): number {
  return value ?? NaN;
}

/** `20ms`. */
export const DURATION: Codec<string, Micros> = {
  read: (text) => micros(accepted(parseDuration(text))),
  show: formatDuration,
};

/** `1514B`, `100kB`. */
export const SIZE: Codec<string, number> = { read: (text) => accepted(parseSize(text)), show: formatSize };

/** `2GB/month`. */
export const SIZE_PER_MONTH: Codec<string, number> = {
  read: (text) => accepted(parseSize(text.replace(/\/month$/, ""))),
  show: (bytes) => `${formatSize(bytes)}/month`,
};

/** A value that is the same inside and in the file. */
export function plain<T>(): Codec<T, T> {
  return { read: (value) => value, show: (value) => value };
}

/** Numbers of the text forms that may carry bounds, by the pattern of their schema; null where the text is none. */
export function quantityOf(pattern: string, text: string): number | null {
  if (pattern === DURATION_PATTERN) return parseDuration(text);
  if (pattern === SIZE_PATTERN || pattern === PAD_TARGET_PATTERN) return parseSize(text);
  if (pattern === SIZE_PER_MONTH_PATTERN) return parseSize(text.replace(/\/month$/, ""));
  return null;
}

/** `mtu`, `max`, or a size. */
export const PAD_TARGET_PATTERN = "^(mtu|max|[0-9]+(\\.[0-9]+)?(B|kB))$";

/** A size a calendar month. */
export const SIZE_PER_MONTH_PATTERN = SIZE_PATTERN.replace("$", "/month$");

/** The schema of a duration. */
export function duration(note: QuantityNote) {
  return Type.String(quantity("a duration with its unit", ["20ms", "2s"], DURATION_PATTERN, note));
}

/** The schema of a size in bytes. */
export function size(note: QuantityNote) {
  return Type.String(quantity("a size with its unit", ["100B", "100kB"], SIZE_PATTERN, note));
}

/** The schema of a size a month. */
export function sizePerMonth(note: QuantityNote) {
  return Type.String(quantity("a size a month", ["2GB/month"], SIZE_PER_MONTH_PATTERN, note));
}

function quantity(title: string, examples: string[], pattern: string, note: QuantityNote) {
  const { between, description, ...rest } = note;
  const [low, high] = between;
  return {
    title,
    examples,
    pattern,
    description: `${description} From ${low} to ${high}.`,
    "x-between": between,
    ...rest,
  };
}
