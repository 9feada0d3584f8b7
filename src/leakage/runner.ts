import type { Attack, Labelled } from "../attack/attack.js";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Matrix } from "../features/matrix.js";
import { SeededRandom } from "../random/seeded-random.js";

/** One training, and what the model is then asked. Survives structuredClone. */
export interface Trial {
  /** The attack's name. */
  readonly attack: string;
  readonly from: Labelled;
  /** Of the attack's draws. */
  readonly seed: string;
  readonly tests: readonly Matrix[];
}

/** Trains and asks, here or elsewhere. Same trial, same answers. */
export interface Runner {
  /** How many trials it is worth handing over at once. */
  readonly width: number;
  /** How likely each class is for each row of each test, as `Model.probabilities` gives it. */
  run(trial: Trial): Promise<readonly Float64Array[]>;
}

/** Trains where it is called, one trial after the other. */
export class InlineRunner implements Runner {
  readonly width = 1;
  readonly #attacks: ReadonlyMap<string, Attack>;

  constructor(attacks: readonly Attack[]) {
    this.#attacks = new Map(attacks.map((attack) => [attack.name, attack]));
  }

  /** Throws a usage error for an attack that it does not have. */
  run(trial: Trial): Promise<readonly Float64Array[]> {
    const attack = this.#attacks.get(trial.attack);
    if (attack === undefined)
      return Promise.reject(new HushboxError("usage", `training ${trial.attack}: there is no such attack`));
    const model = attack.train(trial.from, new SeededRandom(trial.seed));
    return Promise.resolve(trial.tests.map((samples) => model.probabilities(samples)));
  }
}
