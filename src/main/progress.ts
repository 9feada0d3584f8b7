/** Milliseconds before the first line, and between two unless asked for otherwise. */
const FIRST = 2000;
const EVERY = 1000;

/** Lines on standard error about what takes longer than two seconds. */
export class Progress {
  readonly #who: string;
  readonly #begun = performance.now();
  readonly #every: number;
  #said = this.#begun;

  /** `who` stands before each line; `every`: milliseconds between two. */
  constructor(who: string, every = EVERY) {
    this.#who = who;
    this.#every = every;
  }

  /** Says a line where it is time for one. `seconds`: since the start. */
  tell(line: (seconds: number) => string): void {
    const now = performance.now();
    if (now - this.#begun < FIRST || now - this.#said < this.#every) return;
    this.#said = now;
    console.error(`${this.#who}: ${line((now - this.#begun) / 1000)}`);
  }
}
