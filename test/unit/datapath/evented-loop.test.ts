import { test } from "tap";
import { EventedLoop, type Timers } from "../../../src/datapath/evented-loop.js";
import { micros, NEVER, type Micros } from "../../../src/time/micros.js";

/** Virtual time: a timer of n ms fires up to `early` before its time, as Node's do; an immediate takes `immediate`. */
class Virtual implements Timers {
  now = micros(0);
  immediates = 0;
  readonly #early: number;
  #timer: { run: () => void; at: number } | null = null;
  readonly #immediate: (() => void)[] = [];

  constructor(early: number) {
    this.#early = early;
  }

  setTimeout(run: () => void, ms: number): unknown {
    if (this.#timer !== null) throw new Error("two timers at once");
    if (ms < 1) throw new Error("a timer below a millisecond");
    this.#timer = { run, at: this.now + ms * 1000 - this.#early };
    return this.#timer;
  }

  clearTimeout(timer: unknown): void {
    if (this.#timer === timer) this.#timer = null;
  }

  setImmediate(run: () => void): void {
    this.#immediate.push(run);
  }

  /** Lets time pass until `end`; `frame` comes at its time, if there is one. */
  run(end: number, frame: { at: number; run: () => void } | null = null): void {
    let waiting = frame;
    for (;;) {
      const immediate = this.#immediate.shift();
      if (immediate !== undefined) {
        this.now = micros(this.now + 2);
        this.immediates++;
        immediate();
        continue;
      }
      const timer = this.#timer;
      const next = Math.min(timer?.at ?? Infinity, waiting?.at ?? Infinity);
      if (next > end) break;
      this.now = micros(Math.max(this.now, next));
      if (waiting?.at === next) {
        const { run } = waiting;
        waiting = null;
        run();
      } else if (timer !== null) {
        this.#timer = null;
        timer.run();
      }
    }
    this.now = micros(Math.max(end, this.now));
  }
}

function setUp(
  early: number,
  deadlines: number[],
): { time: Virtual; loop: EventedLoop; polls: number[]; late: number[] } {
  const time = new Virtual(early);
  const polls: number[] = [];
  const late: number[] = [];
  const loop = new EventedLoop(
    {
      now: () => time.now,
      poll: (now) => {
        polls.push(now);
        while ((deadlines[0] ?? Infinity) <= now) late.push(now - (deadlines.shift() ?? 0));
        return (deadlines[0] ?? NEVER) as Micros;
      },
    },
    time,
  );
  return { time, loop, polls, late };
}

test("meets deadlines of every length to the grain of the spin, however early timers fire", (t) => {
  for (const early of [0, 400, 999]) {
    const deadlines = [1, 50, 900, 1299, 1301, 1999, 2000, 2001, 2300, 9700, 60000, 200000];
    const { time, loop, late } = setUp(early, [...deadlines]);
    loop.start();
    time.run(300_000);
    t.equal(late.length, deadlines.length);
    for (const by of late) t.ok(by >= 0 && by <= 2, `late by ${by}`);
    loop.stop();
  }
  t.end();
});

test("turns four times a second though nothing is to do, and sleeps in between", (t) => {
  const { time, loop, polls } = setUp(0, []);
  loop.start();
  time.run(1_000_100);
  t.equal(polls.length, 5);
  t.ok(time.immediates < 5 * 700, `${time.immediates} immediates`);
  loop.stop();
  time.run(3_000_000);
  t.equal(polls.length, 5, "not after stop");
  t.end();
});

test("a frame that brings an earlier deadline moves the timer", (t) => {
  const deadlines = [100_000];
  const { time, loop, late, polls } = setUp(0, deadlines);
  loop.start();
  time.run(50_000, {
    at: 20_000,
    run: () => {
      deadlines.unshift(30_000);
      loop.turn();
    },
  });
  t.ok(polls.includes(20_000), "at once");
  t.equal(late.length, 1);
  t.ok((late[0] ?? 99) <= 2);
  loop.stop();
  t.end();
});

test("a frame during the spin is taken at once and the spin goes on", (t) => {
  const { time, loop, late } = setUp(0, [800]);
  loop.start();
  loop.turn();
  loop.turn();
  time.run(5_000);
  t.same(late.length, 1);
  t.ok((late[0] ?? 99) <= 2);
  t.ok(time.immediates < 450, "one spin, not three");
  loop.stop();
  t.end();
});
