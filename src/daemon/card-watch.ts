import { SIDES, type Counters, type NicCounter } from "../datapath/counters.js";
import type { Log } from "../log/log.js";

/** What is told when a counter has grown, at most every ten minutes. */
const FAULTS: readonly (readonly [NicCounter, string])[] = [
  [
    "oversize",
    "frames above the MTU arrived and were dropped: offloads (GRO, LRO) are on here, or TSO at a sender on a virtual link; see `ethtool -k`",
  ],
  [
    "partialChecksum",
    "frames arrived whose checksum was left to hardware; the box completes them: transmit checksum offload is on at a sender on a virtual link",
  ],
  [
    "dropped",
    "frames were lost before the box saw them: its receive ring was full; the machine is too busy, or nic.slots too small",
  ],
  [
    "noSlot",
    "frames were dropped because every packet slot was in use: nic.queue is too small for the delays asked for",
  ],
];
const QUIET = 600_000;

/** Tells of cards that go, come back, or misbehave. Looks at counters that the datapath keeps anyway. */
export class CardWatch {
  readonly #names: Readonly<Record<(typeof SIDES)[number], string>>;
  readonly #log: Log;
  readonly #onUp: (name: string) => void;
  readonly #up = new Map<string, boolean>();
  readonly #seen = new Map<string, number>();
  readonly #quietUntil = new Map<string, number>();

  /** `onUp` hears of an interface that came back: a new one has its offloads on again. */
  constructor(names: Readonly<Record<(typeof SIDES)[number], string>>, log: Log, onUp: (name: string) => void) {
    this.#names = names;
    this.#log = log;
    this.#onUp = onUp;
  }

  /** One look; `now` in milliseconds of any clock. */
  look(counters: Counters, now: number): void {
    for (const side of SIDES) {
      this.#lookAtLink(side, counters);
      for (const [counter, message] of FAULTS) this.#lookAtFault(side, counter, message, counters, now);
    }
  }

  #lookAtLink(side: (typeof SIDES)[number], counters: Counters): void {
    const up = counters.read(`${side}.up`) === 1;
    const before = this.#up.get(side);
    this.#up.set(side, up);
    const fields = { side, interface: this.#names[side] };
    if (before === true && !up) this.#log.warn("an interface went down or away; traffic waits for it", fields);
    if (before === false && up) {
      this.#log.info("an interface is up again", fields);
      this.#onUp(this.#names[side]);
    }
  }

  #lookAtFault(
    side: (typeof SIDES)[number],
    counter: NicCounter,
    message: string,
    counters: Counters,
    now: number,
  ): void {
    const key = `${side}.${counter}`;
    const count = counters.read(key);
    const more = count - (this.#seen.get(key) ?? 0);
    if (more <= 0 || now < (this.#quietUntil.get(key) ?? 0)) return;
    this.#seen.set(key, count);
    this.#quietUntil.set(key, now + QUIET);
    this.#log.warn(message, { side, interface: this.#names[side], frames: more });
  }
}
