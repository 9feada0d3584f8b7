import { NEVER, type Micros } from "../time/micros.js";
import type { Cycle } from "./plan.js";

/** Slots that are so much overdue, after a pause of the machine, are left out instead of sent in a burst. */
const LATEST = 1e6;

/** A schedule of slots with absolute deadlines: when each is due follows from the start alone, whatever became of the ones before. */
export class Timetable {
  /** Slots left out since they were overdue. */
  missed = 0;
  #start = 0;
  #cycle: Cycle = { fast: 0, fastSpacing: 1, slow: 1, slowSpacing: 1, slots: 1, length: 1 };
  #cycles = 0;
  /** The next slot: its number, the cycle it lies in, and its place there. */
  #number = 0;
  #turn = 0;
  #place = 0;

  /** Begins a schedule of so many cycles, which ends with the last slot's span. */
  begin(start: Micros, cycle: Cycle, cycles: number): void {
    this.#start = start;
    this.#cycle = cycle;
    this.#cycles = cycles;
    this.#number = this.#turn = this.#place = 0;
  }

  /** When slot `number` is due. */
  at(number: number): Micros {
    const turn = Math.floor(number / this.#cycle.slots);
    return this.#due(turn, number - turn * this.#cycle.slots);
  }

  /** Leaves out what lies before `now`; a slot that is due at `now` itself stays. */
  skip(now: Micros): void {
    const { length, slots } = this.#cycle;
    // Whole cycles at once, the rest of one slot by slot.
    const turns = Math.min(this.#cycles, Math.floor((now - this.#start) / length)) - this.#turn - 1;
    if (turns > 0) {
      this.#turn += turns;
      this.#number += turns * slots;
    }
    while (!this.over && this.dueAt() < now) this.#step();
  }

  /** When the next slot is due, or the border where none is left. */
  dueAt(): Micros {
    return this.#due(this.#turn, this.#place);
  }

  /** The border: when it ends, NEVER for an endless one. */
  endsAt(): Micros {
    return this.#cycles === Infinity ? NEVER : this.#due(this.#cycles, 0);
  }

  /** True where no slot is left: the border comes next. */
  get over(): boolean {
    return this.#turn === this.#cycles;
  }

  /** The slot that is due at `now`, which is taken then; -1 where none is. */
  take(now: Micros): number {
    if (this.over || this.dueAt() > now) return -1;
    if (now - this.dueAt() > LATEST) {
      const before = this.#number;
      this.skip(now);
      this.missed += this.#number - before;
      return -1;
    }
    const number = this.#number;
    this.#step();
    return number;
  }

  #step(): void {
    this.#number++;
    if (++this.#place < this.#cycle.slots) return;
    this.#place = 0;
    this.#turn++;
  }

  #due(turn: number, place: number): Micros {
    const { fast, fastSpacing, slowSpacing, length } = this.#cycle;
    const within = place < fast ? place * fastSpacing : fast * fastSpacing + (place - fast) * slowSpacing;
    return (this.#start + turn * length + within) as Micros;
  }
}
