import type { BudgetOptions, EpisodeOptions } from "../../defense/options.js";
import { bytesPerMonth, decoysPerDay } from "../../tunnel/cost.js";
import { chainBits } from "../../tunnel/leak.js";
import type { TunnelRun } from "./tunnel-run.js";

/** What a month is counted with: real and decoy together. */
const EPISODES_A_DAY = 100;

/** What a tunnel did with a capture, in the words of `hushbox shape --json`. */
export interface TunnelReport {
  /** Slots at the box and at the gateway, and those without a real packet. */
  readonly slots: { readonly up: number; readonly down: number };
  readonly empty: { readonly up: number; readonly down: number };
  readonly heartbeats: number;
  readonly handshakes: number;
  /** By why they began, and those that followed another. */
  readonly episodes: { readonly demand: number; readonly decoy: number; readonly following: number };
  readonly real: Record<"in" | "out" | "dropped", { readonly up: number; readonly down: number }>;
  /** How much later than captured packets came to the device, in ms. */
  readonly down_delay_ms: { readonly p50: number; readonly p99: number };
  /** How much later the first audio of answers was there, in ms. */
  readonly first_audio_ms: { readonly answers: number; readonly p50: number | null; readonly most: number | null };
  /** The most that waited at either end, in bytes. */
  readonly most_waiting: { readonly up: number; readonly down: number };
  /** What an observer learns: starts in seconds, how many plans ran behind one another, and how many bits the plans can tell at most. */
  readonly leak: {
    readonly starts: readonly number[];
    readonly plans: readonly number[];
    readonly bits: number;
    readonly bits_an_episode: number;
  };
  /** Bytes of IP packets on the line a month: of a hundred shortest episodes a day, or of the endless one. */
  readonly month: { readonly bytes: number; readonly episodes_a_day: number | null; readonly decoys_a_day: number };
}

/** What a finished run did. */
export function tunnelReport(run: TunnelRun, episode: EpisodeOptions, budget: BudgetOptions): TunnelReport {
  const { near, far, chains } = run;
  const both = ([up = 0, down = 0]: readonly number[]): { up: number; down: number } => ({ up, down });
  const ms = (micros: number): number => Number((micros / 1e3).toFixed(3));
  const audio = run.audio.delays().sort((a, b) => a - b);
  const at = (q: number): number | null => {
    const delay = audio[Math.min(audio.length - 1, Math.floor(q * audio.length))];
    return delay === undefined ? null : ms(delay);
  };
  const plans = chains.map((chain) => chain.plans);
  return {
    slots: { up: near.slots, down: far?.slots ?? 0 },
    empty: { up: near.empty, down: far?.empty ?? 0 },
    heartbeats: near.heartbeats,
    handshakes: run.handshakes.count,
    episodes: { demand: near.demands, decoy: near.decoys, following: near.followers },
    real: { in: both(run.in), out: both(run.out), dropped: both(run.dropped) },
    down_delay_ms: { p50: ms(run.delays.at(0.5)), p99: ms(run.delays.at(0.99)) },
    first_audio_ms: { answers: audio.length, p50: at(0.5), most: at(1) },
    most_waiting: { up: near.queue.mostBytes, down: far?.queue.mostBytes ?? 0 },
    leak: {
      starts: chains.map((chain) => Number(chain.at.toFixed(3))),
      plans,
      bits: episode.always ? 0 : plans.reduce((sum, n) => sum + chainBits(episode, n), 0),
      bits_an_episode: episode.always ? 0 : chainBits(episode, 1),
    },
    month: {
      bytes: Math.round(bytesPerMonth(episode, EPISODES_A_DAY)),
      episodes_a_day: episode.always ? null : EPISODES_A_DAY,
      decoys_a_day: Number(decoysPerDay(episode, budget.perMonth).toFixed(1)),
    },
  };
}
