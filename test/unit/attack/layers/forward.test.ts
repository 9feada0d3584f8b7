import { test } from "tap";
import { BatchNorm } from "../../../../src/attack/layers/batch-norm.js";
import { Conv1d } from "../../../../src/attack/layers/conv1d.js";
import { Dense } from "../../../../src/attack/layers/dense.js";
import { Dropout } from "../../../../src/attack/layers/dropout.js";
import { Elu } from "../../../../src/attack/layers/elu.js";
import { MaxPool } from "../../../../src/attack/layers/max-pool.js";
import { oneCycle } from "../../../../src/attack/layers/one-cycle.js";
import { Relu } from "../../../../src/attack/layers/relu.js";
import { SeededRandom } from "../../../../src/random/seeded-random.js";
import { normals } from "../../../support/gradients.js";

test("dense: every output from every input", async (t) => {
  const layer = new Dense(2, 3, 1, null);
  layer.parameters[0].values.set([1, 2, 3, 10, 20, 30]);
  layer.parameters[1].values.set([0.5, 0, -0.5]);
  t.same([...layer.forward(Float64Array.of(1, 2), 1)], [21.5, 42, 62.5]);
});

test("convolution: windows along the sequence, zeros beyond its ends", async (t) => {
  const layer = new Conv1d({ steps: 4, from: 1, to: 1, kernel: 3 }, 1, null);
  layer.parameters[0].values.set([100, 10, 1]);
  layer.parameters[1].values.set([0.5]);
  t.same([...layer.forward(Float64Array.of(1, 2, 3, 4), 1)], [12.5, 123.5, 234.5, 340.5]);
});

test("pooling: the largest of each window and channel", async (t) => {
  const layer = new MaxPool({ steps: 5, channels: 2, window: 2, stride: 2 }, 1);
  t.same([...layer.forward(Float64Array.of(1, -1, 2, -2, 3, -3, 2, -2, 9, -9), 1)], [2, -1, 3, -2, 9, -9]);
});

test("units: rectified and exponential", async (t) => {
  t.same([...new Relu(3, 1).forward(Float64Array.of(-2, 0, 2), 1)], [0, 0, 2]);
  t.same([...new Elu(3, 1).forward(Float64Array.of(-2, 0, 2), 1)], [Math.exp(-2) - 1, 0, 2]);
});

test("dropout: a share is dropped while learning and the sum is kept; nothing where the network answers", async (t) => {
  const layer = new Dropout(0.25, 10_000, 1);
  const kept = layer.forward(new Float64Array(10_000).fill(3), 1, new SeededRandom("d"));
  t.same(new Set(kept), new Set([0, 4]));
  const dropped = kept.filter((value) => value === 0).length;
  t.ok(dropped > 2300 && dropped < 2700, `${dropped}`);
  t.same(new Set(layer.forward(new Float64Array(10_000).fill(3), 1, null)), new Set([3]));
});

test("batch normalisation: mean 0 and variance 1 while learning; afterwards by what it remembers", async (t) => {
  const layer = new BatchNorm(50, 2, 4);
  const input = normals(400, "x").map((value, i) => (i % 2 === 0 ? 5 + 3 * value : -100 * value));
  const draws = new SeededRandom("unused");
  const output = layer.forward(input, 4, draws).slice();
  for (const channel of [0, 1]) {
    const values = output.filter((_, i) => i % 2 === channel);
    const mean = values.reduce((sum, value) => sum + value, 0) / 200;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 200;
    t.ok(Math.abs(mean) < 1e-12 && Math.abs(variance - 1) < 1e-4, `mean ${mean}, variance ${variance}`);
  }
  // One batch alone is remembered exactly.
  const again = layer.forward(input, 4, null);
  t.ok(output.every((value, i) => Math.abs(value - (again[i] ?? NaN)) < 1e-12));
  const constant = new BatchNorm(1, 1, 4);
  constant.forward(new Float64Array(4).fill(7), 4, draws);
  t.same([...constant.forward(Float64Array.of(7, 1000), 2, null).subarray(0, 2)], [0, 0]);
});

test("one cycle: from a 25th up for a quarter of the way, then down to nothing", async (t) => {
  const rates = [0, 0.125, 0.25, 0.625, 1].map((done) => oneCycle(1, done));
  for (const [i, rate] of [0.04, 0.52, 1, 0.500005, 0.00001].entries())
    t.ok(Math.abs((rates[i] ?? NaN) - rate) < 1e-12, `${rates[i] ?? ""} for ${rate}`);
});
