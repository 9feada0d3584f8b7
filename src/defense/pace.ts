import { REAL, UP, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import { uniform, type Random } from "../random/random.js";
import { after, earlier, micros, NEVER, seconds, type Micros } from "../time/micros.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import { PASS, type Asks, type DecoyKind, type Defense, type Verdict } from "./defense.js";
import type { PaceOptions } from "./options.js";
import { Slots } from "./slots.js";

/** How long after a refusal the gap filler asks again: often enough for a budget that refills, seldom enough to cost nothing. */
const RETRY = seconds(1);

/** What `pace` works with. */
export interface PaceModules {
  readonly pool: Pool;
  readonly random: Random;
  readonly now: Micros;
}

/**
 * Slots: packets on their way up leave on a grid of `interval`, one at a time and in order, so that the times between them say less
 * (`mean_ipt`, `std_ipt`). What would wait longer than `maxDelay` here shares the last slot within it; where none lies within it, a packet
 * leaves as it came. Nothing ever leaves early. Decoys take slots too.
 *
 * Where nothing has left for `maxGap`, and the device has said anything at all, a decoy is asked for (`max_diff_time`): no gap is longer
 * than `maxGap` and one slot, but where the budget refuses.
 */
export class Pace implements Defense {
  readonly name = "pace";
  readonly #options: PaceOptions;
  readonly #view: DataView;
  readonly #random: Random;
  readonly #slots: Slots;
  /** When the last packet leaves that an observer behind the router sees; -1 before the first real one. */
  #last = micros(-1);
  #lastBefore = this.#last;
  /** Never later than `maxGap` after what left last, since that only moves on. */
  #wakeAt: Micros;

  constructor(options: PaceOptions, { pool, random, now }: PaceModules) {
    this.#options = options;
    this.#view = pool.view;
    this.#random = random;
    this.#slots = new Slots(options.interval, options.maxDelay);
    this.#wakeAt = options.maxGap === 0 ? NEVER : after(now, options.maxGap);
  }

  onPacket(packet: Packet): Verdict {
    if (packet.direction !== UP || packet.local) return PASS;
    const real = packet.kind === REAL;
    packet.departAt = real ? this.#slots.take(packet.departAt) : this.#slots.takeFree(packet.departAt);
    this.#lastBefore = this.#last;
    if ((real || this.#last >= 0) && packet.departAt > this.#last && this.#leaves(packet)) this.#last = packet.departAt;
    return PASS;
  }

  refused(packet: Packet): void {
    this.#slots.giveBack(packet.departAt);
    this.#last = this.#lastBefore;
  }

  wakeAt(): Micros {
    return this.#wakeAt;
  }

  onTick(now: Micros, asks: Asks): void {
    const { maxGap } = this.#options;
    let wait = maxGap;
    if (this.#last >= 0) {
      const due = after(this.#last, maxGap);
      if (due > now) {
        this.#wakeAt = due;
        return;
      }
      if (!asks.decoy(this.#kind(asks.kinds), now, false)) wait = earlier(RETRY, maxGap);
    }
    this.#wakeAt = after(now, wait);
  }

  /** What a decoy in a gap looks like: what devices send most; an echo only where nothing else may be sent. */
  #kind(kinds: readonly DecoyKind[]): DecoyKind {
    const [tcp, udp] = [kinds.includes("tcp"), kinds.includes("udp")];
    if (tcp && udp) return uniform(this.#random) < 0.5 ? "tcp" : "udp";
    return tcp ? "tcp" : udp ? "udp" : "icmp";
  }

  /** True for what passes the router: IP that does not end in the local network, with a hop to spare. */
  #leaves({ home, version, network }: Packet): boolean {
    if (home || version === 0) return false;
    return (version === 4 ? ipv4.ttl(this.#view, network) : ipv6.hopLimit(this.#view, network)) > 1;
  }
}
