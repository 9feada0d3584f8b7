import { UP } from "../packet/packet.js";
import type { Observation } from "../trace/observation.js";
import type { Family } from "./family.js";
import { ThinnedSeries } from "./thinned-series.js";

/** Points of the curve that the paper samples. */
const POINTS = 100;
/** Corners of the curve that are kept: it is exact to so many packets, and then follows at least half as many corners. */
const CORNERS = 4096;

/**
 * CUMUL (Panchenko et al. 2016): packets and bytes of each direction, and the curve of bytes up minus bytes down over all bytes so far, from
 * (0, 0) with a corner at each packet, read at n equally distant places, the last of them its end. The paper counts the way down as
 * positive; here it is the way up, as everywhere, so that the curve is the paper's mirrored.
 */
export class Cumul implements Family {
  readonly columns: readonly string[];
  readonly #points: number;
  readonly #packets = [0, 0] as [number, number];
  readonly #bytes = [0, 0] as [number, number];
  /** The curve's corners behind (0, 0). */
  readonly #along: ThinnedSeries;
  readonly #height: ThinnedSeries;

  constructor(points = POINTS, corners = CORNERS) {
    this.#points = points;
    this.#along = new ThinnedSeries(corners);
    this.#height = new ThinnedSeries(corners);
    this.columns = [
      ...["packets_up", "packets_down", "bytes_up", "bytes_down"],
      ...Array.from({ length: points }, (_, i) => `cumul_${String(i + 1)}`),
    ];
  }

  seen({ direction, length }: Observation): void {
    this.#packets[direction]++;
    this.#bytes[direction] += length;
    this.#along.add(this.#along.last + length);
    this.#height.add(this.#height.last + (direction === UP ? length : -length));
  }

  write(into: Float64Array, at = 0): void {
    [into[at], into[at + 1]] = this.#packets;
    [into[at + 2], into[at + 3]] = this.#bytes;
    const [along, height] = [this.#along, this.#height];
    const whole = along.last;
    let i = 0;
    let [fromX, fromY] = [0, 0];
    let [toX, toY] = along.count === 0 ? [0, 0] : [along.keptAt(0), height.keptAt(0)];
    for (let point = 1; point <= this.#points; point++) {
      const x = (whole * point) / this.#points;
      while (toX < x && i < along.kept) {
        [fromX, fromY] = [toX, toY];
        i++;
        [toX, toY] = i < along.kept ? [along.keptAt(i), height.keptAt(i)] : [whole, height.last];
      }
      into[at + 3 + point] = toX > fromX ? fromY + ((toY - fromY) * (x - fromX)) / (toX - fromX) : toY;
    }
  }

  clear(): void {
    this.#packets.fill(0);
    this.#bytes.fill(0);
    this.#along.clear();
    this.#height.clear();
  }
}
