import type { Matrix } from "../features/matrix.js";
import type { Model, SavedModel } from "./attack.js";
import { checkSamples } from "./check-samples.js";
import type { Trees } from "./trees.js";

/** Trees that answer with the mean of their leaves: one, or a forest. */
export class TreesModel implements Model {
  readonly #attack: string;
  readonly #trees: Trees;

  /** `attack`: whose model it is saved as. */
  constructor(attack: string, trees: Trees) {
    this.#attack = attack;
    this.#trees = trees;
  }

  get classes(): number {
    return this.#trees.classes;
  }

  probabilities(samples: Matrix): Float64Array {
    checkSamples(samples, this.#trees.width, `asking ${this.#attack}`);
    return this.#trees.probabilities(samples);
  }

  save(): SavedModel {
    return this.#trees.save(this.#attack);
  }
}
