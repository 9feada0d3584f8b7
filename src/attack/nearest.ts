/** The nearest few so far: ascending by distance, of equals the lower row first, so that the order of asking does not matter. */
export class Nearest {
  readonly distances: Float64Array;
  readonly rows: Int32Array;
  /** The distance of the last; Infinity while there is room. */
  worst = Infinity;

  constructor(wanted: number) {
    this.distances = new Float64Array(wanted);
    this.rows = new Int32Array(wanted);
    this.clear();
  }

  clear(): void {
    this.distances.fill(Infinity);
    this.rows.fill(0x7fff_ffff);
    this.worst = Infinity;
  }

  /** Takes a row in where it is nearer than the last. */
  offer(distance: number, row: number): void {
    const { distances, rows } = this;
    const last = distances.length - 1;
    if (distance > this.worst || (distance === this.worst && row > (rows[last] ?? 0))) return;
    let at = last;
    for (; at > 0; at--) {
      const other = distances[at - 1] ?? 0;
      if (other < distance || (other === distance && (rows[at - 1] ?? 0) < row)) break;
      distances[at] = other;
      rows[at] = rows[at - 1] ?? 0;
    }
    distances[at] = distance;
    rows[at] = row;
    this.worst = distances[last] ?? 0;
  }
}
