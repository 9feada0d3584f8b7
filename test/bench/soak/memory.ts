import { readFileSync } from "node:fs";

const MIB = 2 ** 20;
/** Code is compiled, heaps find their size: what comes before is not judged. */
const WARM_UP = 1 / 20;
/** Where the last third begins. */
const LAST = 2 / 3;
/** So much may memory seem to grow over the time judged: a heap breathes. The larger of the two counts. */
const BREATH_BYTES = 8 * MIB;
const BREATH_SHARE = 0.05;
/** Less than this cannot be judged, in seconds. */
const LEAST = 180;

/** What the memory of a process did. */
export interface MemoryReport {
  readonly flat: boolean;
  readonly words: string;
  readonly mib: { readonly first: number; readonly last: number; readonly most: number };
  /** Growth of the crest from the middle of the time before the last third to the middle of the last third. */
  readonly mibPerMinute: number;
}

/**
 * The resident memory of a process over time. A heap falls by tens of MiB at a full collection and climbs again, so a line through all samples
 * says when that was; the crests say whether something stays.
 */
export class Memory {
  readonly #pid: number;
  readonly #at: number[] = [];
  readonly #bytes: number[] = [];

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Takes a sample; answers MiB. */
  sample(): number {
    const found = /^Rss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#pid}/smaps_rollup`, "utf8"));
    const bytes = Number(found?.[1]) * 1024;
    this.#at.push(performance.now() / 1000);
    this.#bytes.push(bytes);
    return bytes / MIB;
  }

  report(): MemoryReport {
    const start = this.#at[0] ?? 0;
    const whole = (this.#at.at(-1) ?? 0) - start;
    const crest = (from: number, to: number): number =>
      Math.max(...this.#bytes.filter((_, i) => inside((this.#at[i] ?? 0) - start, whole * from, whole * to)));
    const before = crest(WARM_UP, LAST);
    const last = crest(LAST, 1);
    const growth = last - before;
    const bound = Math.max(BREATH_BYTES, BREATH_SHARE * before);
    const judged = whole >= LEAST;
    const mib = (n: number): number => Math.round((n / MIB) * 10) / 10;
    const grew = `at most ${mib(last)} MiB in the last third, ${mib(before)} before that; ${mib(bound)} more allowed`;
    return {
      flat: !judged || growth < bound,
      words: judged ? grew : `${grew}; too short to judge`,
      mib: {
        first: mib(this.#bytes[0] ?? NaN),
        last: mib(this.#bytes.at(-1) ?? NaN),
        most: mib(Math.max(...this.#bytes)),
      },
      mibPerMinute: Math.round(((growth / (whole / 2)) * 60 * 1000) / MIB) / 1000,
    };
  }
}

function inside(value: number, from: number, to: number): boolean {
  return value >= from && value <= to;
}
