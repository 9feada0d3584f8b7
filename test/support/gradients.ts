import type { Layer } from "../../src/attack/layers/layer.js";
import { gaussian } from "../../src/random/random.js";
import { SeededRandom } from "../../src/random/seeded-random.js";

const STEP = 1e-5;

/** Numbers from a standard normal distribution. */
export function normals(count: number, seed: string): Float64Array {
  const draws = new SeededRandom(seed);
  return Float64Array.from({ length: count }, () => gaussian(draws));
}

/**
 * The largest difference between a layer's slopes and those measured by moving each input and each parameter a little both ways, against the
 * largest slope; by inputs and by each parameter. The loss is a random weighting of the outputs.
 */
export function slopeErrors(layer: Layer, rows: number): number[] {
  const input = normals(rows * layer.inputs, "input");
  const pull = normals(rows * layer.outputs, "pull");
  for (const [i, { values }] of layer.parameters.entries()) values.set(normals(values.length, `parameter ${i}`));
  // The same draws each time; and a layer may overwrite its input.
  const loss = (): number =>
    layer
      .forward(input.slice(), rows, new SeededRandom("draws"))
      .slice(0, pull.length)
      .reduce((sum, out, i) => sum + out * (pull[i] ?? 0), 0);
  for (const { gradients } of layer.parameters) gradients.fill(0);
  loss();
  const slopes = layer.backward(pull.slice(), rows, true).slice(0, input.length);
  const told = [slopes, ...layer.parameters.map(({ gradients }) => gradients.slice())];
  const moved = [input, ...layer.parameters.map(({ values }) => values)];
  return moved.map((values, which) => {
    const all = told[which] ?? new Float64Array();
    let worst = 0;
    for (let i = 0; i < values.length; i++) {
      const kept = values[i] ?? 0;
      values[i] = kept + STEP;
      const above = loss();
      values[i] = kept - STEP;
      const slope = (above - loss()) / (2 * STEP);
      values[i] = kept;
      worst = Math.max(worst, Math.abs(slope - (all[i] ?? NaN)));
    }
    return worst / all.reduce((most, slope) => Math.max(most, Math.abs(slope)), 1e-3);
  });
}
