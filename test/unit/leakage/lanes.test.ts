import { test } from "tap";
import { Lanes } from "../../../src/leakage/lanes.js";

void test("so many at once, in order, and each is told when it is done", async (t) => {
  let told = 0;
  const lanes = new Lanes(3, () => told++);
  let running = 0;
  let most = 0;
  const begun: number[] = [];
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      lanes.run(async () => {
        begun.push(i);
        most = Math.max(most, ++running);
        for (let turn = 0; turn < (i * 7) % 5; turn++) await Promise.resolve();
        running--;
        return i * i;
      }),
    ),
  );
  t.equal(most, 3);
  t.same(
    begun,
    [...begun].sort((a, b) => a - b),
  );
  t.same(
    results,
    Array.from({ length: 20 }, (_, i) => i * i),
  );
  t.equal(told, 20);
});

void test("after a failure nothing more begins", async (t) => {
  let told = 0;
  const lanes = new Lanes(1, () => told++);
  let begun = 0;
  const jobs = Array.from({ length: 10 }, (_, i) =>
    lanes.run(async () => {
      begun++;
      await Promise.resolve();
      if (i === 2) throw new Error("third");
    }),
  );
  const settled = await Promise.allSettled(jobs);
  t.equal(begun, 3);
  t.equal(told, 2);
  t.same(
    settled.map((job) => job.status),
    [...Array<string>(2).fill("fulfilled"), ...Array<string>(8).fill("rejected")],
  );
  await t.rejects(
    lanes.run(() => Promise.resolve()),
    /third/,
  );
});
