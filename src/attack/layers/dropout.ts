import type { Random } from "../../random/random.js";
import type { Layer } from "./layer.js";

/** Dropout (Srivastava et al. 2014), in place: while learning, each number is dropped with `share` and the others grow to make up for it. */
export class Dropout implements Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters = [];
  readonly state = [];
  /** What the last pass multiplied each number by. */
  readonly #factors: Float64Array;
  readonly #share: number;

  constructor(share: number, width: number, batch: number) {
    this.inputs = this.outputs = width;
    this.#share = share;
    this.#factors = new Float64Array(batch * width);
  }

  forward(input: Float64Array, rows: number, draws: Random | null): Float64Array {
    if (draws === null) return input;
    const kept = 1 / (1 - this.#share);
    const below = this.#share * 2 ** 32;
    const factors = this.#factors;
    for (let at = 0, end = rows * this.inputs; at < end; at++) {
      const factor = draws.word() < below ? 0 : kept;
      factors[at] = factor;
      input[at] = (input[at] ?? 0) * factor;
    }
    return input;
  }

  backward(gradient: Float64Array, rows: number): Float64Array {
    const factors = this.#factors;
    for (let at = 0, end = rows * this.inputs; at < end; at++) gradient[at] = (gradient[at] ?? 0) * (factors[at] ?? 0);
    return gradient;
  }
}
