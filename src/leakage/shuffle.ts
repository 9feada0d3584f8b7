import { integer, type Random } from "../random/random.js";

/** Puts a list in random order, every order equally likely (Fisher and Yates), and answers it. */
export function shuffle<T extends unknown[] | Uint32Array>(list: T, random: Random): T {
  for (let i = list.length - 1; i > 0; i--) {
    const j = integer(random, 0, i);
    [list[i], list[j]] = [list[j], list[i]] as [number, number];
  }
  return list;
}
