import type { Random } from "../../random/random.js";

/** Numbers that training moves. `decays`: weights do, biases and what batch normalisation learns do not. */
export interface Parameter {
  readonly values: Float64Array;
  /** The loss's slope by each of them; a backward pass adds to it. */
  readonly gradients: Float64Array;
  readonly decays: boolean;
}

/**
 * One step of a network, over `rows` samples that lie one behind the other. Its buffers are its own, hold the largest batch and
 * are used again: what it answers is good until its next call. A layer may write over what it is given (no layer reads its own
 * output or the gradient that it answered again).
 */
export interface Layer {
  /** Numbers that a sample has in front of the layer, and behind it. */
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly Parameter[];
  /** What a saved model needs beside the parameters. */
  readonly state: readonly Float64Array[];
  /** `draws`: where chance comes from while the network learns; null where it answers. */
  forward(input: Float64Array, rows: number, draws: Random | null): Float64Array;
  /** From the loss's gradient by the last output (of a forward pass with draws) that by its input, and by the parameters. `input`: false where nobody asks for the former. */
  backward(gradient: Float64Array, rows: number, input: boolean): Float64Array;
}

export function parameter(values: Float64Array, decays: boolean): Parameter {
  return { values, gradients: new Float64Array(values.length), decays };
}
