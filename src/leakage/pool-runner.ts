import type { TrainingPool } from "../attack/training-pool.js";
import type { Matrix } from "../features/matrix.js";
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

/** Matrices of equally many columns, one below the other. */
function stacked(parts: readonly Matrix[]): Matrix {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const columns = first?.columns ?? 0;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const values = new Float64Array(rows * columns);
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return { rows, columns, values };
}
