import { HushboxError } from "../../errors/hushbox-error.js";
import { cellWeight } from "./cell-weight.js";
import type { CellPlan, Measuring } from "./cell.js";

/** One of so many shares of a campaign, counted from 0. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

const MOST = 10_000;

/** Reads `i/n`. Throws `usage`. */
export function parseShard(text: string): Shard {
  const [, index, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  if (index === undefined || shard.of < 1 || shard.of > MOST || shard.index >= shard.of)
    throw new HushboxError("usage", `--shard is i/n with i from 0 to n - 1, such as 0/16 to 15/16, not "${text}"`);
  return shard;
}

/**
 * A shard's cells: neighbours in the plan, since those look at the same packets, and about as much work as in any other shard. Every cell
 * is in exactly one; a plan of few cells may leave a shard empty.
 */
export function cellsOfShard(cells: readonly CellPlan[], measuring: Measuring, { index, of }: Shard): CellPlan[] {
  const all = cells.reduce((sum, cell) => sum + cellWeight(cell, measuring), 0);
  let before = 0;
  return cells.filter((cell) => {
    const weight = cellWeight(cell, measuring);
    const middle = before + weight / 2;
    before += weight;
    return Math.min(of - 1, Math.floor((middle / all) * of)) === index;
  });
}
