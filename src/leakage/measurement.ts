import { SeededRandom } from "../random/seeded-random.js";
import { crossValidate, type AttackName, type Counted, type Validated, type Validation } from "./cross-validate.js";
import { dealFolds } from "./folds.js";
import type { Lanes } from "./lanes.js";
import type { Runner } from "./runner.js";
import { groupingOfBoth, type Contest } from "./sample-set.js";
import type { Training } from "./training-set.js";

/** What every measurement of a protocol has in common. Survives structuredClone. */
export interface MeasurementOptions {
  readonly folds: number;
  /** Each deals its own folds and trains its own models. */
  readonly seeds: readonly string[];
  readonly training: Training;
  readonly counted: Counted;
}

/** Has attacks answer a contest with every seed: the whole of what the null repeats. */
export class Measurement {
  readonly #options: MeasurementOptions;
  readonly #modules: { readonly runner: Runner; readonly lanes: Lanes };

  constructor(options: MeasurementOptions, modules: { readonly runner: Runner; readonly lanes: Lanes }) {
    this.#options = options;
    this.#modules = modules;
  }

  /**
   * What came of each seed, for each attack. All attacks meet the same folds. `stream`: names the draws beside the seeds; the same stream
   * of the same contest is the same measurement.
   */
  async of(
    contest: Contest,
    attacks: readonly AttackName[],
    stream: string,
    variants?: Validation["variants"],
  ): Promise<Validated[][]> {
    const { folds, training, counted } = this.#options;
    const grouping = groupingOfBoth(contest);
    const splits = this.#options.seeds.map((name) => {
      const seed = `${name}${stream}`;
      return { seed, fold: dealFolds(grouping, folds, new SeededRandom(seed, "folds")) };
    });
    const how = { folds, training, counted, ...(variants === undefined ? {} : { variants }) };
    return Promise.all(
      attacks.map((attack) =>
        Promise.all(splits.map((split) => crossValidate(contest, { ...how, ...split, attack }, this.#modules))),
      ),
    );
  }
}
