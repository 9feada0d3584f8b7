import type { Micros } from "../../time/micros.js";
import type { BudgetOptions } from "../options.js";

/** Decoy bytes that are allowed before a device has sent anything to take a share of. */
const SHARE_FLOOR = 64_000;

export type Refusal = "rate" | "bytes" | "share" | "month";

/** Bounds what decoys may cost a device. Answers each ask at once; what it grants it has counted. The bounds hold after every grant. */
export class Budget {
  options: BudgetOptions;
  /** Decoy bytes on the wire in this calendar month. */
  monthBytes: number;
  #realBytes = 0;
  #decoyBytes = 0;
  #packets: number;
  #bytes: number;
  #filledAt: Micros;

  constructor(options: BudgetOptions, monthBytes: number, now: Micros) {
    this.options = options;
    this.monthBytes = monthBytes;
    this.#packets = options.packetsPerSecond;
    this.#bytes = options.bytesPerSecond;
    this.#filledAt = now;
  }

  /** Bytes of a real packet of the device, either direction. */
  spendReal(bytes: number): void {
    this.#realBytes += bytes;
  }

  /** Asks for one decoy of `bytes` on the wire; null where it is granted. A second's worth may be spent at once. */
  ask(bytes: number, now: Micros): Refusal | null {
    const { packetsPerSecond, bytesPerSecond, share, perMonth } = this.options;
    const passed = now > this.#filledAt ? (now - this.#filledAt) / 1e6 : 0;
    if (passed > 0) this.#filledAt = now;
    this.#packets = Math.min(packetsPerSecond, this.#packets + passed * packetsPerSecond);
    this.#bytes = Math.min(bytesPerSecond, this.#bytes + passed * bytesPerSecond);
    if (this.#packets < 1) return "rate";
    if (this.#bytes < bytes) return "bytes";
    if (this.#decoyBytes + bytes > share * this.#realBytes + SHARE_FLOOR) return "share";
    if (this.monthBytes + bytes > perMonth) return "month";
    this.#packets--;
    this.#bytes -= bytes;
    this.#decoyBytes += bytes;
    this.monthBytes += bytes;
    return null;
  }

  /** Bytes left in this month. */
  get left(): number {
    return Math.max(0, this.options.perMonth - this.monthBytes);
  }
}
