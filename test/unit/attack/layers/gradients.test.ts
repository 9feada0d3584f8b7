import { test } from "tap";
import { BatchNorm } from "../../../../src/attack/layers/batch-norm.js";
import { Conv1d } from "../../../../src/attack/layers/conv1d.js";
import { crossEntropy } from "../../../../src/attack/layers/cross-entropy.js";
import { Dense } from "../../../../src/attack/layers/dense.js";
import { Dropout } from "../../../../src/attack/layers/dropout.js";
import { Elu } from "../../../../src/attack/layers/elu.js";
import type { Layer } from "../../../../src/attack/layers/layer.js";
import { MaxPool } from "../../../../src/attack/layers/max-pool.js";
import { Network } from "../../../../src/attack/layers/network.js";
import { Relu } from "../../../../src/attack/layers/relu.js";
import { SeededRandom } from "../../../../src/random/seeded-random.js";
import { normals, slopeErrors } from "../../../support/gradients.js";

const draws = new SeededRandom("weights");

// Fewer rows than the batch: what lies behind them in the buffers must not count.
const LAYERS: readonly (readonly [string, Layer, rows: number])[] = [
  ["dense 5 to 7", new Dense(5, 7, 6, draws), 5],
  ["dense 300 to 6, over a strip", new Dense(300, 6, 4, draws), 3],
  ["dense of one row", new Dense(4, 3, 1, draws), 1],
  ["convolution of an even kernel", new Conv1d({ steps: 11, from: 3, to: 5, kernel: 4 }, 4, draws), 3],
  ["convolution of an odd kernel", new Conv1d({ steps: 8, from: 2, to: 4, kernel: 3 }, 2, draws), 2],
  [
    "convolution over a sequence shorter than its kernel",
    new Conv1d({ steps: 3, from: 2, to: 2, kernel: 8 }, 2, draws),
    2,
  ],
  ["convolution over more than a strip", new Conv1d({ steps: 300, from: 1, to: 4, kernel: 8 }, 2, draws), 1],
  ["batch normalisation of columns", new BatchNorm(1, 6, 8), 7],
  ["batch normalisation along a sequence", new BatchNorm(5, 3, 4), 3],
  ["rectified units", new Relu(9, 4), 3],
  ["exponential units", new Elu(9, 4), 3],
  ["dropout", new Dropout(0.3, 20, 4), 3],
  ["pooling of windows that overlap", new MaxPool({ steps: 13, channels: 3, window: 8, stride: 4 }, 4), 3],
  ["pooling of windows apart", new MaxPool({ steps: 12, channels: 2, window: 2, stride: 3 }, 2), 2],
];

for (const [name, layer, rows] of LAYERS) {
  test(`the slopes of ${name} are those measured`, async (t) => {
    for (const [which, error] of slopeErrors(layer, rows).entries()) {
      t.ok(error < 1e-7, `${which === 0 ? "by the input" : `by parameter ${which}`}: off by ${error}`);
    }
  });
}

test("slopes add up over backward passes", async (t) => {
  for (const layer of [
    new Dense(3, 4, 2, draws),
    new Conv1d({ steps: 4, from: 2, to: 4, kernel: 3 }, 2, draws),
    new BatchNorm(2, 4, 2),
  ]) {
    layer.forward(normals(2 * layer.inputs, "input"), 2, draws);
    layer.backward(normals(2 * layer.outputs, "pull"), 2, false);
    const once = layer.parameters.map(({ gradients }) => gradients.slice());
    layer.backward(normals(2 * layer.outputs, "pull"), 2, false);
    for (const [i, { gradients }] of layer.parameters.entries())
      t.ok(gradients.every((slope, at) => Math.abs(slope - 2 * (once[i]?.[at] ?? NaN)) < 1e-12));
  }
});

test("the slopes of the loss are those measured, weighted by class", async (t) => {
  const [rows, classes] = [5, 4];
  const scores = normals(rows * classes, "scores");
  const labels = Uint8Array.of(0, 3, 1, 3, 2);
  const weights = Float64Array.of(1, 0.5, 3, 0.25);
  const slopes = scores.slice();
  crossEntropy(slopes, labels, weights, rows, classes);
  const loss = (values: Float64Array): number => crossEntropy(values.slice(), labels, weights, rows, classes);
  for (let i = 0; i < scores.length; i++) {
    const [above, below] = [scores.slice(), scores.slice()];
    above[i] = (above[i] ?? 0) + 1e-5;
    below[i] = (below[i] ?? 0) - 1e-5;
    t.ok(Math.abs((loss(above) - loss(below)) / 2e-5 - (slopes[i] ?? NaN)) < 1e-9);
  }
});

test("scores beyond the range of exponentials give a loss and slopes that are numbers", async (t) => {
  const scores = Float64Array.of(5000, -5000, -5000, 5000);
  const loss = crossEntropy(scores, Uint8Array.of(0, 0), Float64Array.of(1, 1), 2, 2);
  t.ok(Number.isFinite(loss) && loss > 300);
  t.same([...scores], [0, 0, -0.5, 0.5]);
});

test("the slopes of a whole network are those measured", async (t) => {
  const [rows, classes] = [4, 3];
  const conv = new Conv1d({ steps: 12, from: 1, to: 4, kernel: 4 }, rows, draws);
  const pool = new MaxPool({ steps: 12, channels: 4, window: 4, stride: 2 }, rows);
  const layers: Layer[] = [
    conv,
    new BatchNorm(12, 4, rows),
    new Elu(48, rows),
    pool,
    new Dropout(0.2, pool.outputs, rows),
  ];
  layers.push(
    new Dense(pool.outputs, 8, rows, draws),
    new Relu(8, rows),
    new BatchNorm(1, 8, rows),
    new Dense(8, classes, rows, draws),
  );
  const network = new Network(layers, rows);
  const input = normals(rows * 12, "input");
  const labels = Uint8Array.of(0, 1, 2, 1);
  const weights = new Float64Array(classes).fill(1);
  const forward = (): Float64Array => network.forward(input.slice(), rows, new SeededRandom("draws"));
  const loss = (): number => crossEntropy(forward(), labels, weights, rows, classes);
  const scores = forward();
  crossEntropy(scores, labels, weights, rows, classes);
  network.backward(scores, rows);
  for (const [which, { values, gradients }] of network.parameters.entries()) {
    let worst = 0;
    for (let i = 0; i < values.length; i++) {
      const kept = values[i] ?? 0;
      values[i] = kept + 1e-5;
      const above = loss();
      values[i] = kept - 1e-5;
      const slope = (above - loss()) / 2e-5;
      values[i] = kept;
      worst = Math.max(worst, Math.abs(slope - (gradients[i] ?? NaN)));
    }
    t.ok(worst < 1e-7, `parameter ${which}: off by ${worst}`);
  }
});
