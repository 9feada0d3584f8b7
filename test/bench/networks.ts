// What neural networks cost: GFLOP/s of their products, seconds of CPU to train: node build/test/bench/networks.js
import type { Attack, Labelled } from "../../src/attack/attack.js";
import { DeepFingerprinting } from "../../src/attack/deep-fingerprinting.js";
import type { Block } from "../../src/attack/layers/block.js";
import { multiplyTransposed } from "../../src/attack/layers/multiply-transposed.js";
import { multiply } from "../../src/attack/layers/multiply.js";
import { NeuralNetwork } from "../../src/attack/neural-network.js";
import { gaussian } from "../../src/random/random.js";
import { SeededRandom } from "../../src/random/seeded-random.js";

const draws = new SeededRandom("bench");
const cpu = (): number => process.cpuUsage().user / 1e6;
const normals = (count: number): Float64Array => Float64Array.from({ length: count }, () => gaussian(draws));
const block = (values: Float64Array, stride: number): Block => ({ values, at: 0, stride });

/** The best of five rounds: other work on the machine only ever takes away. */
function speed(m: number, k: number, n: number, stride: number, transposed: boolean): number {
  const a = block(normals(m * k + k), stride);
  const b = block(normals((transposed ? m : k) * n), n);
  const c = block(new Float64Array((transposed ? k : m) * n), n);
  const product = transposed ? multiplyTransposed : multiply;
  const calls = Math.ceil(5e8 / (2 * m * k * n));
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const start = cpu();
    for (let i = 0; i < calls; i++) product(a, b, c, m, k, n);
    best = Math.max(best, (2 * m * k * n * calls) / (cpu() - start) / 1e9);
  }
  return best;
}

for (const [what, m, k, n, stride] of [
  ["dense 12 to 200, batch of 64", 64, 12, 200, 12],
  ["dense 200 to 100, batch of 64", 64, 200, 100, 200],
  ["dense 1000 to 512, batch of 64", 64, 1000, 512, 1000],
  ["convolution 2 to 8, 1000 packets", 1000, 16, 8, 2],
  ["convolution 8 to 16, 250 packets", 250, 64, 16, 8],
  ["convolution 32 to 64, 63 packets", 63, 256, 64, 32],
] as const) {
  const [forward, backward] = [speed(m, k, n, stride, false), speed(m, k, n, stride, true)];
  console.log(
    `${what.padEnd(40)}${forward.toFixed(2).padStart(8)} GFLOP/s${backward.toFixed(2).padStart(8)} transposed`,
  );
}

function labelled(rows: number, columns: number): Labelled {
  const labels = Uint8Array.from({ length: rows }, (_, row) => row % 3);
  return { samples: { rows, columns, values: normals(rows * columns) }, labels, classes: 3 };
}

for (const [attack, rows, columns] of [
  [new NeuralNetwork(), 75, 12],
  [new NeuralNetwork(), 5000, 12],
  [new NeuralNetwork(), 50_000, 12],
  [new DeepFingerprinting(), 75, 1000],
  [new DeepFingerprinting(), 1000, 1000],
] as const satisfies readonly (readonly [Attack, number, number])[]) {
  const from = labelled(rows, columns);
  const start = cpu();
  const model = attack.train(from, draws);
  const trained = cpu();
  model.probabilities(from.samples);
  const told = `${(trained - start).toFixed(1).padStart(8)} s to train${(((cpu() - trained) / rows) * 1e6).toFixed(0).padStart(8)} µs a row to answer`;
  console.log(`${`${attack.name}, ${String(rows)} × ${String(columns)}`.padEnd(40)}${told}`);
}
