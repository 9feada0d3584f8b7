import type { Confusion } from "./confusion.js";

/**
 * The mean over the classes of the share of their rows that were answered rightly (Brodersen et al. 2010): 1 / classes for whoever
 * guesses or always says the same, however unequal the classes are. Classes without a row do not count; NaN where none has any.
 */
export function balancedAccuracy(confusion: Confusion): number {
  let sum = 0;
  let present = 0;
  for (let c = 0; c < confusion.classes; c++) {
    const rows = confusion.of(c);
    if (rows === 0) continue;
    sum += confusion.at(c, c) / rows;
    present++;
  }
  return sum / present;
}
