/** Of one trace: its class, and how many plans ran behind one another, each time that an episode began. */
export interface Schedule {
  readonly class: number;
  readonly plans: readonly number[];
}

/**
 * The balanced accuracy of who sees nothing but which plans ran, and knows besides how often that came in each class of these very traces: no rule
 * from plans to classes does better on them. Null where there is no tunnel.
 */
export function scheduleBound(classes: number, schedules: readonly Schedule[]): number | null {
  if (schedules.length === 0) return null;
  const totals = new Array<number>(classes).fill(0);
  const seen = new Map<string, number[]>();
  for (const { class: own, plans } of schedules) {
    const key = plans.join(" ");
    const counts = seen.get(key) ?? new Array<number>(classes).fill(0);
    counts[own] = (counts[own] ?? 0) + 1;
    totals[own] = (totals[own] ?? 0) + 1;
    seen.set(key, counts);
  }
  let sum = 0;
  for (const counts of seen.values()) sum += Math.max(...counts.map((n, i) => n / Math.max(1, totals[i] ?? 0)));
  return sum / totals.filter((n) => n > 0).length;
}
