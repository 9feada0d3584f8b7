import { test } from "tap";
import { LosslessSearch } from "../../bench/lossless.js";
import { median } from "../../bench/report.js";

/** Runs a search against a box of a known capacity; returns the found rate, ceiling and number of runs. */
function search(
  capacity: number,
  generator = 2e6,
  lossEvery = Infinity,
): { rate: number; ceiling: boolean; runs: number } {
  const searched = new LosslessSearch(1.06, 3);
  let runs = 0;
  for (let offered = searched.next(); offered !== null && runs < 200; offered = searched.next()) {
    runs++;
    const rate = Math.min(offered === 0 ? Infinity : offered, generator);
    const unlucky = runs % lossEvery === 0;
    searched.record({ rate, noise: 0, loss: rate > capacity ? 1 - capacity / rate : unlucky ? 0.2 : 0 });
  }
  return { ...searched.result, runs };
}

test("finds the capacity to its precision, never above it", (t) => {
  for (const capacity of [2500, 30e3, 199e3, 201e3, 480e3, 1.19e6, 1.59e6]) {
    const { rate, ceiling, runs } = search(capacity);
    t.ok(rate <= capacity && rate > capacity / 1.06, `${rate} of ${capacity}`);
    t.notOk(ceiling);
    t.ok(runs < 60, `${runs} runs`);
  }
  t.end();
});

test("one run in three spoilt by noise changes nothing", (t) => {
  const { rate } = search(480e3, 2e6, 3);
  t.ok(rate <= 480e3 && rate > 480e3 / 1.06, String(rate));
  t.end();
});

test("says when the generator was the limit", (t) => {
  t.match(search(1e9, 700e3), { rate: 700e3, ceiling: true });
  t.match(search(1e9, 3e6), { rate: 3e6, ceiling: true });
  t.end();
});

test("a generator that was kept from its CPU is tried again", (t) => {
  const searched = new LosslessSearch(1.06, 3);
  searched.record({ rate: 50e3, loss: 0, noise: 0.5 });
  t.equal(searched.next(), 200e3);
  searched.record({ rate: 200e3, loss: 0, noise: 0.5 });
  t.equal(searched.next(), 340e3);
  for (let i = 0; i < 3; i++) searched.record({ rate: 250e3, loss: 0, noise: 0.5 });
  t.match(searched.result, { rate: 250e3, ceiling: true });
  t.end();
});

test("a box that passes nothing ends the search with nothing", (t) => {
  t.match(search(0), { rate: 0, ceiling: false });
  t.end();
});

test("median", (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  t.ok(Number.isNaN(median([])));
  t.end();
});
