/** Milliseconds before the first line, and between two. */
const FIRST = 2000;
const EVERY = 1000;

/** Lines on standard error about what takes longer than two seconds. */
export class Progress {
  readonly #who: string;
  readonly #begun = performance.now();
  #said = this.#begun;

  /** `who` stands before each line. */
  constructor(who: string) {
    this.#who = who;
  }

  /** Says a line where it is time for one. `seconds`: since the start. */
  tell(line: (seconds: number) => string): void {
    const now = performance.now();
    if (now - this.#begun < FIRST || now - this.#said < EVERY) return;
    this.#said = now;
    console.error(`${this.#who}: ${line((now - this.#begun) / 1000)}`);
  }
}
