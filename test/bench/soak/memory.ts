import { readFileSync } from "node:fs";

const MIB = 2 ** 20;
/** Code is compiled, heaps find their size: what comes before is not judged. */
const WARM_UP = 1 / 3;
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
  /** Growth by a straight line through the samples after the warm-up. */
  readonly mibPerMinute: number;
}

/** The resident memory of a process over time. */
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
    const from = Math.floor(this.#at.length * WARM_UP);
    const at = this.#at.slice(from);
    const bytes = this.#bytes.slice(from);
    const slope = slopeOf(at, bytes);
    const whole = (this.#at.at(-1) ?? 0) - (this.#at[0] ?? 0);
    const span = (at.at(-1) ?? 0) - (at[0] ?? 0);
    const mean = bytes.reduce((sum, n) => sum + n, 0) / bytes.length;
    const growth = slope * span;
    const bound = Math.max(BREATH_BYTES, BREATH_SHARE * mean);
    const judged = whole >= LEAST;
    const mib = (n: number): number => Math.round((n / MIB) * 10) / 10;
    const grew = `${mib(growth)} MiB more in ${Math.round(span)} s after warm-up, by a straight line; ${mib(bound)} allowed`;
    return {
      flat: !judged || growth < bound,
      words: judged ? grew : `${grew}; too short to judge`,
      mib: { first: mib(bytes[0] ?? NaN), last: mib(bytes.at(-1) ?? NaN), most: mib(Math.max(...this.#bytes)) },
      mibPerMinute: Math.round(((slope * 60) / MIB) * 1000) / 1000,
    };
  }
}

/** Least squares. */
function slopeOf(x: readonly number[], y: readonly number[]): number {
  const mean = (list: readonly number[]): number => list.reduce((sum, n) => sum + n, 0) / list.length;
  const [mx, my] = [mean(x), mean(y)];
  let above = 0;
  let below = 0;
  x.forEach((at, i) => {
    above += (at - mx) * ((y[i] ?? my) - my);
    below += (at - mx) ** 2;
  });
  return below === 0 ? 0 : above / below;
}
