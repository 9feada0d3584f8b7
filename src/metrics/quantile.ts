/**
 * A quantile estimated from bucket counts (not cumulative; the last is unbounded), by straight line inside the bucket; null where nothing was
 * counted. What lies in the unbounded bucket counts as its lower bound.
 */
export function quantile(q: number, bounds: readonly number[], buckets: readonly number[]): number | null {
  const total = buckets.reduce((sum, n) => sum + n, 0);
  if (total === 0) return null;
  const rank = q * total;
  let below = 0;
  for (let i = 0; i < buckets.length; i++) {
    const n = buckets[i] ?? 0;
    const low = i === 0 ? 0 : (bounds[i - 1] ?? 0);
    const high = bounds[i];
    if (n > 0 && below + n >= rank) return high === undefined ? low : low + ((high - low) * (rank - below)) / n;
    below += n;
  }
  return bounds.at(-1) ?? null;
}
