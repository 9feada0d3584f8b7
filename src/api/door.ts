import type { Problem } from "../config/problem.js";
import type { Config } from "../config/schema.js";
import type { ApiSettings } from "../config/settings.js";
import type { Counters } from "../datapath/counters.js";
import type { DestinationReport, DeviceReport, FlowReport } from "../datapath/handle.js";
import type { TunnelReport } from "../datapath/tunnel-report.js";

/** What became of a wish to change the configuration. Only `applied` changed anything. */
export type Outcome =
  | {
      readonly result: "applied";
      readonly config: Config;
      readonly changed: readonly string[];
      readonly milliseconds: number;
      readonly persisted: boolean;
    }
  | { readonly result: "invalid" | "restart-required"; readonly problems: readonly Problem[] }
  | { readonly result: "unknown-device" | "precondition-failed" }
  | { readonly result: "file-changed" | "file-unwritable" | "not-ready"; readonly message: string };

/** How a change is to be made. */
export interface ChangeTerms {
  /** Accepts the tag of the configuration in force, or the change is not made. */
  readonly ifMatch?: (etag: string) => boolean;
  /** Also write it to the file. */
  readonly persist: boolean;
}

/**
 * The one door from the API back into the house. The daemon is it; the API pokes nothing else. Changes are made one after the other:
 * `make` gets the configuration in force and returns the whole one wanted, or null where the device it is about is not there.
 */
export interface Door {
  readonly version: string;
  /** Where the configuration lies. */
  readonly file: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly config: Config;
  readonly etag: string;
  /** False where the configuration in force differs from the file's. */
  readonly saved: boolean;
  readonly settings: ApiSettings;
  /** True once packets flow. */
  readonly ready: boolean;
  /** True while the datapath's loop turns. */
  readonly turning: boolean;
  /** Null until the datapath runs. */
  readonly counters: Counters | null;
  /** The name of the kernel's bridge that joins the two cards, or null. */
  readonly bridge: string | null;
  /** The table of `onFailure: closed` is in force. */
  readonly guarded: boolean;
  /** Null where the configuration names none. */
  readonly tunnel: TunnelReport | null;
  change(make: (config: Config) => unknown, terms: ChangeTerms): Promise<Outcome>;
  /** Null where the datapath has not started or does not answer. */
  devices(): Promise<readonly DeviceReport[] | null>;
  flows(): Promise<readonly FlowReport[] | null>;
  /** Last used first. */
  destinations(): Promise<readonly DestinationReport[] | null>;
  /** Every mechanism is tried again with every destination. How many verdicts there were; null where the datapath does not answer. */
  forgetDestinations(): Promise<number | null>;
}
