import { Trees } from "./trees.js";

/** Collects nodes of one tree after the other in arrays that double. */
export class TreeBuilder {
  readonly #classes: number;
  readonly #width: number;
  readonly #roots: number[] = [];
  #columns = new Int32Array(1024);
  #thresholds = new Float64Array(1024);
  #next = new Int32Array(1024);
  #shares: Float64Array;
  #nodes = 0;
  #shared: number;

  constructor(classes: number, width: number) {
    this.#classes = classes;
    this.#width = width;
    this.#shares = new Float64Array(2 * classes * classes);
    this.#shared = classes;
    for (let c = 0; c < classes; c++) this.#shares[c * classes + c] = 1;
  }

  /** Begins a tree; answers its root. */
  root(): number {
    this.#roots.push(this.#nodes);
    return this.#take(1);
  }

  /** Makes a node ask; answers its left child, behind which the right one stands. */
  split(node: number, column: number, threshold: number): number {
    const left = this.#take(2);
    this.#columns[node] = column;
    this.#thresholds[node] = threshold;
    this.#next[node] = left;
    return left;
  }

  /** Makes a node a leaf that knows one class. */
  pure(node: number, label: number): void {
    this.#columns[node] = -1;
    this.#next[node] = label;
  }

  /** Makes a node a leaf; `counts`: weight of each class, `total` their sum. */
  leaf(node: number, counts: Float64Array, total: number): void {
    const classes = this.#classes;
    const from = this.#shared * classes;
    if (from + classes > this.#shares.length) {
      const grown = new Float64Array(2 * this.#shares.length);
      grown.set(this.#shares);
      this.#shares = grown;
    }
    for (let c = 0; c < classes; c++) this.#shares[from + c] = (counts[c] ?? 0) / total;
    this.#columns[node] = -1;
    this.#next[node] = this.#shared++;
  }

  done(): Trees {
    return new Trees({
      classes: this.#classes,
      width: this.#width,
      roots: Int32Array.from(this.#roots),
      columns: this.#columns.slice(0, this.#nodes),
      thresholds: this.#thresholds.slice(0, this.#nodes),
      next: this.#next.slice(0, this.#nodes),
      shares: this.#shares.slice(0, this.#shared * this.#classes),
    });
  }

  #take(nodes: number): number {
    const first = this.#nodes;
    this.#nodes += nodes;
    if (this.#nodes > this.#columns.length) {
      const length = 2 * this.#columns.length;
      const columns = new Int32Array(length);
      columns.set(this.#columns);
      const thresholds = new Float64Array(length);
      thresholds.set(this.#thresholds);
      const next = new Int32Array(length);
      next.set(this.#next);
      [this.#columns, this.#thresholds, this.#next] = [columns, thresholds, next];
    }
    return first;
  }
}
