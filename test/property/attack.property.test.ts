import fc from "fast-check";
import { test } from "tap";
import { predict } from "../../src/attack/attack.js";
import { DecisionTree } from "../../src/attack/decision-tree.js";
import { KeySorter } from "../../src/attack/key-sorter.js";
import { Nearest } from "../../src/attack/nearest.js";
import { NeighbourTree } from "../../src/attack/neighbour-tree.js";
import { RankedColumns } from "../../src/attack/ranked-columns.js";
import { StumpSearch } from "../../src/attack/stump-search.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { labelled, matrix } from "../support/labelled.js";

/** A table with ties and constant columns, and labels. */
const tables = fc
  .record({ rows: fc.integer({ min: 1, max: 120 }), columns: fc.integer({ min: 1, max: 4 }) })
  .chain(({ rows, columns }) =>
    fc.record({
      rows: fc.array(
        fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -500, max: 500 })), {
          minLength: columns,
          maxLength: columns,
        }),
        { minLength: rows, maxLength: rows },
      ),
      labels: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: rows, maxLength: rows }),
    }),
  );

/** Twice the weight less what Gini's impurity leaves: the sum over both sides of squares of class weights by weight of the side. */
function purity(sides: readonly number[], labels: readonly number[], weights: readonly number[]): number {
  let sum = 0;
  for (const side of [0, 1]) {
    const counts = [0, 0, 0, 0];
    sides.forEach((on, row) => {
      if (on === side) counts[labels[row] ?? 0] = (counts[labels[row] ?? 0] ?? 0) + (weights[row] ?? 0);
    });
    const total = counts.reduce((a, b) => a + b, 0);
    if (total > 0) sum += counts.reduce((a, b) => a + b * b, 0) / total;
  }
  return sum;
}

/** The purest of all splits, by trying each; null where no column tells rows apart. */
function purest(rows: readonly number[][], labels: readonly number[], weights: readonly number[]): number | null {
  let best: number | null = null;
  for (let column = 0; column < (rows[0]?.length ?? 0); column++) {
    const values = rows.map((row) => row[column] ?? 0);
    const highest = Math.max(...values);
    for (const value of new Set(values)) {
      if (value === highest) continue;
      const found = purity(
        values.map((other) => (other <= value ? 0 : 1)),
        labels,
        weights,
      );
      if (best === null || found > best) best = found;
    }
  }
  return best;
}

test("ranks and orders are those of sorted values", async () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1)), {
        minLength: 1,
        maxLength: 300,
      }),
      (values) => {
        const table = new RankedColumns(matrix(values.map((value) => [0, value])));
        const different = [...new Set(values.map((value) => value + 0))].sort((a, b) => a - b);
        const order = [...table.order.subarray(values.length)];
        return (
          values.every((value, row) => table.ranks[values.length + row] === different.indexOf(value + 0)) &&
          order.every((row, i) => i === 0 || (values[order[i - 1] ?? 0] ?? 0) <= (values[row] ?? 0)) &&
          new Set(order).size === values.length &&
          table.ranks.subarray(0, values.length).every((rank) => rank === 0)
        );
      },
    ),
  );
});

test("keys are sorted by their upper bits", async () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 0x7fff_ffff }), { minLength: 1, maxLength: 400 }),
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: 24 }),
      (raw, shift, less) => {
        const keys = raw.map((key) => key >>> less);
        const sorter = new KeySorter(keys.length);
        sorter.keys.set(keys);
        const upper = keys.map((key) => key >>> shift);
        const sorted = sorter.sort(keys.length, shift, Math.min(...upper), Math.max(...upper)).subarray(0, keys.length);
        return (
          sorted.every((key, i) => i === 0 || (sorted[i - 1] ?? 0) >>> shift <= key >>> shift) &&
          [...sorted].sort((a, b) => a - b).join() === keys.sort((a, b) => a - b).join()
        );
      },
    ),
  );
});

test("a tree's first split is as pure as the purest of all", async () => {
  fc.assert(
    fc.property(tables, ({ rows, labels }) => {
      const saved = new DecisionTree().train(labelled(rows, labels), new SeededRandom("first")).save();
      const bytes = (key: string): ArrayBuffer => Uint8Array.from(Buffer.from(saved[key] as string, "base64")).buffer;
      const column = new Int32Array(bytes("columns"))[0] ?? -1;
      const threshold = new Float64Array(bytes("thresholds"))[0] ?? 0;
      const weights = rows.map(() => 1);
      const best = purest(rows, labels, weights);
      if (column < 0) return best === null || new Set(labels).size === 1;
      const sides = rows.map((row) => ((row[column] ?? 0) <= threshold ? 0 : 1));
      return best !== null && Math.abs(purity(sides, labels, weights) - best) < 1e-9 * rows.length;
    }),
  );
});

test("a tree knows by heart what it has learned, but for rows alike in all columns", async () => {
  fc.assert(
    fc.property(tables, ({ rows, labels }) => {
      const from = labelled(rows, labels);
      const found = predict(new DecisionTree().train(from, new SeededRandom("heart")), from.samples);
      const byRow = new Map<string, number[]>();
      rows.forEach((row, i) => byRow.set(row.join(), [...(byRow.get(row.join()) ?? []), labels[i] ?? 0]));
      return rows.every((row, i) => {
        const alike = byRow.get(row.join()) ?? [];
        const counts = [0, 1, 2, 3].map((c) => alike.filter((label) => label === c).length);
        return found[i] === counts.indexOf(Math.max(...counts));
      });
    }),
  );
});

test("a stump is as pure as the purest split of weighted rows, and weighs its sides", async () => {
  fc.assert(
    fc.property(
      tables,
      fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 120, maxLength: 120 }),
      ({ rows, labels }, weighed) => {
        const weights = rows.map((_, row) => weighed[row] ?? 0);
        const search = new StumpSearch(new RankedColumns(matrix(rows)), Uint8Array.from(labels), 4);
        const stump = search.best(Float64Array.from(weights), new SeededRandom("stump"));
        const sides = rows.map((row) => ((row[stump.column] ?? 0) <= stump.threshold ? 0 : 1));
        const sums = new Float64Array(8);
        sides.forEach((side, row) => {
          const at = side * 4 + (labels[row] ?? 0);
          sums[at] = (sums[at] ?? 0) + (weights[row] ?? 0);
        });
        if (!sums.every((sum, i) => Math.abs(sum - (stump.weights[i] ?? NaN)) < 1e-9)) return false;
        const best = purest(rows, labels, weights);
        if (best === null) return stump.threshold === Infinity;
        return Math.abs(purity(sides, labels, weights) - best) < 1e-9;
      },
    ),
  );
});

test("the nearest rows are those of a search through all", async () => {
  fc.assert(
    fc.property(tables, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 9 }), ({ rows }, wanted, scale) => {
      const values = rows.map((row) => row.map((value) => value / scale));
      const tree = new NeighbourTree(matrix(values));
      const nearest = new Nearest(Math.min(wanted, rows.length));
      for (const point of [...values.slice(0, 5), (values[0] ?? []).map((value) => value + 0.3)]) {
        tree.search(Float64Array.from(point), nearest);
        const far = values.map((row, i) => ({
          i,
          off: row.reduce((sum, value, column) => sum + ((point[column] ?? 0) - value) ** 2, 0),
        }));
        const near = far.sort((a, b) => a.off - b.off || a.i - b.i).slice(0, nearest.rows.length);
        if (near.map(({ i }) => i).join() !== [...nearest.rows].join()) return false;
      }
      return true;
    }),
  );
});

test("rows in wide tables are as near, to the last bit, as adding up column after column says", async () => {
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -2, max: 2 }) },
    { weight: 4, arbitrary: fc.double({ min: -40, max: 40, noNaN: true }) },
  );
  /** What a few columns of a few rows hold instead: where squares overflow, where they vanish, and no number's end. */
  const odd = fc.constantFrom(
    1e100,
    -1e100,
    1e-170,
    -3e-162,
    1e-320,
    5e-8,
    1e8,
    1e160,
    -1e308,
    Infinity,
    -Infinity,
    -0,
  );
  fc.assert(
    fc.property(
      fc.record({
        rows: fc.oneof(
          { weight: 9, arbitrary: fc.integer({ min: 1, max: 80 }) },
          { weight: 1, arbitrary: fc.constantFrom(1023, 1100) },
        ),
        columns: fc.integer({ min: 1, max: 131 }),
        values: fc.array(value, { minLength: 7, maxLength: 200 }),
        /** How much narrower all columns but one are: so far below the grid's step, too. */
        narrow: fc.constantFrom(1, 1e-3, 1e-5),
        scale: fc.constantFrom(1, 1e-3, 1e-160, 1e150, 1 / 3),
        odds: fc.array(fc.tuple(fc.nat(), odd), { maxLength: 5 }),
        wanted: fc.integer({ min: 1, max: 40 }),
      }),
      ({ rows, columns, values, narrow, scale, odds, wanted }) => {
        const all = Float64Array.from(
          { length: (rows + 3) * columns },
          (_, i) => (values[(i * 31 + (i >> 5) * 17) % values.length] ?? 0) * scale * (i % columns === 0 ? 1 : narrow),
        );
        for (const [at, strange] of odds) all[at % all.length] = strange;
        const row = (i: number): Float64Array => all.subarray(i * columns, (i + 1) * columns);
        const tree = new NeighbourTree({ rows, columns, values: all.slice(0, rows * columns) });
        const nearest = new Nearest(Math.min(wanted, rows));
        // The last three are not in the tree.
        return [0, rows - 1, rows, rows + 1, rows + 2].every((asked) => {
          tree.search(row(asked), nearest);
          const near = Array.from({ length: rows }, (_, i) => {
            const off = row(i).reduce((sum, x, column) => sum + ((row(asked)[column] ?? 0) - x) ** 2, 0);
            return { i, off };
          })
            .filter(({ off }) => !Number.isNaN(off))
            .sort((a, b) => (a.off === b.off ? a.i - b.i : a.off - b.off))
            .slice(0, nearest.rows.length);
          return near.every(({ i, off }, at) => nearest.rows[at] === i && Object.is(nearest.distances[at], off));
        });
      },
    ),
    { numRuns: 80 },
  );
});
