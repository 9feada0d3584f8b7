import type { Attack, Labelled, Model } from "../../src/attack/attack.js";
import type { Matrix } from "../../src/features/matrix.js";

/** Means, variances and rows of each class, column by column. */
interface Moments {
  readonly rows: number[];
  readonly means: number[][];
  readonly variances: number[][];
}

function momentsOf({ samples, labels, classes }: Labelled): Moments {
  const { columns, values } = samples;
  const blank = (): number[][] => Array.from({ length: classes }, () => new Array<number>(columns).fill(0));
  const rows = new Array<number>(classes).fill(0);
  const means = blank();
  const variances = blank();
  const over = (visit: (c: number, column: number, value: number) => void): void => {
    for (const [row, c] of labels.entries())
      for (let column = 0; column < columns; column++) visit(c, column, values[row * columns + column] ?? 0);
  };
  const add = (table: number[][], c: number, column: number, value: number): void => {
    const line = table[c] ?? [];
    line[column] = (line[column] ?? 0) + value;
  };
  for (const c of labels) rows[c] = (rows[c] ?? 0) + 1;
  over((c, column, value) => {
    add(means, c, column, value / (rows[c] ?? 1));
  });
  over((c, column, value) => {
    add(variances, c, column, (value - (means[c]?.[column] ?? 0)) ** 2 / (rows[c] ?? 1));
  });
  return { rows, means, variances };
}

/** A model that likes a class the more, the higher its score: shares are a softmax. */
function scored(attack: string, classes: number, scoreOf: (c: number, row: Float64Array) => number): Model {
  return {
    classes,
    probabilities(samples: Matrix): Float64Array {
      const shares = new Float64Array(samples.rows * classes);
      for (let row = 0; row < samples.rows; row++) {
        const values = samples.values.subarray(row * samples.columns, (row + 1) * samples.columns);
        const scores = Array.from({ length: classes }, (_, c) => scoreOf(c, values));
        const most = Math.max(...scores);
        const odds = scores.map((score) => Math.exp(score - most));
        const sum = odds.reduce((a, b) => a + b, 0);
        for (const [c, one] of odds.entries()) shares[row * classes + c] = one / sum;
      }
      return shares;
    },
    save: () => ({ attack }),
  };
}

function unsaved(): never {
  throw new Error("attacks for tests are not saved");
}

/** Says the class whose mean is nearest: cares for no class's frequency. */
export const nearestCentroid: Attack = {
  name: "nearest-centroid",
  form: "table",
  train(from) {
    const { means } = momentsOf(from);
    return scored("nearest-centroid", from.classes, (c, row) =>
      row.reduce((sum, value, column) => sum - (value - (means[c]?.[column] ?? 0)) ** 2, 0),
    );
  },
  load: unsaved,
};

/** Gaussian naive Bayes, which begins with how frequent a class was in training: where nothing can be learnt, it says the most frequent. */
export const naiveBayes: Attack = {
  name: "naive-bayes",
  form: "table",
  train(from) {
    const { rows, means, variances } = momentsOf(from);
    return scored("naive-bayes", from.classes, (c, row) => {
      const count = rows[c] ?? 0;
      if (count === 0) return -Infinity;
      return row.reduce((sum, value, column) => {
        const variance = (variances[c]?.[column] ?? 0) + 1e-9;
        return sum - (value - (means[c]?.[column] ?? 0)) ** 2 / (2 * variance) - Math.log(variance) / 2;
      }, Math.log(count));
    });
  },
  load: unsaved,
};

/** The class of the nearest row; of equals the first: learns every accident by heart. */
export const nearestRow: Attack = {
  name: "nearest-row",
  form: "table",
  train({ samples, labels, classes }) {
    const { columns } = samples;
    return scored("nearest-row", classes, (c, row) => {
      let best = Infinity;
      let found = 0;
      for (const [i, label] of labels.entries()) {
        let distance = 0;
        for (let j = 0; j < columns; j++) distance += ((samples.values[i * columns + j] ?? 0) - (row[j] ?? 0)) ** 2;
        if (distance >= best) continue;
        best = distance;
        found = label;
      }
      return found === c ? 1 : 0;
    });
  },
  load: unsaved,
};

export const SMALL_ATTACKS: readonly Attack[] = [nearestCentroid, naiveBayes, nearestRow];
