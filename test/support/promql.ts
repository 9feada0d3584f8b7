/** Words of PromQL that are no metrics, as far as our expressions use them. */
const WORDS = new Set(
  "and or unless on by ignoring without sum max min avg count rate increase changes time histogram_quantile max_over_time min_over_time".split(
    " ",
  ),
);

/** The metrics that an expression asks for. A word that is neither a known function nor a metric is one too: so a misspelt one is found. */
export function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/"[^"]*"/g, "")
    .replaceAll(/\{[^}]*\}/g, "")
    .replaceAll(/\[[^\]]*\]/g, "")
    .replaceAll(/\b(on|by|ignoring|without)\s*\([^)]*\)/g, "");
  const words = bare.match(/[a-zA-Z_:][a-zA-Z0-9_:]*/g) ?? [];
  return [...new Set(words.filter((word) => !WORDS.has(word)))];
}
