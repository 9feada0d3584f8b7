import type { EpisodeOptions } from "../defense/options.js";
import type { Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Micros } from "../time/micros.js";
import * as carrier from "./carrier.js";
import { Filler, type Filled } from "./filler.js";
import { Losses } from "./losses.js";
import { largest } from "./plan.js";
import { SlotQueue } from "./slot-queue.js";
import { Timetable } from "./timetable.js";

/** What an end of a tunnel works with. */
export interface EndModules {
  readonly pool: Pool;
  /** Packets that may wait. */
  readonly queue: number;
  /** Of carriers; with a stock peer, of decoys, whose source the peer must not allow. */
  readonly ends: carrier.Ends;
  /** Hears of each real packet as it leaves; it is not to be kept. */
  readonly left?: (packet: Packet) => void;
}

/** What both ends of a tunnel have: packets that wait for slots, a timetable of slots, what fills them, and an ear for the other end's carriers. */
export abstract class End {
  readonly queue: SlotQueue;
  /** Slots, and those of them without a real packet. */
  slots = 0;
  empty = 0;
  heartbeats = 0;
  /** Slots that went by without a packet since the pool had none, or as overdue after a pause. */
  missed = 0;
  /** Carriers that were heard, and those of another version. */
  carriers = 0;
  strangers = 0;
  /** The plan that runs, or -1 while idle. */
  plan = -1;
  /** The level of rate: 0 is the highest. */
  level = 0;
  protected readonly options: EpisodeOptions;
  protected readonly filler: Filler;
  protected readonly timetable = new Timetable();
  protected readonly losses = new Losses();
  protected readonly said = new carrier.Header();
  readonly #ends: carrier.Ends;
  readonly #view: DataView;
  readonly #heard = new carrier.Header();

  constructor(options: EpisodeOptions, { pool, queue, ends, left = () => undefined }: EndModules) {
    this.options = options;
    this.#ends = ends;
    this.#view = pool.view;
    this.queue = new SlotQueue(queue, largest(options), pool);
    this.filler = new Filler(options.size, ends, pool, left);
  }

  /** What the last slot held. */
  get filled(): Filled {
    return this.filler.filled;
  }

  /** Slots of the other end that have not come. */
  get lost(): number {
    return this.losses.lost;
  }

  /**
   * A packet from the tunnel. Answers where inner packets begin in it (see `carrier.innerBytes`); 0 where it is no carrier of ours, and
   * -1 where it is one of a version that we do not know.
   */
  heard({ network, end }: Packet, now: Micros): number {
    if (!carrier.isCarrier(this.#view, network, end, this.#ends)) return 0;
    if (!carrier.read(this.#view, network, this.#heard)) {
      this.strangers++;
      this.estranged(now);
      return -1;
    }
    this.carriers++;
    this.listen(this.#heard, now);
    return network + carrier.OVERHEAD;
  }

  /** When there is something to do next. */
  abstract nextAt(): Micros;

  /** The packet of a slot that is due, handed over; null where none is. */
  abstract emit(now: Micros): Packet | null;

  /** What a carrier of the other end says. */
  protected abstract listen(header: carrier.Header, now: Micros): void;

  /** The other end speaks another version. */
  protected abstract estranged(now: Micros): void;

  /** The slot of the timetable that is due, or -1. */
  protected take(now: Micros): number {
    const { missed } = this.timetable;
    const slot = this.timetable.take(now);
    this.missed += this.timetable.missed - missed;
    return slot;
  }

  /** A carrier with what waits, or, for a stock peer, the next packet. */
  protected fill(): Packet | null {
    const packet =
      this.options.peer === "stock" ? this.filler.plain(this.queue) : this.filler.carrier(this.queue, this.said);
    this.slots++;
    if (packet === null) this.missed++;
    if (this.filled.packets === 0) this.empty++;
    return packet;
  }
}
