import { gaussian, type Random } from "../../random/random.js";
import type { Block } from "./block.js";
import { parameter, type Layer, type Parameter } from "./layer.js";
import { multiplyTransposed } from "./multiply-transposed.js";
import { multiply } from "./multiply.js";

export interface Conv1dShape {
  /** Positions in a sample; as many come out, since the ends are filled with zeros. */
  readonly steps: number;
  /** Numbers at each position, before and behind. */
  readonly from: number;
  readonly to: number;
  /** Positions that one output looks at. */
  readonly kernel: number;
}

/**
 * A convolution along a sequence: y[t] = b + Σ x[t + j − left] · W[j]. The numbers of a position lie together, so the window of
 * an output is one stretch of the filled input and all windows are a matrix with overlapping rows: nothing is copied out.
 */
export class Conv1d implements Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly [weights: Parameter, biases: Parameter];
  readonly state: readonly Float64Array[] = [];
  readonly #shape: Conv1dShape;
  readonly #left: number;
  /** Inputs of the batch, each with zeros at both ends; and the gradient of one sample likewise. */
  readonly #filled: Block;
  readonly #filledGradient: Block;
  readonly #weights: Block;
  readonly #weightGradients: Block;
  /** The kernel from its end to its start, inputs and outputs exchanged, for the way back. */
  readonly #turned: Block;
  readonly #output: Block;
  readonly #inputGradient: Block;

  /** `draws`: where the first weights come from; null where they are loaded. */
  constructor(shape: Conv1dShape, batch: number, draws: Random | null) {
    const { steps, from, to, kernel } = shape;
    this.#shape = shape;
    this.inputs = steps * from;
    this.outputs = steps * to;
    this.#left = (kernel - 1) >> 1;
    const weights = new Float64Array(kernel * from * to);
    const spread = Math.sqrt(2 / (kernel * from));
    if (draws !== null) for (let i = 0; i < weights.length; i++) weights[i] = spread * gaussian(draws);
    this.parameters = [parameter(weights, true), parameter(new Float64Array(to), false)];
    const filled = steps + kernel - 1;
    this.#filled = { values: new Float64Array(batch * filled * from), at: 0, stride: from };
    this.#filledGradient = { values: new Float64Array(filled * to), at: 0, stride: to };
    this.#weights = { values: weights, at: 0, stride: to };
    this.#weightGradients = { values: this.parameters[0].gradients, at: 0, stride: to };
    this.#turned = { values: new Float64Array(weights.length), at: 0, stride: from };
    this.#output = { values: new Float64Array(batch * this.outputs), at: 0, stride: to };
    this.#inputGradient = { values: new Float64Array(batch * this.inputs), at: 0, stride: from };
  }

  forward(input: Float64Array, rows: number): Float64Array {
    const { steps, from, to, kernel } = this.#shape;
    const filled = this.#filled;
    const width = (steps + kernel - 1) * from;
    const biases = this.parameters[1].values;
    const output = this.#output.values;
    for (let at = 0, end = rows * this.outputs; at < end; at += to)
      for (let o = 0; o < to; o++) output[at + o] = biases[o] ?? 0;
    for (let row = 0; row < rows; row++) {
      filled.at = row * width;
      const begin = filled.at + this.#left * from;
      for (let i = 0, at = row * this.inputs; i < this.inputs; i++, at++) filled.values[begin + i] = input[at] ?? 0;
      this.#output.at = row * this.outputs;
      multiply(filled, this.#weights, this.#output, steps, kernel * from, to);
    }
    return output;
  }

  backward(gradient: Float64Array, rows: number, input: boolean): Float64Array {
    const { steps, from, to, kernel } = this.#shape;
    const filled = this.#filled;
    const biases = this.parameters[1].gradients;
    const given: Block = { values: gradient, at: 0, stride: to };
    for (let at = 0, end = rows * this.outputs; at < end; at += to)
      for (let o = 0; o < to; o++) biases[o] = (biases[o] ?? 0) + (gradient[at + o] ?? 0);
    for (let row = 0; row < rows; row++) {
      filled.at = row * (steps + kernel - 1) * from;
      given.at = row * this.outputs;
      multiplyTransposed(filled, given, this.#weightGradients, steps, kernel * from, to);
    }
    const answer = this.#inputGradient.values;
    if (!input) return answer;
    this.#turn();
    answer.fill(0, 0, rows * this.inputs);
    const begin = (kernel - 1 - this.#left) * to;
    for (let row = 0; row < rows; row++) {
      const wide = this.#filledGradient.values;
      for (let i = 0, at = row * this.outputs; i < this.outputs; i++, at++) wide[begin + i] = gradient[at] ?? 0;
      this.#inputGradient.at = row * this.inputs;
      multiply(this.#filledGradient, this.#turned, this.#inputGradient, steps, kernel * to, from);
    }
    return answer;
  }

  #turn(): void {
    const { from, to, kernel } = this.#shape;
    const weights = this.#weights.values;
    const turned = this.#turned.values;
    for (let j = 0, at = 0; j < kernel; j++)
      for (let i = 0; i < from; i++)
        for (let o = 0; o < to; o++, at++) turned[((kernel - 1 - j) * to + o) * from + i] = weights[at] ?? 0;
  }
}
