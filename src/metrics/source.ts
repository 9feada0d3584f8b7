import type { Counters } from "../datapath/counters.js";
import type { DeviceReport } from "../datapath/handle.js";
import type { DatapathOptions } from "../datapath/options.js";
import type { TunnelReport } from "../datapath/tunnel-report.js";

/** Where metrics are read from. The daemon is one. */
export interface MetricsSource {
  readonly version: string;
  /** Null until the datapath runs. */
  counters(): Counters | null;
  /** The devices' reports, empty where the datapath cannot say. */
  devices(): Promise<readonly DeviceReport[]>;
  options(): DatapathOptions;
  /** Null where the configuration names none. */
  tunnel(): TunnelReport | null;
  /** True while the datapath's loop turns. */
  turning(): boolean;
  /** True while the table of `onFailure: closed` is in force. */
  guarded(): boolean;
  /** Seconds that the last configuration change took until packets saw it; null before the first. */
  lastApply(): number | null;
  /** Clients of the event stream. */
  eventClients(): number;
}
