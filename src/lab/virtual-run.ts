import { DIRECTIONS, Counters } from "../datapath/counters.js";
import type { Datapath } from "../datapath/datapath.js";
import type { Cards } from "../nic/nic.js";
import type { Micros } from "../time/micros.js";

/** Cards on virtual time that come to an end. */
export interface EndingCards extends Cards {
  readonly now: Micros;
  /** True when the last frame has been received. */
  readonly exhausted: boolean;
}

/**
 * Turns a datapath until the last frame has come and the last real packet has left. Decoys that are still planned then are not sent.
 * `turned` hears of every turn; what it promises is waited for.
 */
export async function runToEnd(
  datapath: Datapath,
  cards: EndingCards,
  counters: Counters,
  turned: () => Promise<void> | null = () => null,
): Promise<void> {
  const { values } = counters;
  const held = DIRECTIONS.map((direction) => Counters.index(`${direction}.held_packets`));
  let next = cards.now;
  while (!cards.exhausted || held.some((i) => (values[i] ?? 0) > 0)) {
    next = datapath.poll(cards.turn(next));
    const promise = turned();
    if (promise !== null) await promise;
  }
  datapath.stop(cards.turn(cards.now));
}
