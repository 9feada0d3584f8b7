import type { WindowOptions } from "../../features/windows.js";
import type { LeakageReport } from "../../leakage/leakage-report.js";
import type { ObserverKind } from "../../trace/make-observer.js";
import type { ReportedDefense } from "./reported-campaign.js";

/** Who looks, from where, at which way: measurements of one view can be held against each other. */
export interface View {
  readonly observer: ObserverKind;
  readonly vantage: "lan" | "beyond" | "wan";
  readonly windows: Pick<WindowOptions, "direction" | "field">;
}

/** 0.627 as "62.7 %"; no number as a dash. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${signed((100 * share).toFixed(1))}\u00a0%` : "–";
}

/** For axes: 0.6 as "60 %". */
export function roundPercent(share: number): string {
  return `${signed(String(Number((100 * share).toFixed(2))))}\u00a0%`;
}

/** With a true minus, and none before nothing. */
function signed(digits: string): string {
  return digits.replace(/^-(?=0(\.0*)?$)/, "").replace("-", "−");
}

/** A difference of shares: 0.136 as "13.6 points". */
export function points(difference: number): string {
  return `${signed((100 * difference).toFixed(1))}\u00a0points`;
}

/** With its sign: what was added. */
export function added(share: number): string {
  return `${share < 0 ? "−" : "+"}${percent(Math.abs(share))}`;
}

export function bits(value: number): string {
  return `${value.toFixed(2)}\u00a0bit`;
}

export function milliseconds(value: number): string {
  return `${value.toFixed(1)}\u00a0ms`;
}

/** A number with its thousands apart. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en").replaceAll(",", "\u202f");
}

/** `random-forest` as a person says it. */
export function attackWords(name: string): string {
  if (name === "ada-boost") return "AdaBoost";
  return name.replace(/^k-/, "k\u2011").replaceAll("-", " ");
}

/** As the one who acts in a sentence: "the random forest", but "AdaBoost". */
export function theAttack(name: string): string {
  if (name === "ada-boost" || name === "k-fingerprinting") return attackWords(name);
  return name === "k-nearest-neighbours" ? "a vote of the k nearest neighbours" : `the ${attackWords(name)}`;
}

export function defenseWords(defense: ReportedDefense): string {
  if (defense.kind === "preset")
    return defense.nu === undefined ? defense.preset : `${defense.preset} ${parameterWords(defense)}`;
  return `${defense.kind === "simulated" ? "simulated adversary" : defense.kind} ${parameterWords(defense)}`;
}

/** The setting alone, under the paper's sign. */
export function parameterWords(defense: ReportedDefense): string {
  const parameter = defense.kind === "preset" ? defense.nu : defense.parameter;
  return parameter === undefined ? "" : `${defense.kind === "smoothing" ? "ψ" : "ν"}\u00a0=\u00a0${parameter}`;
}

/** `short`: for labels. */
export function viewWords({ observer, vantage, windows }: View, short = false): string {
  const from = vantage === "lan" ? "lan" : "wan";
  const way = { both: "both ways", up: "outbound", down: "inbound" }[windows.direction];
  const field = windows.field === "raw" ? "" : `, TCP windows ${windows.field}`;
  if (short) return `${from}, ${observer}, ${way}${field}`;
  const where = from === "lan" ? "on the link from box to router (lan)" : "behind the router (wan)";
  const who =
    observer === "parse" ? "who also parses headers (parse)" : "who counts packets, lengths and times (stats)";
  return `seen ${where} by an observer ${who}, ${way}${field}`;
}

export function windowWords({ cut, size }: Pick<WindowOptions, "cut" | "size">): string {
  if (cut === "trace") return "each capture whole";
  return cut === "packets" ? `windows of ${whole(size)} packets` : `windows of ${seconds(size)} s`;
}

/** µs as seconds, with no more digits than it has. */
export function seconds(micros: number): string {
  return String(Number((micros / 1e6).toFixed(6)));
}

export function realWords(real: boolean): string {
  return real ? "real captures" : "emulated traffic";
}

/** "a, b and c". */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1) ?? ""}`;
}

/** How it was measured: the part that two reports may differ in. */
export function protocolWords(leakage: LeakageReport): string {
  const { seeds, folds, training, counted, transferred } = leakage;
  return [
    `${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"} × ${folds} folds`,
    training === "even" ? "classes evened in training" : "classes as captured in training",
    ...(counted === "votes" ? ["windows of a capture vote"] : []),
    transferred ? "attacker learnt from undefended traffic" : "attacker retrained on the defense",
  ].join(", ");
}
