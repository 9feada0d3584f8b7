/** Windows after which the oldest begin to fade, so that the estimate follows a device whose habits change. */
const MEMORY = 512;

/** Mean and population variance of a series, one value at a time, in constant memory (Welford), fading beyond MEMORY values. */
export class RunningVariance {
  #count = 0;
  #mean = 0;
  #variance = 0;

  add(value: number): void {
    if (this.#count < MEMORY) this.#count++;
    const d = value - this.#mean;
    const n = this.#count;
    this.#mean += d / n;
    this.#variance = (this.#variance + (d * d) / n) * ((n - 1) / n);
  }

  get mean(): number {
    return this.#mean;
  }

  /** 0 until there are two values. */
  get variance(): number {
    return this.#variance;
  }

  /** Population standard deviation. */
  get deviation(): number {
    return Math.sqrt(this.#variance);
  }
}
