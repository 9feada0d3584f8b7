/** Mean and population deviation of a series in one pass (Welford 1962): stable where the mean is large against the deviation. */
export class RunningMoments {
  count = 0;
  mean = 0;
  #squares = 0;

  add(value: number): void {
    this.count++;
    const delta = value - this.mean;
    this.mean += delta / this.count;
    this.#squares += delta * (value - this.mean);
  }

  /** The population deviation: the square root of the mean squared distance from the mean. 0 for an empty series. */
  get deviation(): number {
    return this.count === 0 ? 0 : Math.sqrt(this.#squares / this.count);
  }

  clear(): void {
    this.count = 0;
    this.mean = 0;
    this.#squares = 0;
  }
}
