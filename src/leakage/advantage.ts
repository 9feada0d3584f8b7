/** What an accuracy is above guessing, as a share of what there is to win: 0 at chance, 1 where every answer is right, below 0 under chance. */
export function advantage(accuracy: number, chance: number): number {
  return (accuracy - chance) / (1 - chance);
}
