import { Bursts } from "../../features/bursts.js";
import { Cumul } from "../../features/cumul.js";
import type { Family } from "../../features/family.js";
import { Gaps } from "../../features/gaps.js";
import { KFingerprint } from "../../features/k-fingerprint.js";
import { Lengths } from "../../features/lengths.js";

/** What rows that attacks on tables learn from may hold: the paper's twelve features, or those of a family. */
export const TABLE_FEATURES = ["twelve", "bursts", "cumul", "gaps", "k-fingerprint", "lengths"] as const;
export type TableFeatures = (typeof TABLE_FEATURES)[number];

/** A family with its published settings. */
export function familyOf(features: Exclude<TableFeatures, "twelve">): Family {
  switch (features) {
    case "bursts":
      return new Bursts();
    case "cumul":
      return new Cumul();
    case "gaps":
      return new Gaps();
    case "k-fingerprint":
      return new KFingerprint();
    case "lengths":
      return new Lengths();
  }
}
