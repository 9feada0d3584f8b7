import { micros, millis, seconds } from "../time/micros.js";
import type { BudgetOptions, DefenseOptions, EpisodeOptions, PadOptions } from "./options.js";

/** The presets that exist, weakest first. */
export const PRESET_NAMES = ["off", "paper", "standalone", "tunnel", "paired"] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

export function isPreset(name: string): name is PresetName {
  return (PRESET_NAMES as readonly string[]).includes(name);
}

/** What a preset is: a set of values and nothing else. */
export interface Preset {
  /** What it does, in a sentence. */
  readonly summary: string;
  readonly defenses: DefenseOptions;
  readonly budget: BudgetOptions;
}

/** Bounds that cost an idle line little: 50 decoys a second at most, as many bytes again as the device sends, 2 GB a month. */
const BUDGET: BudgetOptions = { packetsPerSecond: 50, bytesPerSecond: 100e3, share: 1, perMonth: 2e9 };

/** Frames alone, on the link to the router. */
const TRAILER: PadOptions = {
  enabled: true,
  target: "mtu",
  trailer: true,
  inside: false,
  udpSurplus: false,
  quicPrefix: false,
  tcpOverlap: false,
  tcpAcks: false,
  tcpFiller: false,
  tcpReset: false,
  icmpEcho: false,
  ipv6Options: false,
  clampMss: false,
};

/**
 * Fitted once to what speakers need (docs/tunnel.md): 60 slots a second take the 147 kB that a Google Home Mini sends in the first two seconds of
 * speech with less than 250 ms to wait. Flat, and as dense both ways: so a window of a stretch tells nothing, not even where in it it lies. WireGuard
 * sends a bare keep-alive after 10 s without data: heartbeats come before.
 */
const EPISODE: EpisodeOptions = {
  enabled: false,
  peer: "hushbox",
  always: false,
  size: 1420,
  up: millis(16.5),
  down: millis(16.5),
  burst: micros(0),
  faster: 1,
  duration: seconds(4),
  plans: 4,
  demand: 4000,
  heartbeat: seconds(9.5),
  keepAlives: true,
  decoys: true,
};

/** The realistic adversary of the paper with ν = 2: constant padding, Gaussian jitter, decoys by protocol; upstream only. */
const PAPER: DefenseOptions = {
  pad: TRAILER,
  jitter: { enabled: true, variance: 2, window: seconds(2), maxDelay: millis(20) },
  decoy: {
    enabled: true,
    variance: 2,
    window: seconds(2),
    kinds: ["tcp", "udp", "icmp", "traceroute"],
    hops: 2,
    size: 100,
  },
  pace: { enabled: false, interval: millis(5), maxDelay: millis(20), maxGap: seconds(5) },
  window: { enabled: false, size: 32_768 },
  episode: EPISODE,
};

/** Everything that needs no far end. */
const STANDALONE: DefenseOptions = {
  pad: {
    ...TRAILER,
    udpSurplus: true,
    quicPrefix: true,
    tcpOverlap: true,
    tcpAcks: true,
    tcpFiller: true,
    tcpReset: true,
    icmpEcho: true,
    clampMss: true,
  },
  jitter: { ...PAPER.jitter, enabled: false },
  decoy: PAPER.decoy,
  pace: { ...PAPER.pace, enabled: true },
  window: { ...PAPER.window, enabled: true },
  episode: EPISODE,
};

/** Nothing but what is left of the others. */
const OFF: DefenseOptions = {
  pad: { ...TRAILER, enabled: false },
  jitter: { ...PAPER.jitter, enabled: false },
  decoy: { ...PAPER.decoy, enabled: false },
  pace: { ...PAPER.pace, enabled: false },
  window: { ...PAPER.window, enabled: false },
  episode: EPISODE,
};

/** Heartbeats, and decoy episodes for what is left: with the shortest plan about a hundred episodes a day. */
const TUNNEL_BUDGET: BudgetOptions = { ...BUDGET, perMonth: 3e9 };

/** Every preset's values. */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  off: {
    summary: "passes and measures",
    defenses: OFF,
    budget: BUDGET,
  },
  paper: {
    summary: "outbound: constant padding, Gaussian jitter, TCP, UDP and ICMP decoys; variance multiplier 2",
    defenses: PAPER,
    budget: BUDGET,
  },
  standalone: {
    summary: "constant sizes past the router, constant windows, pacing, decoys; no far end",
    defenses: STANDALONE,
    budget: BUDGET,
  },
  tunnel: {
    summary: "constant slots in episodes, inside WireGuard, on the way up; any WireGuard peer",
    defenses: { ...OFF, episode: { ...EPISODE, enabled: true, peer: "stock", up: millis(10) } },
    budget: TUNNEL_BUDGET,
  },
  paired: {
    summary: "constant slots in episodes, inside WireGuard, both ways; hushbox at the far end",
    defenses: { ...OFF, episode: { ...EPISODE, enabled: true, peer: "hushbox" } },
    budget: TUNNEL_BUDGET,
  },
};
