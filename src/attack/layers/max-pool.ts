import type { Layer } from "./layer.js";

export interface MaxPoolShape {
  readonly steps: number;
  readonly channels: number;
  /** Positions that one output looks at, and how far apart the outputs stand. */
  readonly window: number;
  readonly stride: number;
}

/** The largest number of each channel in windows along a sequence; windows that reach over an end look at what there is. */
export class MaxPool implements Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters = [];
  readonly state = [];
  /** Positions that come out. */
  readonly steps: number;
  readonly #shape: MaxPoolShape;
  readonly #output: Float64Array;
  /** Where in the batch's input each output came from. */
  readonly #origins: Int32Array;
  readonly #inputGradient: Float64Array;

  constructor(shape: MaxPoolShape, batch: number) {
    this.#shape = shape;
    this.steps = Math.ceil(shape.steps / shape.stride);
    this.inputs = shape.steps * shape.channels;
    this.outputs = this.steps * shape.channels;
    this.#output = new Float64Array(batch * this.outputs);
    this.#origins = new Int32Array(batch * this.outputs);
    this.#inputGradient = new Float64Array(batch * this.inputs);
  }

  forward(input: Float64Array, rows: number): Float64Array {
    const { steps, channels, window, stride } = this.#shape;
    const output = this.#output;
    const origins = this.#origins;
    const overhang = Math.max(0, (this.steps - 1) * stride + window - steps) >> 1;
    for (let row = 0, into = 0; row < rows; row++) {
      const start = row * this.inputs;
      for (let step = 0; step < this.steps; step++) {
        const first = Math.max(0, step * stride - overhang);
        const last = Math.min(steps, step * stride - overhang + window) - 1;
        for (let c = 0; c < channels; c++, into++) {
          let origin = start + first * channels + c;
          let largest = input[origin] ?? 0;
          for (let at = origin + channels, end = start + last * channels + c; at <= end; at += channels) {
            const value = input[at] ?? 0;
            if (value > largest) {
              largest = value;
              origin = at;
            }
          }
          output[into] = largest;
          origins[into] = origin;
        }
      }
    }
    return output;
  }

  backward(gradient: Float64Array, rows: number, input: boolean): Float64Array {
    const answer = this.#inputGradient;
    if (!input) return answer;
    answer.fill(0, 0, rows * this.inputs);
    const origins = this.#origins;
    for (let at = 0, end = rows * this.outputs; at < end; at++) {
      const origin = origins[at] ?? 0;
      answer[origin] = (answer[origin] ?? 0) + (gradient[at] ?? 0);
    }
    return answer;
  }
}
