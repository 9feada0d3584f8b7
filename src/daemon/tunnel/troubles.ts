import type { TunnelProblem, TunnelTrouble } from "../../datapath/tunnel-report.js";
import type { Log } from "../../log/log.js";

/** What a look at the tunnel finds. Counts are since the start. */
export interface TunnelFacts {
  /** The peers in these states, by name. */
  readonly unreachable: readonly string[];
  readonly contested: readonly string[];
  /** Whose carriers are of another version. */
  readonly strangers: readonly string[];
  /** Seconds by which the clock is behind what peers may have seen. */
  readonly behind: number;
  /** There is a session with a far end that is to answer in carriers. */
  readonly paired: boolean;
  readonly slots: number;
  readonly carriers: number;
  /** Bytes that WireGuard had from its peers. */
  readonly received: number;
  readonly otherVersion: number;
  /** Packets of devices that found no place to wait. */
  readonly full: number;
  /** The month's budget pays for no decoy any more. */
  readonly spent: boolean;
}

/** What has happened of late stands so long, in milliseconds: longer than between two heartbeats. */
const LATELY = 60_000;
/**
 * Where WireGuard hears its peer and so many slots in a row, for so long (in milliseconds), brought no carrier, no hushbox listens: three
 * heartbeats are lost seldom.
 */
const UNANSWERED = 3;
const SILENT = 15_000;
/** What WireGuard says of itself is so old at most, in milliseconds: what it heard later came after the last carrier. */
const OLD = 6_000;

/** What the log says when one begins; null: whoever finds it has said so. */
const SAYS: Readonly<Record<TunnelProblem, string | null>> = {
  unreachable: null,
  silent:
    "WireGuard's peer answers, but no hushbox behind it: preset paired needs one with role gateway there, which has this box's addresses in AllowedIPs; devices' packets do not get through, and none leaves outside the tunnel",
  "other-version":
    "the other end of the tunnel speaks another version of carriers: install the same release of hushbox at both ends; with preset paired devices' packets do not get through until then, and none leaves outside the tunnel",
  "shared-key":
    "sessions change far more often than every two minutes, as where two machines use one key by turns: each takes the other's packets; make each its own key (deploy/gateway/setup makes one for each box)",
  "clock-behind": null,
  "budget-spent":
    "the month's budget is spent: no decoy episode begins before the next month, so that each one that begins now is a real one; perMonth pays for more",
  full: "the tunnel's queue is full: packets of devices are dropped; a download wants more than the slots carry",
};

/** Tells what is wrong with the tunnel, from look to look, and says in the log when it begins and ends. No clock of its own. */
export class TunnelTroubles {
  readonly #log: Log;
  readonly #since = new Map<TunnelProblem, { readonly at: number; peers: readonly string[] }>();
  #before: Pick<TunnelFacts, "slots" | "carriers" | "received" | "otherVersion" | "full"> | null = null;
  #answeredAt = 0;
  #slotsThen = 0;
  #heardAt = 0;
  #strangeAt = -Infinity;
  #fullAt = -Infinity;

  constructor(log: Log) {
    this.#log = log;
  }

  /** One look. `now`: monotonic, in milliseconds. */
  look(facts: TunnelFacts, now: number): void {
    const before = this.#before ?? { ...facts, carriers: -1 };
    if (facts.otherVersion > before.otherVersion) this.#strangeAt = now;
    if (facts.full > before.full) this.#fullAt = now;
    if (facts.received !== before.received) this.#heardAt = now;
    if (facts.carriers !== before.carriers || !facts.paired) {
      this.#answeredAt = now;
      this.#slotsThen = facts.slots;
    }
    this.#before = facts;
    const strange = now - this.#strangeAt < LATELY;
    const unanswered =
      facts.slots - this.#slotsThen >= UNANSWERED &&
      this.#heardAt - this.#answeredAt > OLD &&
      now - this.#answeredAt > SILENT;
    this.#tell("unreachable", facts.unreachable.length > 0, facts.unreachable, now);
    this.#tell("other-version", strange, facts.strangers, now);
    this.#tell("silent", unanswered && !strange, [], now);
    this.#tell("shared-key", facts.contested.length > 0, facts.contested, now);
    this.#tell("clock-behind", facts.behind > 0, [], now);
    this.#tell("budget-spent", facts.spent, [], now);
    this.#tell("full", now - this.#fullAt < LATELY, [], now);
  }

  reports(now: number): TunnelTrouble[] {
    return [...this.#since].map(([problem, { at, peers }]) => ({
      problem,
      peers,
      seconds: Math.round((now - at) / 1e3),
    }));
  }

  #tell(problem: TunnelProblem, holds: boolean, peers: readonly string[], now: number): void {
    const known = this.#since.get(problem);
    if (!holds) {
      if (known === undefined) return;
      this.#since.delete(problem);
      if (SAYS[problem] !== null) this.#log.info("a problem of the tunnel is over", { problem });
      return;
    }
    if (known !== undefined) {
      known.peers = peers;
      return;
    }
    this.#since.set(problem, { at: now, peers });
    const says = SAYS[problem];
    if (says !== null) this.#log.error(says, { problem, ...(peers.length === 0 ? {} : { peers }) });
  }
}
