import type { Layer } from "./layer.js";

/** Exponential linear units (Clevert et al. 2016): x above 0, eˣ − 1 below, in place. What is below 0 still says something. */
export class Elu implements Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters = [];
  readonly state = [];
  readonly #slopes: Float64Array;

  constructor(width: number, batch: number) {
    this.inputs = this.outputs = width;
    this.#slopes = new Float64Array(batch * width);
  }

  forward(input: Float64Array, rows: number): Float64Array {
    const slopes = this.#slopes;
    for (let at = 0, end = rows * this.inputs; at < end; at++) {
      const value = input[at] ?? 0;
      const slope = value > 0 ? 1 : Math.exp(value);
      slopes[at] = slope;
      if (value <= 0) input[at] = slope - 1;
    }
    return input;
  }

  backward(gradient: Float64Array, rows: number): Float64Array {
    const slopes = this.#slopes;
    for (let at = 0, end = rows * this.inputs; at < end; at++) gradient[at] = (gradient[at] ?? 0) * (slopes[at] ?? 0);
    return gradient;
  }
}
