import type { Counters, DIRECTIONS } from "../datapath/counters.js";

/** What left beyond the real packets, as a share of them: 0.5 is half as much again. 0 while nothing real has left. */
export interface Overhead {
  readonly bytes: number;
  readonly packets: number;
}

/** The overhead of a direction since the start. */
export function overhead(counters: Counters, direction: (typeof DIRECTIONS)[number]): Overhead {
  const of = (name: string): number => counters.read(`${direction}.${name}`);
  return {
    bytes: share(of("padding_bytes") + of("decoy_bytes"), of("bytes_out")),
    packets: share(of("decoy_packets"), of("packets_out")),
  };
}

function share(extra: number, real: number): number {
  return real === 0 ? 0 : extra / real;
}
