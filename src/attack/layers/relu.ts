import type { Layer } from "./layer.js";

/** Rectified linear units: max(0, x), in place. */
export class Relu implements Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters = [];
  readonly state = [];
  /** 1 where the last input was above 0. */
  readonly #open: Uint8Array;

  constructor(width: number, batch: number) {
    this.inputs = this.outputs = width;
    this.#open = new Uint8Array(batch * width);
  }

  forward(input: Float64Array, rows: number): Float64Array {
    const open = this.#open;
    for (let at = 0, end = rows * this.inputs; at < end; at++) {
      const above = (input[at] ?? 0) > 0;
      open[at] = above ? 1 : 0;
      if (!above) input[at] = 0;
    }
    return input;
  }

  backward(gradient: Float64Array, rows: number): Float64Array {
    const open = this.#open;
    for (let at = 0, end = rows * this.inputs; at < end; at++) if (open[at] === 0) gradient[at] = 0;
    return gradient;
  }
}
