import type { DestinationReport, VerdictState } from "../datapath/handle.js";
import type { Log } from "../log/log.js";
import { keptOf } from "./kept-verdicts.js";
import type { VerdictFile } from "./verdict-file.js";

/** Ends of a verdict that are closer than this are the same: they are told as seconds left, and asked for by another clock. */
const SAME = 60_000;

/** Tells of each destination that turned out not to take a kind of padding, once, and keeps what is known of them. */
export class DestinationWatch {
  readonly #file: VerdictFile;
  readonly #log: Log;
  /** Until when, by address and mechanism. */
  #known = new Map<string, number>();

  constructor(file: VerdictFile, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  /** What an earlier run has found; it is not told again. */
  load(): readonly VerdictState[] {
    const kept = this.#file.load() ?? [];
    this.#known = new Map(kept.map((verdict) => [key(verdict), verdict.until]));
    return kept;
  }

  /** `wall`: milliseconds since 1970. */
  look(reports: readonly DestinationReport[], wall: number): void {
    const kept = keptOf(reports, wall);
    const fresh = kept.filter((verdict) => Math.abs((this.#known.get(key(verdict)) ?? 0) - verdict.until) > SAME);
    for (const { address, mechanism, reason } of fresh) {
      // The one place where an address is logged: without it nobody could tell what is padded and what is not.
      this.#log.warn("a destination does not take a kind of padding; it goes without for a day", {
        destination: address,
        mechanism,
        reason,
      });
    }
    if (fresh.length === 0 && kept.length === this.#known.size) return;
    this.#known = new Map(kept.map((verdict) => [key(verdict), verdict.until]));
    this.#file.save(kept);
  }
}

function key({ address, mechanism }: VerdictState): string {
  return `${address} ${mechanism}`;
}
