import type { Tally } from "./tally.js";

/**
 * Mutual information in bits between the class and an attack's answer, where all classes are equally likely (as chance and balanced
 * accuracy take them): H(answer) - mean over the classes of H(answer | class), from the shares that were answered. What an answer
 * says of the class the traffic said before it (data processing), so this estimates a lower bound on I(class; traffic): what the attack
 * has proved that the traffic tells. It is no upper bound: a better attack may prove more.
 *
 * Entropies of samples are too small, the inner ones most, so the plain figure is too large. Each term is corrected to second order by
 * the variance of its shares, var(p) / 2p (Miller 1955, Madow's derivation); the variance is that between groups, since windows of one
 * capture repeat each other: p(1 - p) / (n - 1), so (answers - 1) / 2(n - 1) nats a class, where each of n groups is one row. The
 * correction is an approximation for shares not near 0; the figure may fall below 0, and is given as it is.
 *
 * `weights`: how often each group is taken; once without them. Classes without a row do not count.
 */
export function mutualInformation(tally: Tally, weights?: Float64Array): number {
  const { classes } = tally;
  const confusion = tally.confusion(weights);
  const present = Array.from({ length: classes }, (_, c) => c).filter((c) => confusion.of(c) > 0);
  const answers = new Float64Array(classes);
  const variances = new Float64Array(classes);
  let inner = 0;
  for (const truth of present) {
    const spread = varianceBetweenGroups(tally, truth, weights);
    for (let answer = 0; answer < classes; answer++) {
      const p = confusion.at(truth, answer) / confusion.of(truth);
      const variance = spread[answer] ?? 0;
      answers[answer] = (answers[answer] ?? 0) + p / present.length;
      variances[answer] = (variances[answer] ?? 0) + variance / present.length ** 2;
      inner += entropyTerm(p, variance) / present.length;
    }
  }
  const outer = answers.reduce((sum, p, answer) => sum + entropyTerm(p, variances[answer] ?? 0), 0);
  return (outer - inner) / Math.LN2;
}

/** -p ln p, and what the estimate of it lacks on average. */
function entropyTerm(p: number, variance: number): number {
  return p <= 0 ? 0 : -p * Math.log(p) + variance / (2 * p);
}

/** The variance of each answer's share among the rows of a class, as a ratio estimate over groups; 0 with one group. */
function varianceBetweenGroups(tally: Tally, truth: number, weights: Float64Array | undefined): Float64Array {
  const { classes } = tally;
  const total = new Float64Array(classes);
  const sizes = new Float64Array(tally.groups);
  let rows = 0;
  let groups = 0;
  for (let g = 0; g < tally.groups; g++) {
    const weight = weights === undefined ? 1 : (weights[g] ?? 0);
    let size = 0;
    for (let answer = 0; answer < classes; answer++) {
      const n = tally.at(g, truth, answer);
      size += n;
      total[answer] = (total[answer] ?? 0) + weight * n;
    }
    sizes[g] = size;
    rows += weight * size;
    if (size > 0) groups += weight;
  }
  const variance = new Float64Array(classes);
  if (groups < 2) return variance;
  for (let answer = 0; answer < classes; answer++) {
    const p = (total[answer] ?? 0) / rows;
    let squares = 0;
    for (let g = 0; g < tally.groups; g++) {
      const weight = weights === undefined ? 1 : (weights[g] ?? 0);
      if (weight > 0) squares += weight * (tally.at(g, truth, answer) - p * (sizes[g] ?? 0)) ** 2;
    }
    variance[answer] = ((groups / (groups - 1)) * squares) / rows ** 2;
  }
  return variance;
}
