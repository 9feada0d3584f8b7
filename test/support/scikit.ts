import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Labelled } from "../../src/attack/attack.js";
import { ROOT } from "./generated.js";
import { labelled } from "./labelled.js";

const PYTHON = "/usr/bin/python3";

/** Why there is nothing to compare with; false where there is. */
export function noScikit(): string | false {
  if (!existsSync(PYTHON)) return `there is no ${PYTHON}`;
  try {
    execFileSync(PYTHON, ["-c", "import sklearn"], { stdio: "ignore" });
    return false;
  } catch {
    return "install the Debian package python3-sklearn";
  }
}

export interface ScikitRun {
  attack: string;
  seed: number;
  train: readonly number[];
  test: readonly number[];
  /** Threads. */
  jobs: number;
}

export interface ScikitScore {
  /** How many of the test rows it got right. */
  right: number;
  /** Seconds to train and predict. */
  wall: number;
  cpu: number;
}

/** scikit-learn in a process of its own, BLAS and OpenMP held to one thread: `jobs` alone says how many. */
export class Scikit {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;

  constructor() {
    const child = spawn(PYTHON, [join(ROOT, "test/support/scikit.py")], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
    });
    this.#child = child;
    this.#interface = createInterface(child.stdout);
    this.#lines = this.#interface[Symbol.asyncIterator]();
  }

  async #ask(question: object): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("scikit-learn's process ended");
    return JSON.parse(line.value) as unknown;
  }

  /** Its data sets by name, and two that it makes: `made` of 1500 rows, `large` of 6250. */
  async sets(): Promise<Record<string, Labelled>> {
    const found = (await this.#ask({ do: "sets" })) as Record<string, { rows: number[][]; labels: number[] }>;
    return Object.fromEntries(Object.entries(found).map(([name, set]) => [name, labelled(set.rows, set.labels)]));
  }

  /** The table that `train` takes its rows from. */
  async load({ samples, labels }: Labelled): Promise<void> {
    const { columns, values } = samples;
    const rows = Array.from(labels, (_, row) => [...values.subarray(row * columns, (row + 1) * columns)]);
    await this.#ask({ do: "load", rows, labels: [...labels] });
  }

  async train(run: ScikitRun): Promise<ScikitScore> {
    return (await this.#ask({ do: "train", ...run })) as ScikitScore;
  }

  stop(): void {
    this.#interface.close();
    this.#child.kill();
  }
}
