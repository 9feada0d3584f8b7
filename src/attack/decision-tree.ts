import type { Random } from "../random/random.js";
import type { Attack, Labelled, Model, SavedModel } from "./attack.js";
import { checkLabelled } from "./check-samples.js";
import { RankedColumns } from "./ranked-columns.js";
import { SavedFields } from "./saved-fields.js";
import { TreeBuilder } from "./tree-builder.js";
import { TreeGrower } from "./tree-grower.js";
import { TreesModel } from "./trees-model.js";
import { Trees } from "./trees.js";

const NAME = "decision-tree";

/** One tree that grows to the end and looks at all columns in each node, as scikit-learn's by default; it draws only which of equal splits it takes. */
export class DecisionTree implements Attack {
  readonly name = NAME;
  readonly form = "table";

  train(from: Labelled, random: Random, progress?: (done: number) => void): Model {
    checkLabelled(from, `training ${NAME}`);
    const { rows, columns } = from.samples;
    const grower = new TreeGrower(new RankedColumns(from.samples), from.labels, from.classes, columns);
    const into = new TreeBuilder(from.classes, columns);
    grower.grow(new Int32Array(rows).fill(1), random, into);
    progress?.(1);
    return new TreesModel(NAME, into.done());
  }

  load(saved: SavedModel): Model {
    const fields = new SavedFields(saved, NAME);
    const trees = Trees.load(fields);
    if (trees.count !== 1) throw fields.wrong(`there are ${String(trees.count)} trees where one belongs`);
    return new TreesModel(NAME, trees);
  }
}
