import { test } from "tap";
import type { Micros } from "../../../src/time/micros.js";
import { cycleOf, cyclesOf } from "../../../src/tunnel/plan.js";
import { Timetable } from "../../../src/tunnel/timetable.js";
import { EPISODE } from "../../support/tunnel-pair.js";

const SHAPED = { ...EPISODE, up: 100e3 as Micros, burst: 100e3 as Micros, faster: 4, duration: 500e3 as Micros };

function all(timetable: Timetable): number[] {
  const due: number[] = [];
  while (!timetable.over) {
    due.push(timetable.dueAt());
    timetable.take(timetable.dueAt());
  }
  return due;
}

test("a plan repeats its cycle, and ends with the last slot's span", (t) => {
  const timetable = new Timetable();
  timetable.begin(7 as Micros, cycleOf(SHAPED, "up", 0), cyclesOf(SHAPED, 1));
  const cycle = [0, 25e3, 50e3, 75e3, 100e3, 200e3, 300e3, 400e3].map((at) => at + 7);
  t.equal(timetable.endsAt(), 1_000_007);
  t.same(all(timetable), [...cycle, ...cycle.map((at) => at + 500e3)]);
  t.equal(timetable.dueAt(), 1_000_007);
  t.end();
});

test("a level halves the rate, and plans double", (t) => {
  t.match(cycleOf(EPISODE, "up", 0), { slots: 242, slowSpacing: 16_500 });
  t.match(cycleOf(EPISODE, "up", 2), { slots: 61, slowSpacing: 66_000 });
  t.same(
    [0, 1, 2, 3, 4, 9].map((plan) => cyclesOf(EPISODE, plan)),
    [1, 2, 4, 8, 8, 8],
  );
  t.equal(cyclesOf({ ...EPISODE, always: true }, 0), Infinity);
  t.end();
});

test("nothing is due early, and lateness of one slot moves no other", (t) => {
  const timetable = new Timetable();
  timetable.begin(0 as Micros, cycleOf(SHAPED, "up", 0), 1);
  t.equal(timetable.take(0 as Micros), 0);
  t.equal(timetable.take(24_999 as Micros), -1);
  t.equal(timetable.take(90e3 as Micros), 1);
  t.equal(timetable.take(90e3 as Micros), 2, "overdue");
  t.equal(timetable.take(90e3 as Micros), 3);
  t.equal(timetable.dueAt(), 100e3);
  t.end();
});

test("after a pause of more than a second what is overdue is left out, and counted", (t) => {
  const timetable = new Timetable();
  timetable.begin(0 as Micros, cycleOf(SHAPED, "up", 0), 8);
  t.equal(timetable.take((2.1e6 - 1) as Micros), -1, "between two");
  t.equal(timetable.missed, 4 * 8 + 4);
  t.equal(timetable.dueAt(), 2.1e6);
  t.equal(timetable.take(2.1e6 as Micros), 36);
  timetable.take(100e6 as Micros);
  t.ok(timetable.over, "also to the end");
  t.end();
});

test("the number of a slot tells when it is due", (t) => {
  const timetable = new Timetable();
  timetable.begin(5 as Micros, cycleOf(SHAPED, "up", 0), 4);
  const due = all(timetable);
  t.same(
    due.map((_, number) => timetable.at(number)),
    due,
  );
  t.end();
});
