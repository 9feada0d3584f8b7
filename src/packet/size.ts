/** A size with its unit, as it stands in a configuration: `1514B`, `64kB`, `2GB` (decimal), `4MiB` (binary). */
export const SIZE_PATTERN = "^[0-9]+(\\.[0-9]+)?(B|kB|MB|GB|KiB|MiB|GiB)$";

const FACTORS: Record<string, number> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** Reads a size that matches SIZE_PATTERN, in bytes; null where it does not. */
export function parseSize(text: string): number | null {
  const found = /^([0-9]+(?:\.[0-9]+)?)([KMG]iB|[kMG]?B)$/.exec(text);
  if (found === null) return null;
  const [, digits = "", unit = ""] = found;
  return Math.round(Number(digits) * (FACTORS[unit] ?? NaN));
}

const WHOLE = ["GB", "MB", "kB", "GiB", "MiB", "KiB"] as const;

/** Writes a size in the largest unit in which it is whole, decimal ones first: `1514B`, `100kB`, `32KiB`, `2GB`; what parseSize reads back. */
export function formatSize(bytes: number): string {
  const unit = WHOLE.find((name) => bytes > 0 && Number.isInteger(bytes / (FACTORS[name] ?? NaN))) ?? "B";
  return `${bytes / (FACTORS[unit] ?? NaN)}${unit}`;
}
