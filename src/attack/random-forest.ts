import type { Random } from "../random/random.js";
import { SeededRandom } from "../random/seeded-random.js";
import type { Attack, Labelled, Model, SavedModel } from "./attack.js";
import { checkLabelled } from "./check-samples.js";
import { RankedColumns } from "./ranked-columns.js";
import { SavedFields } from "./saved-fields.js";
import { TreeBuilder } from "./tree-builder.js";
import { TreeGrower } from "./tree-grower.js";
import { TreesModel } from "./trees-model.js";
import { Trees } from "./trees.js";

const NAME = "random-forest";
const WORDS = 0x1_0000_0000;

/** Options survive structuredClone. */
export interface RandomForestOptions {
  /** 100 if not given. */
  readonly trees?: number;
}

/**
 * Breiman, Random Forests (2001), as scikit-learn has it by default: each tree grows to the end from as many rows as there are, drawn with
 * repetition; each node draws the root of the number of columns; the mean of what the trees' leaves say is the answer.
 */
export class RandomForest implements Attack {
  readonly name = NAME;
  readonly form = "table";
  readonly #trees: number;

  constructor(options: RandomForestOptions = {}) {
    this.#trees = options.trees ?? 100;
  }

  train(from: Labelled, random: Random, progress?: (done: number) => void): Model {
    checkLabelled(from, `training ${NAME}`);
    return new TreesModel(NAME, growForest(from, this.#trees, random, progress));
  }

  load(saved: SavedModel): Model {
    return new TreesModel(NAME, Trees.load(new SavedFields(saved, NAME)));
  }
}

/** The trees of a forest over samples that have been checked. Each tree has a generator of its own. */
export function growForest(from: Labelled, trees: number, random: Random, progress?: (done: number) => void): Trees {
  const { rows, columns } = from.samples;
  const grower = new TreeGrower(
    new RankedColumns(from.samples),
    from.labels,
    from.classes,
    Math.max(1, Math.floor(Math.sqrt(columns))),
  );
  const into = new TreeBuilder(from.classes, columns);
  const weights = new Int32Array(rows);
  for (let tree = 0; tree < trees; tree++) {
    const own = new SeededRandom(random.word(), String(random.word()));
    weights.fill(0);
    for (let drawn = 0; drawn < rows; drawn++) {
      const row = Math.floor((own.word() * rows) / WORDS);
      weights[row] = (weights[row] ?? 0) + 1;
    }
    grower.grow(weights, own, into);
    progress?.((tree + 1) / trees);
  }
  return into.done();
}
