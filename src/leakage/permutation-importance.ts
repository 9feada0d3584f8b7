import type { Matrix } from "../features/matrix.js";
import { integer, type Random } from "../random/random.js";
import { balancedAccuracy } from "./balanced-accuracy.js";
import { centredInterval, resample, type Crossing } from "./bootstrap.js";
import type { Tally } from "./tally.js";

/** Columns that are taken from the attack together: one feature, or some that say the same. */
export interface ColumnBlock {
  readonly name: string;
  readonly columns: readonly number[];
}

/** What an attack loses without a block, as balanced accuracy. */
export interface Importance {
  readonly name: string;
  readonly drop: number;
  readonly low: number;
  readonly high: number;
}

/**
 * A test in which the block's values have changed rows (Breiman 2001): each column keeps its values, the block its rows together, and
 * neither says any more what its row is. The model stays: columns that say the same as others cost little each, so blocks of
 * them are worth asking too. In the order of `blocks`, `repeats` of each.
 */
export function permutedTests(
  test: Matrix,
  blocks: readonly ColumnBlock[],
  repeats: number,
  random: Random,
): readonly Matrix[] {
  return blocks.flatMap((block) => Array.from({ length: repeats }, () => permuteBlock(test, block.columns, random)));
}

function permuteBlock(test: Matrix, block: readonly number[], random: Random): Matrix {
  const { rows, columns } = test;
  const values = test.values.slice();
  for (let i = rows - 1; i > 0; i--) {
    const j = integer(random, 0, i);
    for (const column of block) {
      const kept = values[i * columns + column] ?? 0;
      values[i * columns + column] = values[j * columns + column] ?? 0;
      values[j * columns + column] = kept;
    }
  }
  return { rows, columns, values };
}

/**
 * The drops, the largest first. `bySeed`: for each seed the answers to the test as it is and those to `permutedTests`. Intervals are
 * over seeds and groups, as those of the accuracy.
 */
export function importances(
  bySeed: readonly { readonly tally: Tally; readonly variants: readonly Tally[] }[],
  blocks: readonly ColumnBlock[],
  repeats: number,
  crossing: Crossing,
  how: { readonly resamples: number; readonly confidence: number; readonly random: Random },
): Importance[] {
  const found = blocks.map(({ name }, block) => {
    const dropOf = (seed: number, weights?: Float64Array): number => {
      const answers = bySeed[seed];
      if (answers === undefined) return Number.NaN;
      const own = answers.variants.slice(block * repeats, (block + 1) * repeats);
      const left = own.reduce((sum, tally) => sum + balancedAccuracy(tally.confusion(weights)), 0) / repeats;
      return balancedAccuracy(answers.tally.confusion(weights)) - left;
    };
    const drop = bySeed.reduce((sum, _, seed) => sum + dropOf(seed), 0) / bySeed.length;
    const sorted = resample(crossing, dropOf, how.resamples, how.random);
    return { name, drop, ...centredInterval(sorted, how.confidence, drop) };
  });
  return found.sort((a, b) => b.drop - a.drop);
}
