/** Packets and bytes of one direction. */
export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
}

/** What a defense costs, beside what it leaves: the record that a campaign puts next to a leakage report. Survives structuredClone. */
export interface DefenseCost {
  /** As the observer counts without the defense, and with it. */
  readonly before: { readonly up: Traffic; readonly down: Traffic };
  readonly after: { readonly up: Traffic; readonly down: Traffic };
  /** What was added, as a share of what was there. */
  readonly overhead: { readonly bytes: number; readonly packets: number };
  /** Of real packets on their way up, in ms. */
  readonly added_delay_ms: { readonly p50: number; readonly p99: number };
}

/** What a cost is made of, for each capture; `shape` reports it under other names. */
export interface CaptureCost extends Omit<DefenseCost, "overhead"> {
  /** Behind a tunnel: how many plans ran behind one another, each time that one began. All that its schedule says but the times. */
  readonly plans?: readonly number[];
}

/**
 * The cost over all captures of a data set. Volumes add up, and so large captures weigh more. Quantiles of delay do not add up: `p50` is
 * the median of the captures' medians, each as often as it has packets up; `p99` the largest of theirs, so no less than the true one.
 */
export function totalCost(captures: readonly CaptureCost[]): DefenseCost {
  const sum = (side: "before" | "after", way: "up" | "down"): Traffic => ({
    packets: captures.reduce((total, capture) => total + capture[side][way].packets, 0),
    bytes: captures.reduce((total, capture) => total + capture[side][way].bytes, 0),
  });
  const before = { up: sum("before", "up"), down: sum("before", "down") };
  const after = { up: sum("after", "up"), down: sum("after", "down") };
  const added = (what: "packets" | "bytes"): number => {
    const was = before.up[what] + before.down[what];
    return was === 0 ? 0 : (after.up[what] + after.down[what] - was) / was;
  };
  return {
    before,
    after,
    overhead: { bytes: added("bytes"), packets: added("packets") },
    added_delay_ms: { p50: medianDelay(captures), p99: Math.max(0, ...captures.map((c) => c.added_delay_ms.p99)) },
  };
}

function medianDelay(captures: readonly CaptureCost[]): number {
  const sorted = [...captures].sort((a, b) => a.added_delay_ms.p50 - b.added_delay_ms.p50);
  const half = sorted.reduce((total, capture) => total + capture.before.up.packets, 0) / 2;
  let below = 0;
  for (const capture of sorted) {
    below += capture.before.up.packets;
    if (below > 0 && below >= half) return capture.added_delay_ms.p50;
  }
  return 0;
}
