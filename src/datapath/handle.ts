import type { WatchedName } from "../defense/options.js";
import type { Reason, Refusal } from "../defense/pad/verdicts.js";
import type { Bridge } from "../nic/bridge.js";
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
  /** Carriers of another version that came from its tunnel. */
  readonly otherVersion: number;
  /** Seconds since a frame from the device; null before the first. */
  readonly idleSeconds: number | null;
}

/** Decoy bytes sent in a calendar month, per device MAC: what must survive a restart. */
export interface BudgetState {
  /** `2026-11`, UTC. */
  readonly month: string;
  readonly bytes: Readonly<Record<string, number>>;
}

/** A remote host that devices talk to, and which padding it does not take. */
export interface DestinationReport {
  readonly address: string;
  /** Bytes of the largest IP packet that its path takes, where that was learned. */
  readonly pathMtu: number | null;
  /** The mechanisms that are off for it. */
  readonly off: readonly Refusal[];
}

/** A mechanism that a destination does not take: what must survive a restart. `until`: in milliseconds since 1970. */
export interface VerdictState {
  readonly address: string;
  readonly mechanism: WatchedName;
  readonly reason: Reason;
  readonly until: number;
}

/** What an earlier run has left. */
export interface SavedState {
  readonly budget: BudgetState | null;
  readonly verdicts: readonly VerdictState[];
}

/** The running datapath as the rest of the daemon holds it, wherever its loop runs. */
export interface DatapathHandle {
  readonly counters: Counters;
  /** Replaces what changed; resolves when packets see it, with the time that took in milliseconds. */
  apply(options: DatapathOptions): Promise<number>;
  flows(): Promise<FlowReport[]>;
  devices(): Promise<DeviceReport[]>;
  budget(): Promise<BudgetState>;
  /** Last used first. */
  destinations(): Promise<DestinationReport[]>;
  /** Every mechanism is tried again with every destination. */
  forgetDestinations(): Promise<void>;
  /** How the kernel joins the cards changed. */
  bridge(bridge: Bridge | null): Promise<void>;
  /**
   * Sends what is due, counts what is held as dropped (`stopped`), closes the cards. With `release`, where a bridge of the kernel goes on in our
   * place, what is held is sent too. Idempotent.
   */
  stop(release: boolean): Promise<void>;
  /** Resolves when the datapath ended without being asked, with the reason. */
  readonly failed: Promise<Error>;
}
