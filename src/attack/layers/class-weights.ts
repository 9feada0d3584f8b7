/** How much a row of each class counts: alike, or so that every class that has rows weighs the same in sum. A row's mean weight is 1. */
export function classWeights(labels: Uint8Array, classes: number, balanced: boolean): Float64Array {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  const present = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return counts.map((count) => (balanced && count > 0 ? labels.length / (present * count) : 1));
}
