import type { Labelled } from "../attack/attack.js";
import type { Matrix } from "../features/matrix.js";
import type { Runner, Trial } from "./runner.js";

/** As much of a pool of training threads as a runner needs. */
export interface Pool {
  run(task: {
    readonly attack: string;
    readonly train: Labelled;
    readonly test: Matrix;
    readonly seed: string;
  }): Promise<{ readonly probabilities: Float64Array }>;
}

/** Trains in the threads of a pool; the tests of a trial go there as one. */
export class PoolRunner implements Runner {
  readonly width: number;
  readonly #pool: Pool;

  /** `threads`: of the pool. One more trial for each waits, so that none is idle. */
  constructor(pool: Pool, threads: number) {
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
