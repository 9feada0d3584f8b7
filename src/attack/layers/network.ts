import type { Random } from "../../random/random.js";
import type { Layer, Parameter } from "./layer.js";
import type { Rows } from "./rows.js";
import { softmax } from "./softmax.js";

/** A score whose share is 0 beside any other. */
const NEVER = -1e300;

/** Layers one behind the other, ending in a score for each class. Works on up to `batch` samples at a time, for which its layers have room. */
export class Network {
  readonly batch: number;
  readonly inputs: number;
  readonly classes: number;
  readonly parameters: readonly Parameter[];
  readonly #layers: readonly Layer[];

  constructor(layers: readonly Layer[], batch: number) {
    this.batch = batch;
    this.#layers = layers;
    this.inputs = layers[0]?.inputs ?? 0;
    this.classes = layers.at(-1)?.outputs ?? 0;
    this.parameters = layers.flatMap((layer) => layer.parameters);
  }

  /** Scores of `rows` samples, which may be overwritten. `draws`: see Layer. */
  forward(input: Float64Array, rows: number, draws: Random | null): Float64Array {
    let values = input;
    for (const layer of this.#layers) values = layer.forward(values, rows, draws);
    return values;
  }

  /** From the loss's gradient by the scores of the last forward pass to those by the parameters. */
  backward(gradient: Float64Array, rows: number): void {
    let slopes = gradient;
    for (let i = this.#layers.length - 1; i >= 0; i--)
      slopes = this.#layers[i]?.backward(slopes, rows, i > 0) ?? slopes;
  }

  /** Shares of the classes for each sample: rows × classes. A sample's do not depend on the others. */
  probabilities(samples: Rows): Float64Array {
    const { batch, classes, inputs } = this;
    const shares = new Float64Array(samples.count * classes);
    const input = new Float64Array(batch * inputs);
    for (let row = 0; row < samples.count; row += batch) {
      const count = Math.min(batch, samples.count - row);
      for (let i = 0; i < count; i++) samples.copy(row + i, input, i * inputs);
      const scores = this.forward(input, count, null);
      softmax(scores, count, classes);
      shares.set(scores.subarray(0, count * classes), row * classes);
    }
    return shares;
  }

  /** Classes that no label names will never be answered. */
  leaveOut(labels: Uint8Array): void {
    const named = new Set(labels);
    const biases = this.#layers.at(-1)?.parameters.at(-1)?.values;
    for (let c = 0; c < this.classes; c++) if (!named.has(c)) biases?.fill(NEVER, c, c + 1);
  }

  /** All that was learnt, layer by layer: what is saved. */
  numbers(): Float64Array {
    return Float64Array.from(this.#tensors().flatMap((values) => [...values]));
  }

  /** Puts numbers back. False, and nothing done, where there are not as many as the network has. */
  fill(numbers: Float64Array): boolean {
    const tensors = this.#tensors();
    if (tensors.reduce((sum, { length }) => sum + length, 0) !== numbers.length) return false;
    let at = 0;
    for (const values of tensors) {
      values.set(numbers.subarray(at, at + values.length));
      at += values.length;
    }
    return true;
  }

  #tensors(): Float64Array[] {
    return this.#layers.flatMap((layer) => [...layer.parameters.map(({ values }) => values), ...layer.state]);
  }
}
