import type { Matrix } from "../features/matrix.js";
import type { SavedModel } from "./attack.js";
import { packed, type SavedFields } from "./saved-fields.js";

/** Trees in flat arrays. A node is a place in `columns`, `thresholds` and `next`; a parent stands before its children. */
export interface TreeArrays {
  /** How many classes a leaf's shares are of. */
  readonly classes: number;
  /** How many columns a row has. */
  readonly width: number;
  /** Where each tree begins. */
  readonly roots: Int32Array;
  /** The column that a node asks for; -1: a leaf. */
  readonly columns: Int32Array;
  /** Rows whose value is not above it go left. */
  readonly thresholds: Float64Array;
  /** The left child, with the right one behind it; at a leaf the row of `shares`. */
  readonly next: Int32Array;
  /** What leaves say, `classes` numbers each. The first `classes` rows are those of pure leaves, so that few leaves need their own. */
  readonly shares: Float64Array;
}

/** Grown trees: finds the leaf of a row. */
export class Trees {
  readonly #arrays: TreeArrays;

  constructor(arrays: TreeArrays) {
    this.#arrays = arrays;
  }

  get count(): number {
    return this.#arrays.roots.length;
  }

  get classes(): number {
    return this.#arrays.classes;
  }

  get width(): number {
    return this.#arrays.width;
  }

  get nodes(): number {
    return this.#arrays.columns.length;
  }

  /** The mean of what the leaves say that each row falls into: rows × classes. */
  probabilities(samples: Matrix): Float64Array {
    const { classes, next, shares, roots } = this.#arrays;
    const { rows } = samples;
    const sums = new Float64Array(rows * classes);
    this.eachLeaf(samples, (_, leaves) => {
      for (let row = 0; row < rows; row++) {
        const share = next[leaves[row] ?? 0] ?? 0;
        if (share < classes) {
          const at = row * classes + share;
          sums[at] = (sums[at] ?? 0) + 1;
        } else {
          for (let c = 0; c < classes; c++) {
            const at = row * classes + c;
            sums[at] = (sums[at] ?? 0) + (shares[share * classes + c] ?? 0);
          }
        }
      }
    });
    if (roots.length > 1) for (let at = 0; at < sums.length; at++) sums[at] = (sums[at] ?? 0) / roots.length;
    return sums;
  }

  /** Calls `tell` once for each tree with the leaf of each row; `leaves` is overwritten for the next. */
  eachLeaf({ rows, columns: width, values }: Matrix, tell: (tree: number, leaves: Int32Array) => void): void {
    const { roots, columns, thresholds, next } = this.#arrays;
    const singles = Float32Array.from(values);
    const leaves = new Int32Array(rows);
    for (let tree = 0; tree < roots.length; tree++) {
      const root = roots[tree] ?? 0;
      for (let row = 0; row < rows; row++) {
        const base = row * width;
        let node = root;
        for (let column = columns[node] ?? -1; column >= 0; column = columns[node] ?? -1) {
          const left = next[node] ?? 0;
          node = (singles[base + column] ?? 0) <= (thresholds[node] ?? 0) ? left : left + 1;
        }
        leaves[row] = node;
      }
      tell(tree, leaves);
    }
  }

  save(attack: string): SavedModel {
    const { classes, width, roots, columns, thresholds, next, shares } = this.#arrays;
    return {
      attack,
      classes,
      width,
      roots: packed(roots),
      columns: packed(columns),
      thresholds: packed(thresholds),
      next: packed(next),
      shares: packed(shares),
    };
  }

  /** Throws `model-invalid` for anything in which a row could be lost on its way to a leaf. */
  static load(fields: SavedFields): Trees {
    const classes = fields.integer("classes", 1, 256);
    const width = fields.integer("width", 1, 0x7fff_ffff);
    const roots = fields.integers("roots");
    const columns = fields.integers("columns");
    const nodes = columns.length;
    const thresholds = fields.doubles("thresholds", nodes);
    const next = fields.integers("next", nodes);
    const shares = fields.doubles("shares");
    if (roots.length === 0 || roots[0] !== 0) throw fields.wrong("there is no first tree");
    if (shares.length % classes !== 0 || shares.length < classes * classes) throw fields.wrong("shares are cut off");
    for (let tree = 0; tree < roots.length; tree++) {
      const from = roots[tree] ?? 0;
      const to = roots[tree + 1] ?? nodes;
      if (from >= to) throw fields.wrong(`tree ${String(tree)} has no nodes`);
      for (let node = from; node < to; node++) {
        const column = columns[node] ?? 0;
        const follows = next[node] ?? 0;
        const good =
          column === -1
            ? follows >= 0 && follows < shares.length / classes
            : column >= 0 && column < width && follows > node && follows + 1 < to && !Number.isNaN(thresholds[node]);
        if (!good) throw fields.wrong(`node ${String(node)} leads nowhere`);
      }
    }
    for (let at = 0; at < shares.length; at += classes) {
      const row = shares.subarray(at, at + classes);
      const pure = at / classes;
      const sum = row.reduce((a, b) => a + b, 0);
      if (!row.every((share) => share >= 0) || !(Math.abs(sum - 1) < 1e-9) || (pure < classes && row[pure] !== 1))
        throw fields.wrong(`shares ${String(pure)} do not add up to 1`);
    }
    return new Trees({ classes, width, roots, columns, thresholds, next, shares });
  }
}
