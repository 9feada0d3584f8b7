/** More than squares of numbers too small for a double add up to. */
const TINY = 1e-140;

/**
 * Points of whole numbers near points of doubles, so few bits that thirty-two hold a squared distance and sixteen a difference. How far a
 * point is moved there is known: two points are at least as far apart as their places on the grid, less what both were moved.
 */
export class CoarseGrid {
  /** From one place to the next, in every column; NaN where a column has no end. */
  readonly step: number;
  /** Covers what rounding does to a sum over all columns, eight times over. */
  readonly rounding: number;
  readonly #middles: Float64Array;
  /** The farthest place from the middle. */
  readonly #most: number;

  /** Around the middles of columns; `reach`: how far values lie from them at most. What lies farther is moved to the rim. */
  constructor(middles: Float64Array, reach: number) {
    const columns = middles.length;
    this.#middles = middles;
    this.#most = Math.min(0x3fff, Math.floor(Math.sqrt(0x7fff_ffff / columns) / 2));
    this.step = reach === 0 ? 1 : reach / this.#most;
    this.rounding = 1 + (columns + 16) * 2 ** -50;
  }

  /** Writes the place of the point that begins at `from` into `into`; answers how far off it is, never less than it is: NaN or Infinity too. */
  place(values: Float64Array, from: number, into: Int16Array): number {
    const [step, most] = [this.step, this.#most];
    let squares = 0;
    for (let column = 0; column < this.#middles.length; column++) {
      const off = (values[from + column] ?? 0) - (this.#middles[column] ?? 0);
      const near = Math.floor(off / step + 0.5);
      const place = near > most ? most : near < -most ? -most : near;
      into[column] = place;
      const moved = Math.abs(off - place * step) + Math.abs(off) * 2 ** -50;
      squares += moved * moved;
    }
    return Math.sqrt(squares) * this.rounding + TINY;
  }
}
