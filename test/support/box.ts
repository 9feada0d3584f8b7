import { Counters } from "../../src/datapath/counters.js";
import { Datapath } from "../../src/datapath/datapath.js";
import type { BudgetState } from "../../src/datapath/handle.js";
import type { DatapathOptions } from "../../src/datapath/options.js";
import type { BudgetOptions, DefenseOptions } from "../../src/defense/options.js";
import { PRESETS } from "../../src/defense/presets.js";
import { MemoryCards } from "../../src/nic/memory.js";
import { Pool } from "../../src/packet/pool.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { micros, NEVER, type Micros } from "../../src/time/micros.js";

export const DEVICE = "02:00:00:00:00:01";
export const ROUTER = "02:00:00:00:00:02";
export const LAN = ["192.168.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "fe80::/10", "ff00::/8"];

export const OFF: DefenseOptions = PRESETS.off.defenses;
/** Everything of the preset `paper`. */
export const ALL: DefenseOptions = PRESETS.paper.defenses;

export const BUDGET: BudgetOptions = { packetsPerSecond: 50, bytesPerSecond: 100_000, share: 1, perMonth: 2e9 };

/** Options for one device. */
export function options(defenses: DefenseOptions, budget = BUDGET, delayLocal = false): DatapathOptions {
  return { devices: [{ name: "speaker", mac: DEVICE, defenses, budget }], local: LAN, delayLocal, isolate: false };
}

/** A whole datapath between two cards in memory, on virtual time. */
export class Box {
  readonly pool: Pool;
  readonly cards: MemoryCards;
  readonly counters = new Counters();
  readonly datapath: Datapath;
  #next: Micros = micros(0);

  constructor(
    wanted: DatapathOptions,
    { seed = "1", queue = 1024, slots = 4096, saved = null as BudgetState | null } = {},
  ) {
    this.pool = new Pool(slots);
    this.cards = new MemoryCards({}, { pool: this.pool });
    this.datapath = new Datapath(
      wanted,
      saved,
      { pool: this.pool, cards: this.cards, random: new SeededRandom(seed), counters: this.counters, tap: null, queue },
      micros(0),
    );
  }

  get now(): Micros {
    return this.cards.now;
  }

  /** Turns until virtual time reaches `until`, as the live loop would. */
  run(until: Micros): void {
    for (;;) {
      const now = this.cards.turn(this.#next < until ? this.#next : until);
      this.#next = this.datapath.poll(now);
      if (now >= until && this.cards.inside.nextArrival() > now && this.cards.outside.nextArrival() > now) break;
    }
    this.cards.turn(micros(0));
  }

  /** Turns until nothing arrives and nothing is held. */
  drain(): void {
    while (
      this.cards.inside.nextArrival() !== NEVER ||
      this.cards.outside.nextArrival() !== NEVER ||
      this.datapath.held > 0
    )
      this.run(micros(this.now + 1e5));
  }

  count(name: string): number {
    return this.counters.read(name);
  }
}
