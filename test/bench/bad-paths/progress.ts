/** Watches how steadily something comes. Milliseconds. */
export class Progress {
  readonly #begun = performance.now();
  #last = this.#begun;
  #longest = 0;

  /** The other side is there: what comes before is no stall. */
  connected(): void {
    this.#last = performance.now();
    this.#longest = 0;
  }

  step(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }

  /** Since it began, and the longest time without a step. */
  seen(): { ms: number; gap: number } {
    return { ms: performance.now() - this.#begun, gap: this.#longest };
  }
}
