import type { AttackReport } from "./attack-report.js";
import type { Counted } from "./cross-validate.js";
import type { NullReport, Verdict } from "./null.js";
import type { Importance } from "./permutation-importance.js";
import type { Training } from "./training-set.js";

/** What is left to read, in the words of `hushbox attack --json`. */
export interface LeakageReport {
  readonly classes: readonly { readonly name: string; readonly groups: number; readonly rows: number }[];
  readonly chance: number;
  readonly folds: number;
  readonly seeds: readonly string[];
  readonly training: Training;
  readonly counted: Counted;
  /** Whether the attacker learnt from other samples than those it is asked, and so did not retrain on the defense. */
  readonly transferred: boolean;
  /** Of all intervals, and how they are made. */
  readonly confidence: number;
  readonly interval: "percentiles of resampled seeds and groups";
  /** The best first. */
  readonly attacks: readonly AttackReport[];
  readonly best: string;
  /** Of the best attack, in every repetition the best of all; null where none was asked for. */
  readonly null: (NullReport & { readonly arrangements: number; readonly verdict: Verdict }) | null;
  /** What gives the class away to the best attack that sees columns with names; null where it was not asked for. */
  readonly importance: { readonly attack: string; readonly blocks: readonly Importance[] } | null;
}
