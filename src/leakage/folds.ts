import { HushboxError } from "../errors/hushbox-error.js";
import type { Random } from "../random/random.js";
import type { Grouping } from "./grouping.js";
import { shuffle } from "./shuffle.js";

/**
 * Deals groups to folds, `fold[group]`, so that no group is on both sides of a split, and every fold has as many groups of each
 * class as the others, or one more; which fold has one more is the same for classes of equally many groups, so that a training set
 * favours no class that its test lacks. Shuffled groups, however fair the shuffle, do not have that: where nothing can be learnt, an
 * attack answers what is frequent in training and so rare in the test, and reads below chance.
 *
 * Groups of a class go by size, `folds` at a time, one to each fold at random: so folds are near each other in rows too. Groups of
 * several classes are dealt with those of the same classes. Same grouping and same draws, same folds.
 *
 * Throws too-few-samples where a class would be missing in a training set or a test; `requireEnough` says that better, beforehand.
 */
export function dealFolds(grouping: Grouping, folds: number, random: Random): Uint8Array {
  const fold = new Uint8Array(grouping.groups);
  const held = new Float64Array(folds * grouping.classes);
  const preference = shuffle(range(folds), random);
  for (const stratum of grouping.strata()) {
    const classes = grouping.classesOf(stratum[0] ?? 0);
    // The shuffle orders equals.
    const bySize = shuffle([...stratum], random).sort((a, b) => grouping.size(b) - grouping.size(a));
    const burden = (f: number): number => classes.reduce((sum, c) => sum + (held[f * grouping.classes + c] ?? 0), 0);
    for (let at = 0; at < bySize.length; at += folds) {
      const hand = bySize.slice(at, at + folds);
      const takers = shuffle([...preference].sort((a, b) => burden(a) - burden(b)).slice(0, hand.length), random);
      for (const [i, group] of hand.entries()) {
        const taker = takers[i] ?? 0;
        fold[group] = taker;
        for (const c of classes) held[taker * grouping.classes + c] = (held[taker * grouping.classes + c] ?? 0) + 1;
      }
    }
  }
  requireEvery(grouping, held, folds);
  return fold;
}

/** That each fold has a group of each class; with two folds or more, so has each training set then. */
function requireEvery(grouping: Grouping, held: Float64Array, folds: number): void {
  for (const [c, name] of grouping.names.entries()) {
    if (range(folds).every((f) => (held[f * grouping.classes + c] ?? 0) > 0)) continue;
    const { groups } = grouping.ofClass(c);
    throw new HushboxError(
      "too-few-samples",
      `dealing groups to ${folds} folds: class "${name}" is missing in one, with ${groups} groups in all`,
    );
  }
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
