import type { Matrix } from "../features/matrix.js";
import type { Random } from "../random/random.js";
import type { Attack, Labelled, Model, SavedModel } from "./attack.js";
import { checkLabelled, checkSamples } from "./check-samples.js";
import { Nearest } from "./nearest.js";
import { NeighbourTree } from "./neighbour-tree.js";
import { packed, SavedFields } from "./saved-fields.js";
import { Scaler } from "./scaler.js";

const NAME = "k-nearest-neighbours";

/** Options survive structuredClone. */
export interface KNearestNeighboursOptions {
  /** How many neighbours vote; 5 if not given. Where there are fewer rows, all vote. */
  readonly neighbours?: number;
}

/**
 * Each of the nearest rows has one vote (Cover, Hart, 1967). Columns are brought to deviation 1 first: bytes and seconds have no common
 * measure. Draws nothing; of rows that are equally far the first counts.
 */
export class KNearestNeighbours implements Attack {
  readonly name = NAME;
  readonly form = "table";
  readonly #neighbours: number;

  constructor(options: KNearestNeighboursOptions = {}) {
    this.#neighbours = options.neighbours ?? 5;
  }

  train(from: Labelled, _random: Random, progress?: (done: number) => void): Model {
    checkLabelled(from, `training ${NAME}`);
    const { samples, labels, classes } = from;
    const scaler = Scaler.of(samples);
    const neighbours = Math.min(this.#neighbours, samples.rows);
    const model = new NeighboursModel(scaler.scale(samples), labels.slice(), { classes, neighbours, scaler });
    progress?.(1);
    return model;
  }

  load(saved: SavedModel): Model {
    const fields = new SavedFields(saved, NAME);
    const classes = fields.integer("classes", 1, 256);
    const columns = fields.integer("columns", 1, 0x7fff_ffff);
    const scaler = Scaler.load(fields, columns);
    const labels = fields.bytes("labels");
    const rows = labels.length;
    if (rows === 0) throw fields.wrong("there are no rows");
    const neighbours = fields.integer("neighbours", 1, rows);
    const values = fields.doubles("values", rows * columns);
    if (!values.every(Number.isFinite)) throw fields.wrong("a value is no number");
    if (!labels.every((label) => label < classes)) throw fields.wrong("a label is no class");
    return new NeighboursModel({ rows, columns, values }, labels, { classes, neighbours, scaler });
  }
}

interface Settings {
  readonly classes: number;
  readonly neighbours: number;
  readonly scaler: Scaler;
}

class NeighboursModel implements Model {
  readonly #scaled: Matrix;
  readonly #labels: Uint8Array;
  readonly #settings: Settings;
  readonly #tree: NeighbourTree;

  constructor(scaled: Matrix, labels: Uint8Array, settings: Settings) {
    this.#scaled = scaled;
    this.#labels = labels;
    this.#settings = settings;
    this.#tree = new NeighbourTree(scaled);
  }

  get classes(): number {
    return this.#settings.classes;
  }

  probabilities(samples: Matrix): Float64Array {
    const { classes, neighbours, scaler } = this.#settings;
    checkSamples(samples, scaler.columns, `asking ${NAME}`);
    const { rows, columns, values } = scaler.scale(samples);
    const votes = new Float64Array(rows * classes);
    const nearest = new Nearest(neighbours);
    const point = new Float64Array(columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) point[column] = values[row * columns + column] ?? 0;
      this.#tree.search(point, nearest);
      for (const neighbour of nearest.rows) {
        const at = row * classes + (this.#labels[neighbour] ?? 0);
        votes[at] = (votes[at] ?? 0) + 1;
      }
    }
    return votes.map((count) => count / neighbours);
  }

  save(): SavedModel {
    const { classes, neighbours, scaler } = this.#settings;
    const { columns, values } = this.#scaled;
    return {
      attack: NAME,
      classes,
      columns,
      neighbours,
      ...scaler.save(),
      labels: packed(this.#labels),
      values: packed(values),
    };
  }
}
