import type { LeakageReport } from "../../leakage/leakage-report.js";
import { SIGNIFICANCE } from "../../leakage/null.js";
import { theAttack, listed, percent } from "./wording.js";

/** What a measurement comes to. */
export interface VerdictWords {
  /** A class of the page. */
  readonly tone: "bad" | "good" | "open";
  /** In two words. */
  readonly state: string;
  /** In a sentence, with its number, chance and null. */
  readonly sentence: string;
}

/** More classes than these are counted, not named. */
const MOST_NAMES = 6;

/** What it means where there is no null. */
export const NOT_HELD =
  "what the best attack would read of nothing is not known, and no figure there can be called chance or more than chance.";

/** `behind`: as "behind standalone". */
export function verdictWords(leakage: LeakageReport, behind: string): VerdictWords {
  const best = leakage.attacks.find(({ attack }) => attack === leakage.best);
  if (best === undefined) return { tone: "open", state: "not measured", sentence: "No attack was measured." };
  const { value, low, high } = best.balanced_accuracy;
  const names = leakage.classes.map(({ name }) => `“${name}”`);
  const classes = names.length > MOST_NAMES ? `${names.length} classes` : listed(names);
  const found = `${behind}, ${theAttack(best.attack)} tells ${classes} apart with a balanced accuracy of ${percent(value)} (${percent(low)} to ${percent(high)}), where guessing gets ${percent(leakage.chance)}`;
  const none = leakage.null;
  if (none === null)
    return {
      tone: "open",
      state: "null not measured",
      sentence: `${begun(found)}; what it would read of nothing was not measured.`,
    };
  const held = `${begun(found)} and the best attack on labels dealt anew at most ${percent(none.threshold)}, 95 times in 100 (p\u00a0=\u00a0${none.p_value.toFixed(3)}, ${none.repetitions} repetitions)`;
  switch (none.verdict) {
    case "above-chance":
      return { tone: "bad", state: "still read", sentence: `${held}: it reads more than chance.` };
    case "at-chance":
      return { tone: "good", state: "at chance", sentence: `${held}: it reads no more than it would of nothing.` };
    case "undecided":
      return {
        tone: "open",
        state: "undecided",
        sentence: `${held}: there are too few groups for any reading to count (p ≤ ${SIGNIFICANCE} cannot be reached).`,
      };
  }
}

function begun(sentence: string): string {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}
