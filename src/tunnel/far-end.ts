import type { EpisodeOptions } from "../defense/options.js";
import type { Packet } from "../packet/packet.js";
import { after, earlier, millis, NEVER, seconds, type Micros } from "../time/micros.js";
import * as carrier from "./carrier.js";
import { End, type EndModules } from "./end.js";
import { cycleOf, cyclesOf, LEVELS, type Cycle, type Way } from "./plan.js";

/** So long after a heartbeat it is answered: time for the world to answer what it brought. */
const ANSWERS = millis(200);
/** An endless episode ends where the box was not heard of for so long. */
const GONE = seconds(30);
/** A box of another version is answered so seldom at most. */
const STRANGE = seconds(5);

/**
 * The gateway's end for one box: packets for the device wait here for slots. It begins nothing by itself: each heartbeat is answered by
 * one, and each episode that the box speaks of gets its plan for the way down, from when its first carrier came. Which one follows it says before the border.
 */
export class FarEnd extends End {
  episodes = 0;
  /** Of each level: of plans, and of the endless episode. */
  readonly #cycles: Readonly<Record<Way, readonly Cycle[]>>;
  readonly #flat: readonly Cycle[];
  #episode = -1;
  #next = -1;
  #endless = false;
  #answerAt: Micros = NEVER;
  #heardAt = 0 as Micros;
  #strangeAt = 0 as Micros;

  constructor(options: EpisodeOptions, modules: EndModules) {
    super(options, modules);
    const levels = Array.from({ length: LEVELS }, (_, level) => level);
    const bounded = { ...options, always: false };
    this.#cycles = {
      up: levels.map((level) => cycleOf(bounded, "up", level)),
      down: levels.map((level) => cycleOf(bounded, "down", level)),
    };
    this.#flat = levels.map((level) => cycleOf({ ...options, always: true }, "down", level));
  }

  /** A packet for the device, of so many IP bytes from `network` on. False as NearEnd.offer. */
  offer(packet: Packet, ipBytes: number): boolean {
    return this.queue.push(packet, ipBytes);
  }

  nextAt(): Micros {
    return this.plan === -1 ? this.#answerAt : earlier(this.#answerAt, this.timetable.dueAt());
  }

  /** The packet of a slot that is due, handed over; null where none is. */
  emit(now: Micros): Packet | null {
    for (;;) {
      if (this.#answerAt <= now) {
        this.#answerAt = NEVER;
        // One that an episode overtook is not owed any more: the episode's slots are answer enough.
        if (this.plan === -1) return this.#slot(carrier.HEARTBEAT, 0);
        continue;
      }
      if (this.plan === -1) return null;
      const slot = this.take(now);
      if (this.#endless && now - this.#heardAt > GONE) {
        this.plan = -1;
        return null;
      }
      if (slot >= 0) return this.#slot(this.#endless ? carrier.ENDLESS : 0, slot);
      if (!this.timetable.over || this.timetable.dueAt() > now) return null;
      const at = this.timetable.dueAt();
      if (this.#next === -1) this.plan = -1;
      else this.#begin((this.#episode + 1) & 0xffff, this.#next, this.level, at);
    }
  }

  protected listen(header: carrier.Header, now: Micros): void {
    this.#heardAt = now;
    if ((header.flags & carrier.HEARTBEAT) !== 0) {
      this.#answer(now);
      return;
    }
    if (header.episode !== this.#episode && !this.#isOld(header.episode)) this.#follow(header, now);
    if (header.episode === this.#episode && header.next !== -1) this.#next = header.next;
    this.losses.heard(header.episode, header.slot);
  }

  /** It is answered by a heartbeat now and then, which says of what version we are: so both ends can tell. */
  protected estranged(now: Micros): void {
    if (now < this.#strangeAt) return;
    this.#strangeAt = after(now, STRANGE);
    this.#answer(now);
  }

  #answer(now: Micros): void {
    if (this.#answerAt === NEVER) this.#answerAt = after(now, ANSWERS);
  }

  /** An episode that is new: its schedule began when its first slot came, or would have come. */
  #follow({ episode, plan, level, slot, flags }: carrier.Header, now: Micros): void {
    this.#endless = (flags & carrier.ENDLESS) !== 0;
    // An endless one is joined where it is; of another the box's own schedule tells how far it is.
    if (!this.#endless) this.timetable.begin(now, this.#cycle("up", level), Infinity);
    const passed = this.#endless ? 0 : this.timetable.at(slot) - now;
    this.#begin(episode, plan, level, (now - passed) as Micros);
    this.timetable.skip(now);
  }

  /** One of the last few, whose carriers were overtaken. */
  #isOld(episode: number): boolean {
    return this.#episode !== -1 && ((this.#episode - episode) & 0xffff) < 16;
  }

  #begin(episode: number, plan: number, level: number, at: Micros): void {
    this.episodes++;
    this.#episode = episode;
    this.plan = plan;
    this.#next = -1;
    this.level = level;
    this.losses.begin(episode);
    const cycles = this.#endless ? Infinity : cyclesOf(this.options, plan);
    this.timetable.begin(at, this.#cycle("down", level), cycles);
  }

  #cycle(way: Way, level: number): Cycle {
    const cycles = this.#endless ? this.#flat : this.#cycles[way];
    return cycles[Math.min(level, LEVELS - 1)] ?? cycleOf(this.options, way, level);
  }

  #slot(flags: number, slot: number): Packet | null {
    const said = this.said;
    said.flags = flags | (this.losses.lossy() ? carrier.CONGESTED : 0);
    said.level = this.level;
    said.plan = Math.max(0, this.plan);
    said.next = -1;
    said.episode = Math.max(0, this.#episode);
    said.slot = slot;
    if ((flags & carrier.HEARTBEAT) !== 0) this.heartbeats++;
    return this.fill();
  }
}
