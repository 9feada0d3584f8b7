/** Lets so many jobs run at once and the others wait their turn; after the first failure none begins any more. */
export class Lanes {
  #free: number;
  #failed = false;
  #failure: unknown;
  readonly #waiting: (() => void)[] = [];
  readonly #finished: () => void;

  /** `finished` is called behind each job that did not fail. */
  constructor(width: number, finished: () => void) {
    this.#free = Math.max(1, width);
    this.#finished = finished;
  }

  /** Runs a job when a lane is free. Rejects with the job's failure, or with that of another before it began. */
  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      if (this.#failed) throw this.#failure;
      const result = await job();
      this.#finished();
      return result;
    } catch (error) {
      this.#failed = true;
      this.#failure = error;
      throw error;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
