import type { Matrix } from "../features/matrix.js";
import type { Random } from "../random/random.js";
import type { Attack, Labelled, Model, SavedModel } from "./attack.js";
import { checkLabelled, checkSamples } from "./check-samples.js";
import { Nearest } from "./nearest.js";
import { growForest } from "./random-forest.js";
import { packed, SavedFields } from "./saved-fields.js";
import { Trees } from "./trees.js";

const NAME = "k-fingerprinting";

/** Options survive structuredClone. */
export interface KFingerprintingOptions {
  /** 100 if not given. */
  readonly trees?: number;
  /** How many neighbours vote; 3 if not given. Where there are fewer rows, all vote. */
  readonly neighbours?: number;
}

/**
 * Hayes, Danezis, k-fingerprinting (USENIX Security 2016): a row's fingerprint is the list of leaves that it falls into, one for each tree of a
 * random forest; the rows whose fingerprints differ in the fewest trees (Hamming's distance) vote. The columns are
 * the paper's statistics (KFingerprint); whatever table it is given, it works on that. Of rows that are equally far the first counts.
 */
export class KFingerprinting implements Attack {
  readonly name = NAME;
  readonly form = "fingerprint";
  readonly #trees: number;
  readonly #neighbours: number;

  constructor(options: KFingerprintingOptions = {}) {
    this.#trees = options.trees ?? 100;
    this.#neighbours = options.neighbours ?? 3;
  }

  train(from: Labelled, random: Random, progress?: (done: number) => void): Model {
    checkLabelled(from, `training ${NAME}`);
    const { samples, labels } = from;
    const trees = growForest(from, this.#trees, random, progress);
    const leaves = new Int32Array(trees.count * samples.rows);
    trees.eachLeaf(samples, (tree, found) => {
      leaves.set(found, tree * samples.rows);
    });
    return new FingerprintModel(trees, leaves, labels.slice(), Math.min(this.#neighbours, samples.rows));
  }

  load(saved: SavedModel): Model {
    const fields = new SavedFields(saved, NAME);
    const trees = Trees.load(fields);
    const labels = fields.bytes("labels");
    if (labels.length === 0) throw fields.wrong("there are no rows");
    if (!labels.every((label) => label < trees.classes)) throw fields.wrong("a label is no class");
    const neighbours = fields.integer("neighbours", 1, labels.length);
    const leaves = fields.integers("leaves", trees.count * labels.length);
    if (!leaves.every((leaf) => leaf >= 0 && leaf < trees.nodes)) throw fields.wrong("a leaf is no node");
    return new FingerprintModel(trees, leaves, labels, neighbours);
  }
}

class FingerprintModel implements Model {
  readonly #trees: Trees;
  /** By tree and row of the training set: its leaf. */
  readonly #leaves: Int32Array;
  readonly #labels: Uint8Array;
  readonly #neighbours: number;
  /** The training rows in each leaf: `#within[#from[leaf]]` to `#within[#from[leaf + 1]]`. */
  readonly #from: Int32Array;
  readonly #within: Int32Array;

  constructor(trees: Trees, leaves: Int32Array, labels: Uint8Array, neighbours: number) {
    this.#trees = trees;
    this.#leaves = leaves;
    this.#labels = labels;
    this.#neighbours = neighbours;
    this.#from = new Int32Array(trees.nodes + 1);
    this.#within = new Int32Array(leaves.length);
    for (const leaf of leaves) this.#from[leaf + 1] = (this.#from[leaf + 1] ?? 0) + 1;
    for (let leaf = 0; leaf < trees.nodes; leaf++)
      this.#from[leaf + 1] = (this.#from[leaf + 1] ?? 0) + (this.#from[leaf] ?? 0);
    const next = this.#from.slice();
    for (let i = 0; i < leaves.length; i++) {
      const leaf = leaves[i] ?? 0;
      const at = next[leaf] ?? 0;
      this.#within[at] = i % labels.length;
      next[leaf] = at + 1;
    }
  }

  get classes(): number {
    return this.#trees.classes;
  }

  probabilities(samples: Matrix): Float64Array {
    checkSamples(samples, this.#trees.width, `asking ${NAME}`);
    const { rows } = samples;
    const { count, classes } = this.#trees;
    const fingerprints = new Int32Array(rows * count);
    this.#trees.eachLeaf(samples, (tree, leaves) => {
      for (let row = 0; row < rows; row++) fingerprints[row * count + tree] = leaves[row] ?? 0;
    });
    const votes = new Float64Array(rows * classes);
    const nearest = new Nearest(this.#neighbours);
    const shared = new Int32Array(this.#labels.length);
    for (let row = 0; row < rows; row++) {
      this.#search(fingerprints.subarray(row * count, (row + 1) * count), shared, nearest);
      for (const neighbour of nearest.rows) {
        const at = row * classes + (this.#labels[neighbour] ?? 0);
        votes[at] = (votes[at] ?? 0) + 1;
      }
    }
    return votes.map((votesFor) => votesFor / this.#neighbours);
  }

  /** Counts how many leaves each training row shares with a fingerprint: leaves are small, so that most rows are never touched. */
  #search(fingerprint: Int32Array, shared: Int32Array, nearest: Nearest): void {
    const [from, within] = [this.#from, this.#within];
    shared.fill(0);
    nearest.clear();
    for (const leaf of fingerprint) {
      const to = from[leaf + 1] ?? 0;
      for (let i = from[leaf] ?? 0; i < to; i++) {
        const row = within[i] ?? 0;
        shared[row] = (shared[row] ?? 0) + 1;
      }
    }
    const trees = fingerprint.length;
    for (let row = 0; row < shared.length; row++) {
      const distance = trees - (shared[row] ?? 0);
      if (distance < nearest.worst) nearest.offer(distance, row);
    }
  }

  save(): SavedModel {
    return {
      ...this.#trees.save(NAME),
      neighbours: this.#neighbours,
      leaves: packed(this.#leaves),
      labels: packed(this.#labels),
    };
  }
}
