import { gaussian, type Random } from "../../random/random.js";
import type { Block } from "./block.js";
import { parameter, type Layer, type Parameter } from "./layer.js";
import { multiplyTransposed } from "./multiply-transposed.js";
import { multiply } from "./multiply.js";

/** Every output from every input: y = x · W + b. Begins as He et al. 2015 draw it for rectified units. */
export class Dense implements Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly [weights: Parameter, biases: Parameter];
  readonly state: readonly Float64Array[] = [];
  readonly #weights: Block;
  readonly #weightGradients: Block;
  /** W with rows and columns exchanged, for the way back. */
  readonly #turned: Block;
  readonly #output: Block;
  readonly #inputGradient: Block;
  #input: Block;

  /** `draws`: where the first weights come from; null where they are loaded. */
  constructor(inputs: number, outputs: number, batch: number, draws: Random | null) {
    this.inputs = inputs;
    this.outputs = outputs;
    const weights = new Float64Array(inputs * outputs);
    const spread = Math.sqrt(2 / inputs);
    if (draws !== null) for (let i = 0; i < weights.length; i++) weights[i] = spread * gaussian(draws);
    this.parameters = [parameter(weights, true), parameter(new Float64Array(outputs), false)];
    this.#weights = { values: weights, at: 0, stride: outputs };
    this.#weightGradients = { values: this.parameters[0].gradients, at: 0, stride: outputs };
    this.#turned = { values: new Float64Array(inputs * outputs), at: 0, stride: inputs };
    this.#output = { values: new Float64Array(batch * outputs), at: 0, stride: outputs };
    this.#inputGradient = { values: new Float64Array(batch * inputs), at: 0, stride: inputs };
    this.#input = this.#inputGradient;
  }

  forward(input: Float64Array, rows: number): Float64Array {
    const { inputs, outputs } = this;
    this.#input = { values: input, at: 0, stride: inputs };
    const output = this.#output.values;
    for (let row = 0; row < rows; row++) output.set(this.parameters[1].values, row * outputs);
    multiply(this.#input, this.#weights, this.#output, rows, inputs, outputs);
    return output;
  }

  backward(gradient: Float64Array, rows: number, input: boolean): Float64Array {
    const { inputs, outputs } = this;
    const given: Block = { values: gradient, at: 0, stride: outputs };
    const biases = this.parameters[1].gradients;
    for (let row = 0, at = 0; row < rows; row++)
      for (let j = 0; j < outputs; j++, at++) biases[j] = (biases[j] ?? 0) + (gradient[at] ?? 0);
    multiplyTransposed(this.#input, given, this.#weightGradients, rows, inputs, outputs);
    const answer = this.#inputGradient.values;
    if (!input) return answer;
    turn(this.#weights.values, this.#turned.values, inputs, outputs);
    answer.fill(0, 0, rows * inputs);
    multiply(given, this.#turned, this.#inputGradient, rows, outputs, inputs);
    return answer;
  }
}

/** The transpose of a matrix of rows × columns. */
function turn(from: Float64Array, into: Float64Array, rows: number, columns: number): void {
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < columns; j++, at++) into[j * rows + i] = from[at] ?? 0;
}
