import type { TrainingPool } from "../attack/training-pool.js";
import { stacked } from "../features/stacked.js";
import type { Runner, Trial } from "./runner.js";

/** Trains in the threads of a pool, which knows the registry's attacks; the tests of a trial go there as one. Same answers as in line. */
export class PoolRunner implements Runner {
  readonly width: number;
  readonly #pool: TrainingPool;

  /** `threads`: of the pool. One more trial for each waits, so that none is idle. */
  constructor(pool: TrainingPool, threads: number) {
    this.#pool = pool;
    this.width = 2 * threads;
  }

  async run({ attack, from, seed, tests }: Trial): Promise<readonly Float64Array[]> {
    const { probabilities } = await this.#pool.run({ attack, train: from, test: stacked(tests), seed });
    let at = 0;
    return tests.map(({ rows }) => probabilities.slice(at, (at += rows * from.classes)));
  }
}
