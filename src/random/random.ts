/** Where draws come from. Handed in, so that the same seed gives the same bytes. */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  word(): number;
}

/** A uniform number in [0, 1). */
export function uniform(random: Random): number {
  return random.word() / 0x1_0000_0000;
}

/** A uniform integer in [low, high], both inclusive; high - low < 2^32. The bias of scaling one word is below 2^-16 for spans under 2^16. */
export function integer(random: Random, low: number, high: number): number {
  return low + Math.floor(uniform(random) * (high - low + 1));
}

/** A draw from the standard normal distribution by Marsaglia's polar method; the second of each pair is not kept, so that a draw has no state. */
export function gaussian(random: Random): number {
  for (;;) {
    const u = 2 * uniform(random) - 1;
    const v = 2 * uniform(random) - 1;
    const s = u * u + v * v;
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s);
  }
}
