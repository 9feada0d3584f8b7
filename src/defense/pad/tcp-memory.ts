import type { Random } from "../../random/random.js";
import type { Destinations } from "./destinations.js";
import { TcpHistory } from "./tcp-history.js";
import { TcpMarks } from "./tcp-marks.js";
import { TcpPeers } from "./tcp-peers.js";

/** Flows whose bytes are kept at once: with what else is noted of each, 2.4 MiB in all. */
const PLACES = 1024;
const NONE = -1;

/** All that padding TCP has to remember: bytes and marks by flow, manners by destination. */
export class TcpMemory {
  readonly history: TcpHistory;
  readonly marks: TcpMarks;
  readonly peers: TcpPeers;

  /** `flows`: the flow table's capacity. */
  constructor(flows: number, modules: { random: Random; destinations: Destinations }, places = PLACES) {
    this.history = new TcpHistory(flows, places, modules.random);
    this.marks = new TcpMarks(places);
    this.peers = new TcpPeers(modules.destinations);
  }

  /** The place of a flow, made where it has none: known from `sequence` on. */
  place(flow: number, generation: number, sequence: number): number {
    const place = this.history.find(flow, generation);
    if (place === NONE) return this.restart(flow, generation, sequence);
    this.history.use(place);
    return place;
  }

  /** A place for a flow of which nothing is known yet. */
  restart(flow: number, generation: number, sequence: number): number {
    const place = this.history.take(flow, generation);
    this.marks.clear(place);
    this.history.begin(place, sequence);
    return place;
  }
}
