import type { Counters } from "./counters.js";
import type { DatapathOptions } from "./options.js";

/** A flow as a person reads it. Bytes are frame bytes without padding. */
export interface FlowReport {
  /** The device's name; empty for group-addressed traffic. */
  readonly device: string;
  readonly version: 4 | 6;
  readonly protocol: string;
  readonly deviceAddress: string;
  readonly devicePort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly packetsUp: number;
  readonly packetsDown: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly ageSeconds: number;
  readonly idleSeconds: number;
}

/** What one device's budget and defenses are doing. */
export interface DeviceReport {
  readonly name: string;
  readonly mac: string;
  readonly packetsUp: number;
  readonly packetsDown: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly decoyBytesThisMonth: number;
  readonly budgetLeftBytes: number;
  /** Seconds since a frame from the device; null before the first. */
  readonly idleSeconds: number | null;
}

/** Decoy bytes sent in a calendar month, per device MAC: what must survive a restart. */
export interface BudgetState {
  /** `2026-11`, UTC. */
  readonly month: string;
  readonly bytes: Readonly<Record<string, number>>;
}

/** The running datapath as the rest of the daemon holds it, wherever its loop runs. */
export interface DatapathHandle {
  readonly counters: Counters;
  /** Replaces what changed; resolves when packets see it, with the time that took in milliseconds. */
  apply(options: DatapathOptions): Promise<number>;
  flows(): Promise<FlowReport[]>;
  devices(): Promise<DeviceReport[]>;
  budget(): Promise<BudgetState>;
  /** Sends what is due, counts what is held as dropped (`stopped`), closes the cards. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when the datapath ended without being asked, with the reason. */
  readonly failed: Promise<Error>;
}
