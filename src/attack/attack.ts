import type { Matrix } from "../features/matrix.js";
import type { Random } from "../random/random.js";

/** What an attack learns from: a row of `samples` belongs to the class `labels[row]`, counted from 0. Survives structuredClone. */
export interface Labelled {
  readonly samples: Matrix;
  readonly labels: Uint8Array;
  readonly classes: number;
}

/**
 * What an attack looks at. `table`: rows whose columns are the twelve features, or other statistics in no order. `fingerprint`: the many statistics
 * of k-fingerprinting. `sequence`: rows whose columns are one
 * packet after the other (lengths with the direction as their sign), filled with zeros behind the last.
 */
export type SampleForm = "table" | "fingerprint" | "sequence";

/** What is left of a model when it is written down: plain JSON with the attack's name, from which `load` makes the same model. */
export interface SavedModel {
  readonly attack: string;
  readonly [key: string]: unknown;
}

/** A trained classifier. Scaling that it needs is part of it. */
export interface Model {
  readonly classes: number;
  /** How likely each class is for each row: rows × classes, row by row; each row adds up to 1. */
  probabilities(samples: Matrix): Float64Array;
  save(): SavedModel;
}

/** A classifier under its published name. Same samples and same draws, same model. */
export interface Attack {
  readonly name: string;
  readonly form: SampleForm;
  /** `progress`: called with the share done, 0 to 1, as often as the attack likes. */
  train(from: Labelled, random: Random, progress?: (done: number) => void): Model;
  /** Throws a HushboxError where `saved` is not what this attack wrote. */
  load(saved: SavedModel): Model;
}

/** The likeliest class of each row; of equals the first. */
export function predict(model: Model, samples: Matrix): Uint8Array {
  const { classes } = model;
  const shares = model.probabilities(samples);
  return Uint8Array.from({ length: samples.rows }, (_, row) => {
    let best = 0;
    for (let c = 1; c < classes; c++)
      if ((shares[row * classes + c] ?? 0) > (shares[row * classes + best] ?? 0)) best = c;
    return best;
  });
}
