import type { EpisodeOptions } from "../defense/options.js";

/**
 * What plans can tell of one stretch of `length` episodes behind one another, in bits at most: it is one of as many lengths as there are
 * plans, or one of as many as it is long, once the last plan repeats. With one plan that never repeats: 0. When it began comes on top; inside there is nothing.
 */
export function chainBits({ plans }: EpisodeOptions, length: number): number {
  return Math.log2(Math.max(plans, length));
}

/** The share of guesses that can be right among `classes` equally likely ones, for who is told one of `outcomes` things: each names one class at best. */
export function guessBound(classes: number, outcomes: number): number {
  return Math.min(1, outcomes / classes);
}
