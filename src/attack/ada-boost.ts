import type { Matrix } from "../features/matrix.js";
import type { Random } from "../random/random.js";
import type { Attack, Labelled, Model, SavedModel } from "./attack.js";
import { checkLabelled, checkSamples } from "./check-samples.js";
import { RankedColumns } from "./ranked-columns.js";
import { packed, SavedFields } from "./saved-fields.js";
import { StumpSearch, type Stump } from "./stump-search.js";

const NAME = "ada-boost";

/** Options survive structuredClone. */
export interface AdaBoostOptions {
  /** 50 if not given. */
  readonly rounds?: number;
}

/**
 * SAMME.R (Zhu et al., Multi-class AdaBoost, 2009) over stumps, as scikit-learn 1.2 has it by default: each round weighs rows up that
 * the stump before gave little probability. Classes without a row are not learned and never answered.
 */
export class AdaBoost implements Attack {
  readonly name = NAME;
  readonly form = "table";
  readonly #rounds: number;

  constructor(options: AdaBoostOptions = {}) {
    this.#rounds = options.rounds ?? 50;
  }

  train(from: Labelled, random: Random, progress?: (done: number) => void): Model {
    checkLabelled(from, `training ${NAME}`);
    const { samples, labels, classes } = from;
    const present = Uint8Array.from(new Set(labels)).sort();
    const numbers = new Uint8Array(classes);
    present.forEach((label, number) => (numbers[label] = number));
    const learned = labels.map((label) => numbers[label] ?? 0);
    const boost = new Boost(samples, learned, present.length);
    // Where there is but one class, nothing is left to ask.
    for (let round = 0; round < this.#rounds && present.length > 1; round++) {
      if (!boost.round(random)) break;
      progress?.((round + 1) / this.#rounds);
    }
    progress?.(1);
    return new StumpsModel({
      classes,
      width: samples.columns,
      present,
      columns: Int32Array.from(boost.columns),
      thresholds: Float64Array.from(boost.thresholds),
      scores: Float64Array.from(boost.scores),
    });
  }

  load(saved: SavedModel): Model {
    const fields = new SavedFields(saved, NAME);
    const classes = fields.integer("classes", 1, 256);
    const width = fields.integer("width", 1, 0x7fff_ffff);
    const present = fields.bytes("present");
    const columns = fields.integers("columns");
    const thresholds = fields.doubles("thresholds", columns.length);
    const scores = fields.doubles("scores", 2 * columns.length * present.length);
    const ascending = present.every((label, i) => label < classes && (i === 0 || label > (present[i - 1] ?? 0)));
    if (present.length === 0 || !ascending) throw fields.wrong("present names no classes in order");
    if (present.length > 1 && columns.length === 0) throw fields.wrong("there are no stumps");
    if (!columns.every((column) => column >= 0 && column < width)) throw fields.wrong("a stump asks for no column");
    if (thresholds.some(Number.isNaN)) throw fields.wrong("a threshold is no number");
    if (!scores.every(Number.isFinite)) throw fields.wrong("a score is no number");
    return new StumpsModel({ classes, width, present, columns, thresholds, scores });
  }
}

/** The weights of the rows from round to round, and the stumps so far. */
class Boost {
  readonly columns: number[] = [];
  readonly thresholds: number[] = [];
  /** What each stump adds to the classes on its left, then on its right. */
  readonly scores: number[] = [];
  readonly #singles: Float32Array;
  readonly #width: number;
  readonly #labels: Uint8Array;
  readonly #classes: number;
  readonly #search: StumpSearch;
  readonly #weights: Float64Array;

  constructor(samples: Matrix, labels: Uint8Array, classes: number) {
    this.#singles = Float32Array.from(samples.values);
    this.#width = samples.columns;
    this.#labels = labels;
    this.#classes = classes;
    this.#search = new StumpSearch(new RankedColumns(samples), labels, classes);
    this.#weights = new Float64Array(samples.rows).fill(1 / samples.rows);
  }

  /** Adds a stump. False where no more are to follow. */
  round(random: Random): boolean {
    const [weights, labels, classes] = [this.#weights, this.#labels, this.#classes];
    for (let row = 0; row < weights.length; row++) weights[row] = Math.max(weights[row] ?? 0, Number.EPSILON);
    const stump = this.#search.best(weights, random);
    this.columns.push(stump.column);
    this.thresholds.push(stump.threshold);
    const factors = new Float64Array(2 * classes);
    const answers = [this.#score(stump, 0, factors), this.#score(stump, 1, factors)];

    let wrong = 0;
    let sum = 0;
    for (let row = 0; row < weights.length; row++) {
      const side = (this.#singles[row * this.#width + stump.column] ?? 0) <= stump.threshold ? 0 : 1;
      const label = labels[row] ?? 0;
      const weight = weights[row] ?? 0;
      if (answers[side] !== label) wrong += weight;
      const next = weight * (factors[side * classes + label] ?? 0);
      weights[row] = next;
      sum += next;
    }
    if (wrong <= 0 || !Number.isFinite(sum) || sum <= 0) return false;
    for (let row = 0; row < weights.length; row++) weights[row] = (weights[row] ?? 0) / sum;
    return true;
  }

  /** Writes down what one side of a stump says, and by what it multiplies the weight of a row of each class; answers its likeliest class. */
  #score({ weights }: Stump, side: number, factors: Float64Array): number {
    const classes = this.#classes;
    const here = weights.subarray(side * classes, (side + 1) * classes);
    const total = here.reduce((a, b) => a + b, 0);
    // A class that is not there would have the logarithm of 0.
    const logs = here.map((weight) => Math.log(Math.max(total > 0 ? weight / total : 0, Number.EPSILON)));
    const all = logs.reduce((a, b) => a + b, 0);
    let best = 0;
    for (let c = 0; c < classes; c++) {
      const own = logs[c] ?? 0;
      this.scores.push((classes - 1) * (own - all / classes));
      factors[side * classes + c] = Math.exp((-(classes - 1) / classes) * (own - (all - own) / (classes - 1)));
      if ((here[c] ?? 0) > (here[best] ?? 0)) best = c;
    }
    return best;
  }
}

interface Stumps {
  readonly classes: number;
  readonly width: number;
  /** The classes that were learned, ascending; `scores` are theirs. */
  readonly present: Uint8Array;
  readonly columns: Int32Array;
  readonly thresholds: Float64Array;
  readonly scores: Float64Array;
}

class StumpsModel implements Model {
  readonly #stumps: Stumps;

  constructor(stumps: Stumps) {
    this.#stumps = stumps;
  }

  get classes(): number {
    return this.#stumps.classes;
  }

  probabilities(samples: Matrix): Float64Array {
    const { classes, width, present, columns, thresholds, scores } = this.#stumps;
    checkSamples(samples, width, `asking ${NAME}`);
    const learned = present.length;
    const singles = Float32Array.from(samples.values);
    const sums = new Float64Array(learned);
    const shares = new Float64Array(samples.rows * classes);
    for (let row = 0; row < samples.rows; row++) {
      sums.fill(0);
      for (let stump = 0; stump < columns.length; stump++) {
        const value = singles[row * width + (columns[stump] ?? 0)] ?? 0;
        const from = (2 * stump + (value <= (thresholds[stump] ?? 0) ? 0 : 1)) * learned;
        for (let c = 0; c < learned; c++) sums[c] = (sums[c] ?? 0) + (scores[from + c] ?? 0);
      }
      this.#softmax(sums, row, shares);
    }
    return shares;
  }

  /** Equation 4 of the paper: e to the score divided by the number of stumps and of other classes. */
  #softmax(sums: Float64Array, row: number, shares: Float64Array): void {
    const { classes, present, columns } = this.#stumps;
    const scale = Math.max(1, columns.length) * Math.max(1, present.length - 1);
    let most = -Infinity;
    for (const sum of sums) most = Math.max(most, sum);
    let total = 0;
    for (let c = 0; c < sums.length; c++) total += sums[c] = Math.exp(((sums[c] ?? 0) - most) / scale);
    for (let c = 0; c < sums.length; c++) shares[row * classes + (present[c] ?? 0)] = (sums[c] ?? 0) / total;
  }

  save(): SavedModel {
    const { classes, width, present, columns, thresholds, scores } = this.#stumps;
    return {
      attack: NAME,
      classes,
      width,
      present: packed(present),
      columns: packed(columns),
      thresholds: packed(thresholds),
      scores: packed(scores),
    };
  }
}
