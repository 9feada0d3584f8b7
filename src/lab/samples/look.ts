import type { SampleForm } from "../../attack/attack.js";
import type { WindowOptions } from "../../features/windows.js";
import type { ObserverKind } from "../../trace/make-observer.js";
import type { TableFeatures } from "./table-features.js";

/** One way to look at a set and to cut what is seen. Survives structuredClone. */
export interface Look {
  readonly observer: ObserverKind;
  readonly windows: WindowOptions;
  readonly forms: readonly SampleForm[];
  /** Of the rows as a table; the twelve if not given. */
  readonly features?: TableFeatures;
}
