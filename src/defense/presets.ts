import { millis, seconds } from "../time/micros.js";
import type { BudgetOptions, DefenseOptions } from "./options.js";

/** The presets that exist, weakest first. */
export const PRESET_NAMES = ["off", "paper"] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** What a preset is: a set of values and nothing else. */
export interface Preset {
  /** What it does, in a sentence. */
  readonly summary: string;
  readonly defenses: DefenseOptions;
  readonly budget: BudgetOptions;
}

/** Bounds that cost an idle line little: 50 decoys a second at most, as many bytes again as the device sends, 2 GB a month. */
const BUDGET: BudgetOptions = { packetsPerSecond: 50, bytesPerSecond: 100e3, share: 1, perMonth: 2e9 };

/** The realistic adversary of the paper with ν = 2: constant padding, Gaussian jitter, decoys by protocol; upstream only. */
const PAPER: DefenseOptions = {
  pad: { enabled: true, target: "mtu", trailer: true },
  jitter: { enabled: true, variance: 2, window: seconds(2), maxDelay: millis(20) },
  decoy: {
    enabled: true,
    variance: 2,
    window: seconds(2),
    kinds: ["tcp", "udp", "icmp", "traceroute"],
    hops: 2,
    size: 100,
  },
};

/** Every preset's values. */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  off: {
    summary: "passes and measures",
    defenses: {
      pad: { ...PAPER.pad, enabled: false },
      jitter: { ...PAPER.jitter, enabled: false },
      decoy: { ...PAPER.decoy, enabled: false },
    },
    budget: BUDGET,
  },
  paper: {
    summary: "outbound: constant padding, Gaussian jitter, TCP, UDP and ICMP decoys; variance multiplier 2",
    defenses: PAPER,
    budget: BUDGET,
  },
};
