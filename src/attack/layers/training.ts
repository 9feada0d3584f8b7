import { integer, type Random } from "../../random/random.js";
import { Adam } from "./adam.js";
import { crossEntropy } from "./cross-entropy.js";
import type { Network } from "./network.js";
import { oneCycle } from "./one-cycle.js";
import type { Rows } from "./rows.js";

/** How a network learns. */
export interface Training {
  /** Passes over the samples. Fixed: to stop by a part held out would cost a small set a fifth of its rows, and a part held out at random shares its captures with the rest. */
  readonly epochs: number;
  /** The highest learning rate of the cycle. */
  readonly rate: number;
  readonly decay: number;
}

/** What a network learns from: the class of each row, and how much a row of each class counts. */
export interface Lesson {
  readonly samples: Rows;
  readonly labels: Uint8Array;
  readonly weights: Float64Array;
}

/** Teaches a network, in batches as even as they can be: a batch of one would have no variance to normalise by. */
export function train(
  network: Network,
  { samples, labels, weights }: Lesson,
  { epochs, rate, decay }: Training,
  random: Random,
  progress?: (done: number) => void,
): void {
  const { batch, inputs, classes } = network;
  const rows = samples.count;
  const adam = new Adam(network.parameters, decay);
  const order = Uint32Array.from({ length: rows }, (_, row) => row);
  const input = new Float64Array(batch * inputs);
  const wanted = new Uint8Array(batch);
  const batches = Math.ceil(rows / batch);
  const steps = epochs * batches;
  for (let step = 0; step < steps; step++) {
    const part = step % batches;
    if (part === 0) shuffle(order, random);
    const from = Math.floor((part * rows) / batches);
    const count = Math.floor(((part + 1) * rows) / batches) - from;
    for (let i = 0; i < count; i++) {
      const row = order[from + i] ?? 0;
      samples.copy(row, input, i * inputs);
      wanted[i] = labels[row] ?? 0;
    }
    const scores = network.forward(input, count, random);
    crossEntropy(scores, wanted, weights, count, classes);
    network.backward(scores, count);
    adam.step(oneCycle(rate, step / steps));
    progress?.((step + 1) / steps);
  }
  network.leaveOut(labels);
}

/** Fisher and Yates. */
function shuffle(order: Uint32Array, random: Random): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = integer(random, 0, i);
    const kept = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = kept;
  }
}
