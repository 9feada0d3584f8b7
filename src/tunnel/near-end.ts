import type { EpisodeOptions } from "../defense/options.js";
import type { Packet } from "../packet/packet.js";
import { uniform, type Random } from "../random/random.js";
import { after, earlier, NEVER, type Micros } from "../time/micros.js";
import { Activity } from "./activity.js";
import * as carrier from "./carrier.js";
import { decoysPerDay, goesOn, planBytes, slotBytes } from "./cost.js";
import { DecoyTimes } from "./decoy-times.js";
import { End, type EndModules } from "./end.js";
import { cycleOf, cyclesOf, following, LEVELS, type Cycle } from "./plan.js";

/** So long before a border it is decided whether another episode follows: the far end must have heard of it by then. */
const DECIDES = 400e3;

/** What a box's end works with. */
export interface NearEndModules extends EndModules {
  readonly random: Random;
}

/**
 * The box's end: packets of the device on their way up wait here for slots, and here it is decided when episodes begin and whether one
 * follows another. Sans I/O: `emit` until it answers null, again at `nextAt`. What leaves when depends on the starts of episodes and
 * on nothing else.
 *
 * Idle, one slot comes every `heartbeat` and takes what background there is. As soon as `demand` bytes wait, an episode begins; so it
 * does at the times of `DecoyTimes`. Shortly before the border the next one, twice as long, is decided on, where the demand is not over;
 * a decoy's is a draw.
 */
export class NearEnd extends End {
  /** Episodes by why they began: for a demand, or as a decoy; and those that followed another. */
  demands = 0;
  decoys = 0;
  followers = 0;
  /** Decoys that the month's budget did not pay for. */
  refused = 0;
  /** Bytes on the line, both ways, that decoys and heartbeats have cost since the month began. */
  monthBytes: number;
  readonly #perMonth: number;
  readonly #random: Random;
  readonly #decoyTimes: DecoyTimes;
  readonly #activity = new Activity();
  /** Of each level. */
  readonly #cycles: readonly Cycle[];
  #farWaiting = 0;
  #farCongested = false;
  #episode: number;
  #next = -1;
  #decided = false;
  #decoy = false;
  #heartbeatAt: number;

  /** `perMonth`: bytes on the line that decoys and heartbeats may cost a month; `monthBytes`: spent already. */
  constructor(
    options: EpisodeOptions,
    budget: { perMonth: number; monthBytes: number },
    modules: NearEndModules,
    now: Micros,
  ) {
    super(options, modules);
    const { random } = modules;
    this.#perMonth = budget.perMonth;
    this.monthBytes = budget.monthBytes;
    this.#random = random;
    this.#decoyTimes = new DecoyTimes(decoysPerDay(options, budget.perMonth), random, now);
    this.#cycles = Array.from({ length: LEVELS }, (_, level) => cycleOf(options, "up", level));
    this.#episode = random.word() & 0xffff;
    // A grid that begins with the daemon would say when that was; where in the span it begins says nothing.
    this.#heartbeatAt = options.heartbeat === 0 ? NEVER : now + uniform(random) * options.heartbeat;
    if (options.always) this.#begin((now + uniform(random) * options.up) as Micros, 0);
  }

  /** True where the month's budget pays for no decoy any more. */
  get spent(): boolean {
    const { decoys, always } = this.options;
    return decoys && !always && this.monthBytes + planBytes(this.options, 0, this.level) > this.#perMonth;
  }

  /**
   * A packet of the device for the world, of so many IP bytes from `network` on. False where the queue is full, or the packet larger than a slot:
   * the caller still owns it.
   */
  offer(packet: Packet, ipBytes: number, now: Micros): boolean {
    if (!this.queue.push(packet, ipBytes)) return false;
    if (this.plan === -1) this.#demand(now);
    return true;
  }

  /** Real bytes that came down: what an answer brings is demand too. Carriers tell by themselves. */
  carried(bytes: number, now: Micros): void {
    this.#activity.add(bytes, now);
  }

  /** When there is something to do next. */
  nextAt(): Micros {
    if (this.plan !== -1) return this.timetable.dueAt();
    return earlier(this.#heartbeatAt as Micros, this.#decoyTimes.nextAt());
  }

  /** The packet of a slot that is due, handed over; null where none is. */
  emit(now: Micros): Packet | null {
    for (;;) {
      if (this.plan === -1) {
        const decoyAt = this.#decoyTimes.nextAt();
        if (this.#heartbeatAt <= now && this.#heartbeatAt <= decoyAt) return this.#heartbeat(now);
        if (decoyAt > now) return null;
        this.#decoyTimes.pass(decoyAt);
        this.#tryDecoy(decoyAt);
        continue;
      }
      const slot = this.take(now);
      if (slot >= 0) return this.#slot(slot, now);
      if (!this.timetable.over || this.timetable.dueAt() > now) return null;
      this.#border(this.timetable.dueAt());
    }
  }

  /** A calendar month began. */
  startMonth(): void {
    this.monthBytes = 0;
  }

  protected listen(header: carrier.Header, now: Micros): void {
    this.#farWaiting = header.waiting;
    this.#farCongested = (header.flags & carrier.CONGESTED) !== 0;
    if ((header.flags & carrier.HEARTBEAT) === 0) this.losses.heard(header.episode, header.slot);
    if (this.plan === -1) this.#demand(now);
  }

  /** What it says cannot be read, and what we say it cannot read: that is for a person. */
  protected estranged(): void {
    return;
  }

  #demand(now: Micros): void {
    if (this.queue.bytes + this.#farWaiting < this.options.demand) return;
    this.demands++;
    this.#decoy = false;
    this.#begin(now, 0);
  }

  #tryDecoy(at: Micros): void {
    if (this.spent) {
      this.refused++;
      return;
    }
    this.decoys++;
    this.#decoy = true;
    this.monthBytes += planBytes(this.options, 0, this.level);
    this.#begin(at, 0);
  }

  #begin(at: Micros, plan: number): void {
    this.plan = plan;
    this.#episode = (this.#episode + 1) & 0xffff;
    this.#next = -1;
    this.#decided = this.options.always;
    const cycle = this.#cycles[this.level];
    if (cycle !== undefined) this.timetable.begin(at, cycle, cyclesOf(this.options, plan));
    this.losses.begin(this.#episode);
  }

  #border(at: Micros): void {
    const lossy = this.losses.lossy() || this.#farCongested;
    this.level = lossy ? Math.min(this.level + 1, LEVELS - 1) : Math.max(this.level - 1, 0);
    if (this.#next !== -1) {
      this.followers++;
      if (this.#decoy) this.monthBytes += planBytes(this.options, this.#next, this.level);
      this.#begin(at, this.#next);
      return;
    }
    this.plan = -1;
    this.#farWaiting = 0;
    // What would have begun meanwhile was covered by what ran.
    this.#decoyTimes.pass(at);
    if (this.options.heartbeat !== 0) this.#heartbeatAt = after(at, this.options.heartbeat);
    this.#demand(at);
  }

  /** Whether the demand is over, as far as it shows. */
  #decide(now: Micros): void {
    this.#decided = true;
    const wanted = this.queue.bytes + this.#farWaiting + this.#activity.read(now) >= this.options.demand;
    // Drawn in every episode, so that what is drawn later does not depend on the traffic.
    const drawn = uniform(this.#random) < goesOn(this.options, this.plan);
    if (wanted || (this.#decoy && drawn)) this.#next = following(this.options, this.plan);
  }

  #slot(slot: number, now: Micros): Packet | null {
    const { plan, level } = this;
    if (!this.#decided && this.timetable.endsAt() - now <= DECIDES) this.#decide(now);
    const said = this.said;
    said.flags = (this.options.always ? carrier.ENDLESS : 0) | (this.losses.lossy() ? carrier.CONGESTED : 0);
    said.level = level;
    said.plan = plan;
    said.next = this.#next;
    said.episode = this.#episode;
    said.slot = slot;
    return this.#fill(now);
  }

  #heartbeat(now: Micros): Packet | null {
    const said = this.said;
    said.flags = carrier.HEARTBEAT;
    said.level = this.level;
    said.plan = 0;
    said.next = -1;
    said.episode = this.#episode;
    said.slot = 0;
    this.heartbeats++;
    this.monthBytes += slotBytes(this.options);
    do this.#heartbeatAt += this.options.heartbeat;
    while (this.#heartbeatAt <= now);
    return this.#fill(now);
  }

  #fill(now: Micros): Packet | null {
    const packet = this.fill();
    const { packets, bytes } = this.filled;
    if (packets > 0) this.#activity.add(bytes, now);
    return packet;
  }
}
