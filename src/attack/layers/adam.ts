import type { Parameter } from "./layer.js";

const FIRST = 0.9;
const SECOND = 0.99;
const EPSILON = 1e-5;

/** Adam (Kingma and Ba 2015) with weight decay beside the gradient (Loshchilov and Hutter 2019), and with fast.ai's constants 0.99 and 1e-5. */
export class Adam {
  readonly #decay: number;
  readonly #parameters: readonly {
    readonly of: Parameter;
    readonly means: Float64Array;
    readonly squares: Float64Array;
  }[];
  #steps = 0;

  /** `decay`: the share of a weight that a step of rate 1 takes away. */
  constructor(parameters: readonly Parameter[], decay: number) {
    this.#decay = decay;
    this.#parameters = parameters.map((of) => ({
      of,
      means: new Float64Array(of.values.length),
      squares: new Float64Array(of.values.length),
    }));
  }

  /** Moves every parameter against its gradient, and sets the gradients to 0. */
  step(rate: number): void {
    this.#steps++;
    const meanScale = 1 / (1 - FIRST ** this.#steps);
    const squareScale = 1 / (1 - SECOND ** this.#steps);
    for (const { of, means, squares } of this.#parameters) {
      const { values, gradients } = of;
      const keep = of.decays ? 1 - rate * this.#decay : 1;
      for (let i = 0; i < values.length; i++) {
        const slope = gradients[i] ?? 0;
        const mean = FIRST * (means[i] ?? 0) + (1 - FIRST) * slope;
        const square = SECOND * (squares[i] ?? 0) + (1 - SECOND) * slope * slope;
        means[i] = mean;
        squares[i] = square;
        values[i] = keep * (values[i] ?? 0) - (rate * meanScale * mean) / (Math.sqrt(squareScale * square) + EPSILON);
        gradients[i] = 0;
      }
    }
  }
}
