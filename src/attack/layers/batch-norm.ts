import type { Random } from "../../random/random.js";
import { parameter, type Layer, type Parameter } from "./layer.js";

/** Keeps the root of a variance off 0. */
const EPSILON = 1e-5;
/** A channel of less variance was constant but for rounding. Nothing was learnt about it, so it says nothing when it moves later. */
const CONSTANT = 1e-20;
/** How much the newest batch counts in what is remembered, once ten have been seen. */
const NEWEST = 0.1;

/**
 * Batch normalisation (Ioffe and Szegedy 2015): each channel to mean 0 and variance 1 over the batch and all positions, then a
 * scale and a shift that are learnt. Where the network answers, the moments remembered from training stand in for the batch's.
 */
export class BatchNorm implements Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly [scales: Parameter, shifts: Parameter];
  readonly state: readonly [means: Float64Array, variances: Float64Array];
  readonly #channels: number;
  readonly #normal: Float64Array;
  readonly #output: Float64Array;
  readonly #means: Float64Array;
  readonly #inverses: Float64Array;
  readonly #products: Float64Array;
  #batches = 0;

  /** Samples of `positions` × `channels` numbers. */
  constructor(positions: number, channels: number, batch: number) {
    this.inputs = this.outputs = positions * channels;
    this.#channels = channels;
    this.parameters = [
      parameter(new Float64Array(channels).fill(1), false),
      parameter(new Float64Array(channels), false),
    ];
    this.state = [new Float64Array(channels), new Float64Array(channels).fill(1)];
    this.#normal = new Float64Array(batch * this.inputs);
    this.#output = new Float64Array(batch * this.inputs);
    this.#means = new Float64Array(channels);
    this.#inverses = new Float64Array(channels);
    this.#products = new Float64Array(channels);
  }

  forward(input: Float64Array, rows: number, draws: Random | null): Float64Array {
    const channels = this.#channels;
    const end = rows * this.inputs;
    if (draws === null) this.#recall();
    else this.#measure(input, end);
    const means = this.#means;
    const inverses = this.#inverses;
    const scales = this.parameters[0].values;
    const shifts = this.parameters[1].values;
    const normal = this.#normal;
    const output = this.#output;
    for (let at = 0; at < end; at += channels) {
      for (let c = 0; c < channels; c++) {
        const value = ((input[at + c] ?? 0) - (means[c] ?? 0)) * (inverses[c] ?? 0);
        normal[at + c] = value;
        output[at + c] = value * (scales[c] ?? 0) + (shifts[c] ?? 0);
      }
    }
    return output;
  }

  /** dx = s/σ · (dy − mean(dy) − x̂ · mean(dy · x̂)), the moments being functions of x too. In place. */
  backward(gradient: Float64Array, rows: number): Float64Array {
    const channels = this.#channels;
    const end = rows * this.inputs;
    const count = end / channels;
    const normal = this.#normal;
    const inverses = this.#inverses;
    const scales = this.parameters[0].values;
    // The parameters' gradients add up over calls; this call's sums are wanted alone.
    const sums = this.#means.fill(0);
    const products = this.#products.fill(0);
    for (let at = 0; at < end; at += channels) {
      for (let c = 0; c < channels; c++) {
        const slope = gradient[at + c] ?? 0;
        sums[c] = (sums[c] ?? 0) + slope;
        products[c] = (products[c] ?? 0) + slope * (normal[at + c] ?? 0);
      }
    }
    const [scaleSlopes, shiftSlopes] = [this.parameters[0].gradients, this.parameters[1].gradients];
    for (let c = 0; c < channels; c++) {
      scaleSlopes[c] = (scaleSlopes[c] ?? 0) + (products[c] ?? 0);
      shiftSlopes[c] = (shiftSlopes[c] ?? 0) + (sums[c] ?? 0);
    }
    for (let at = 0; at < end; at += channels) {
      for (let c = 0; c < channels; c++) {
        const rest = ((sums[c] ?? 0) + (normal[at + c] ?? 0) * (products[c] ?? 0)) / count;
        gradient[at + c] = (scales[c] ?? 0) * (inverses[c] ?? 0) * ((gradient[at + c] ?? 0) - rest);
      }
    }
    return gradient;
  }

  /** The batch's moments, and what they add to memory. The first batches count more: memory begins with the first, not with a guess. */
  #measure(input: Float64Array, end: number): void {
    const channels = this.#channels;
    const count = end / channels;
    const means = this.#means.fill(0);
    const inverses = this.#inverses.fill(0);
    for (let at = 0; at < end; at += channels)
      for (let c = 0; c < channels; c++) means[c] = (means[c] ?? 0) + (input[at + c] ?? 0);
    for (let c = 0; c < channels; c++) means[c] = (means[c] ?? 0) / count;
    for (let at = 0; at < end; at += channels) {
      for (let c = 0; c < channels; c++) {
        const off = (input[at + c] ?? 0) - (means[c] ?? 0);
        inverses[c] = (inverses[c] ?? 0) + off * off;
      }
    }
    const [keptMeans, keptVariances] = this.state;
    const newest = Math.max(NEWEST, 1 / ++this.#batches);
    for (let c = 0; c < channels; c++) {
      const variance = (inverses[c] ?? 0) / count;
      keptMeans[c] = (1 - newest) * (keptMeans[c] ?? 0) + newest * (means[c] ?? 0);
      keptVariances[c] = (1 - newest) * (keptVariances[c] ?? 0) + newest * variance;
      inverses[c] = 1 / Math.sqrt(variance + EPSILON);
    }
  }

  #recall(): void {
    const [keptMeans, keptVariances] = this.state;
    this.#means.set(keptMeans);
    for (let c = 0; c < this.#channels; c++) {
      const variance = keptVariances[c] ?? 0;
      this.#inverses[c] = variance < CONSTANT ? 0 : 1 / Math.sqrt(variance + EPSILON);
    }
  }
}
