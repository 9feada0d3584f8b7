import type { DestinationReport, VerdictState } from "../datapath/handle.js";

/** As many as the packets' side remembers hosts. */
export const MOST_VERDICTS = 1024;

/** Reports as they are kept, with the wall clock's time, since the packets' clock begins anew with the machine. Last used first. */
export function keptOf(reports: readonly DestinationReport[], wall: number): VerdictState[] {
  return reports
    .flatMap(({ address, off }) =>
      off.map(({ mechanism, reason, secondsLeft }) => ({
        ...{ address, mechanism, reason },
        until: Math.round(wall + secondsLeft * 1e3),
      })),
    )
    .slice(0, MOST_VERDICTS);
}

/** What of it still holds. Last used last, so that it is in the same order again. */
export function stillHeld(kept: readonly VerdictState[], wall: number): Pick<DestinationReport, "address" | "off">[] {
  return kept
    .filter(({ until }) => until > wall)
    .map(({ address, mechanism, reason, until }) => ({
      address,
      off: [{ mechanism, reason, secondsLeft: (until - wall) / 1e3 }],
    }))
    .reverse();
}
