import { softmax } from "./softmax.js";

/**
 * The loss of a classifier: −weight · log p(label) of softmaxed scores, averaged over the rows. Turns the scores into the loss's gradient
 * by them, in place: weight · (p − [c = label]) / rows.
 */
export function crossEntropy(
  scores: Float64Array,
  labels: Uint8Array,
  weights: Float64Array,
  rows: number,
  classes: number,
): number {
  softmax(scores, rows, classes);
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const label = labels[row] ?? 0;
    const weight = (weights[label] ?? 0) / rows;
    const start = row * classes;
    loss -= weight * Math.log(Math.max(Number.MIN_VALUE, scores[start + label] ?? 0));
    for (let c = 0; c < classes; c++) scores[start + c] = weight * ((scores[start + c] ?? 0) - (c === label ? 1 : 0));
  }
  return loss;
}
