// Each attack beside scikit-learn's: the same data, the same folds, the median of five seeds. Draws differ, so that single seeds do.
import { test } from "tap";
import { predict, type Labelled } from "../../src/attack/attack.js";
import { attackNamed } from "../../src/attack/attacks.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { emulatedTable } from "../support/emulated-table.js";
import { folds, pick } from "../support/labelled.js";
import { noScikit, Scikit } from "../support/scikit.js";

const ATTACKS = ["decision-tree", "random-forest", "ada-boost", "k-nearest-neighbours"];
const SEEDS = [0, 1, 2, 3, 4];
const FOLDS = 5;
/** In accuracy. */
const APART = 0.015;
/** A stronger attacker is no fault, as long as it is the same one. */
const ABOVE = 0.03;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

test("attacks are as accurate as scikit-learn's", { skip: noScikit(), timeout: 600_000 }, async (t) => {
  const scikit = new Scikit();
  t.teardown(() => {
    scikit.stop();
  });
  const { wine, breast_cancer, made } = await scikit.sets();
  const sets: Record<string, Labelled | undefined> = { wine, breast_cancer, made, emulated: emulatedTable(50, 250) };
  for (const [name, set] of Object.entries(sets)) {
    if (set === undefined) throw new Error(`scikit-learn has no ${name}`);
    await scikit.load(set);
    const rows = set.labels.length;
    const counts = Array.from({ length: set.classes }, (_, c) => set.labels.filter((label) => label === c).length);
    const largest = Math.max(...counts) / rows;
    for (const attack of ATTACKS) {
      const ours: number[] = [];
      const theirs: number[] = [];
      for (const seed of SEEDS) {
        const cut = folds(set.labels, FOLDS, seed);
        let right = 0;
        let rightThere = 0;
        for (const asked of cut) {
          const learned = cut.filter((fold) => fold !== asked).flat();
          const { samples, labels } = pick(set, asked);
          const model = attackNamed(attack).train(pick(set, learned), new SeededRandom(seed));
          right += predict(model, samples).filter((label, row) => label === labels[row]).length;
          rightThere += (await scikit.train({ attack, seed, train: learned, test: asked, jobs: 1 })).right;
        }
        ours.push(right / rows);
        theirs.push(rightThere / rows);
      }
      const [here, there] = [median(ours), median(theirs)];
      const text = `${name}, ${attack}: ${here.toFixed(4)}, scikit-learn ${there.toFixed(4)}`;
      t.comment(text);
      t.ok(here >= there - APART && here <= there + ABOVE, text);
      // A table on which nothing is learned would prove nothing.
      t.ok(here > largest + 0.05, `${text}: above ${largest.toFixed(4)}, the share of the largest class`);
    }
  }
});
