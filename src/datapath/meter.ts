import { DOWN, UP, type Direction } from "../packet/packet.js";
import { Counters, DELAY_BOUNDS, DIRECTIONS, LATENESS_BOUNDS, type DirectionCounter } from "./counters.js";

/** The counters of one direction with their places looked up once, for counting per packet. */
class DirectionMeter {
  readonly packetsIn: number;
  readonly bytesIn: number;
  readonly packetsOut: number;
  readonly bytesOut: number;
  readonly paddingBytes: number;
  readonly decoyPackets: number;
  readonly decoyBytes: number;
  readonly delayed: number;
  readonly local: number;
  readonly between: number;
  readonly unknown: number;
  readonly swallowed: number;
  readonly held: number;
  readonly dropOversize: number;
  readonly dropQueueFull: number;
  readonly dropStopped: number;
  readonly dropNoSlot: number;
  readonly delay: number;
  readonly delaySum: number;
  readonly lateness: number;
  readonly latenessSum: number;

  constructor(direction: Direction) {
    const name = DIRECTIONS[direction];
    const at = (counter: DirectionCounter): number => Counters.index(`${name}.${counter}`);
    this.packetsIn = at("packets_in");
    this.bytesIn = at("bytes_in");
    this.packetsOut = at("packets_out");
    this.bytesOut = at("bytes_out");
    this.paddingBytes = at("padding_bytes");
    this.decoyPackets = at("decoy_packets");
    this.decoyBytes = at("decoy_bytes");
    this.delayed = at("delayed_packets");
    this.local = at("local_packets");
    this.between = at("between_packets");
    this.unknown = at("unknown_packets");
    this.swallowed = at("swallowed_packets");
    this.held = at("held_packets");
    this.dropOversize = at("drop_oversize");
    this.dropQueueFull = at("drop_queue-full");
    this.dropStopped = at("drop_stopped");
    this.dropNoSlot = at("drop_no-slot");
    this.delay = Counters.index(`${name}.delay.0`);
    this.delaySum = Counters.index(`${name}.delay.sum`);
    this.lateness = Counters.index(`${name}.lateness.0`);
    this.latenessSum = Counters.index(`${name}.lateness.sum`);
  }
}

const METERS = [new DirectionMeter(UP), new DirectionMeter(DOWN)] as const;

/** Where a direction's counters lie in `Counters.values`. */
export function meter(direction: Direction): DirectionMeter {
  return METERS[direction];
}

/** Which bucket of a histogram a value falls in; bounds are inclusive above, as Prometheus has it. */
function bucket(bounds: readonly number[], value: number): number {
  let i = 0;
  while (i < bounds.length && value > (bounds[i] ?? 0)) i++;
  return i;
}

/** Counts the time that a packet spent in the box, in µs. */
export function countDelay(values: Float64Array, direction: Direction, micros: number): void {
  const m = METERS[direction];
  const i = m.delay + bucket(DELAY_BOUNDS, micros);
  values[i] = (values[i] ?? 0) + 1;
  values[m.delaySum] = (values[m.delaySum] ?? 0) + micros;
}

/** Counts how much after its scheduled departure a held packet left, in µs. */
export function countLateness(values: Float64Array, direction: Direction, micros: number): void {
  const m = METERS[direction];
  const i = m.lateness + bucket(LATENESS_BOUNDS, micros);
  values[i] = (values[i] ?? 0) + 1;
  values[m.latenessSum] = (values[m.latenessSum] ?? 0) + micros;
}
