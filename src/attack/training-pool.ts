import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { HushboxError, type ErrorCode } from "../errors/hushbox-error.js";
import type { Matrix } from "../features/matrix.js";
import type { Labelled, SavedModel } from "./attack.js";

/** Train one attack, then ask the model. The answer depends on nothing but this. */
export interface TrainingTask {
  /** A name of `ATTACKS`. */
  readonly attack: string;
  readonly train: Labelled;
  readonly test: Matrix;
  /** Of the attack's draws. */
  readonly seed: string | number;
  /** Whether the model is wanted too. */
  readonly keepModel?: boolean;
}

export interface TrainingResult {
  /** Of the test rows: rows × classes. */
  readonly probabilities: Float64Array;
  /** Null unless `keepModel`. */
  readonly model: SavedModel | null;
}

/** What a training thread says. */
export type TrainingAnswer =
  { readonly progress: number } | TrainingResult | { readonly error: string; readonly code: ErrorCode };

export interface TrainingPoolOptions {
  /** Threads; as many as there are cores if not given. They start when there is work. */
  readonly workers?: number;
  /** How many tasks may wait for a thread; twice as many as there are threads if not given. */
  readonly queue?: number;
}

interface Job {
  readonly task: TrainingTask;
  readonly progress: ((done: number) => void) | undefined;
  readonly resolve: (result: TrainingResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Trains attacks in threads, one task in one thread at a time: folds, seeds and attacks are many, and a forest alone is done in well under a
 * second on one core. A matrix over a SharedArrayBuffer (`sharedMatrix`) is not copied. Threads that wait keep no process alive.
 */
export class TrainingPool {
  readonly #workers: number;
  readonly #queue: number;
  readonly #waiting: Job[] = [];
  readonly #running = new Map<Worker, Job>();
  readonly #idle: Worker[] = [];
  readonly #roomWanted: (() => void)[] = [];
  #stopping: Promise<void> | undefined;

  constructor({ workers = availableParallelism(), queue = 2 * workers }: TrainingPoolOptions = {}) {
    this.#workers = workers;
    this.#queue = queue;
  }

  /** Whether as many tasks wait as may. */
  get full(): boolean {
    return this.#waiting.length >= this.#queue && this.#running.size >= this.#workers;
  }

  /**
   * Rejects with the HushboxError that the attack threw, `internal` where the thread died, the pool is full or stopped.
   * `progress`: the share of training done, 0 to 1.
   */
  run(task: TrainingTask, progress?: (done: number) => void): Promise<TrainingResult> {
    if (this.#stopping !== undefined) return Promise.reject(stopped());
    if (this.full)
      return Promise.reject(
        new HushboxError("internal", `training: ${String(this.#waiting.length)} tasks wait already`),
      );
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, progress, resolve, reject });
      this.#next();
    });
  }

  /** Resolves when the pool is not full; another may be faster then. Resolves also when it is stopped. */
  async room(): Promise<void> {
    if (!this.full || this.#stopping !== undefined) return;
    await new Promise<void>((resolve) => this.#roomWanted.push(resolve));
  }

  /**
   * Runs many tasks, taking each from the list only when there is room for it; answers in the order of the list. Rejects with the first
   * failure, after which no more are taken. `progress`: how many tasks are done, with the shares of those that run.
   */
  async all(tasks: Iterable<TrainingTask>, progress?: (done: number) => void): Promise<TrainingResult[]> {
    const results: Promise<TrainingResult>[] = [];
    const shares: number[] = [];
    const failures: unknown[] = [];
    let done = 0;
    const tell = (at: number, share: number): void => {
      done += share - (shares[at] ?? 0);
      shares[at] = share;
      progress?.(done);
    };
    for (const task of tasks) {
      while (this.full && failures.length === 0 && this.#stopping === undefined) await this.room();
      if (failures.length > 0) break;
      const at = results.length;
      const result = this.run(task, (share) => {
        // The last step is told when the answer is there.
        tell(at, Math.min(share, 0.99));
      });
      results.push(result);
      result.then(
        () => {
          tell(at, 1);
        },
        (error: unknown) => failures.push(error),
      );
    }
    return Promise.all(results);
  }

  /** Ends all threads; what has not been answered is rejected. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const workers = [...this.#running.keys(), ...this.#idle.splice(0)];
    const jobs = [...this.#running.values(), ...this.#waiting.splice(0)];
    this.#running.clear();
    for (const { reject } of jobs) reject(stopped());
    this.#tellRoom();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#running.size < this.#workers) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      const worker = this.#idle.pop() ?? this.#open();
      this.#running.set(worker, job);
      worker.ref();
      const { attack, train, test, seed, keepModel = false } = job.task;
      const samples = own(train.samples);
      try {
        worker.postMessage({
          attack,
          train: { ...train, samples },
          test: own(test),
          seed,
          keepModel,
        } satisfies TrainingTask);
      } catch (error) {
        this.#finish(worker)?.reject(
          new HushboxError("internal", `handing over a training task: ${String(error)}`, error),
        );
        this.#rest(worker);
      }
    }
    if (!this.full) this.#tellRoom();
  }

  #open(): Worker {
    const worker = new Worker(new URL("./training-worker.js", import.meta.url));
    worker.on("message", (answer: TrainingAnswer) => {
      if ("progress" in answer) {
        this.#running.get(worker)?.progress?.(answer.progress);
        return;
      }
      const job = this.#finish(worker);
      if (job === undefined) return;
      if ("error" in answer) job.reject(new HushboxError(answer.code, answer.error));
      else job.resolve(answer);
      this.#rest(worker);
    });
    worker.on("error", (error: Error) => {
      this.#lost(worker, new HushboxError("internal", `a training thread died: ${error.message}`, error));
    });
    worker.on("exit", (code) => {
      this.#lost(worker, new HushboxError("internal", `a training thread ended (${String(code)})`));
    });
    return worker;
  }

  #finish(worker: Worker): Job | undefined {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    return job;
  }

  #rest(worker: Worker): void {
    worker.unref();
    this.#idle.push(worker);
    this.#next();
  }

  #lost(worker: Worker, error: HushboxError): void {
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#finish(worker)?.reject(error);
    if (this.#stopping === undefined) this.#next();
  }

  #tellRoom(): void {
    for (const resolve of this.#roomWanted.splice(0)) resolve();
  }
}

/** Of a view into a larger buffer only the view: all of the buffer would be copied. */
function own(matrix: Matrix): Matrix {
  const { values } = matrix;
  if (values.buffer instanceof SharedArrayBuffer || values.byteLength === values.buffer.byteLength) return matrix;
  return { ...matrix, values: values.slice() };
}

function stopped(): HushboxError {
  return new HushboxError("internal", "training: the pool has been stopped");
}
