import { Counters } from "../datapath/counters.js";
import { Datapath } from "../datapath/datapath.js";
import { EventedLoop } from "../datapath/evented-loop.js";
import type { BudgetState, SavedState } from "../datapath/handle.js";
import type { CardOptions, DatapathOptions } from "../datapath/options.js";
import { HushboxError, type ErrorCode } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Bridge } from "../nic/bridge.js";
import { IpSender } from "../nic/ip-sender.js";
import { LibpcapCards } from "../nic/libpcap.js";
import { TakeOverTable } from "../nic/take-over-table.js";
import { Pool } from "../packet/pool.js";
import { SecureRandom } from "../random/secure-random.js";
import { micros } from "../time/micros.js";
import { tapped } from "./tapped.js";
import { stillHeld } from "./kept-verdicts.js";
import { DatapathLoop, macNumbers, monthOf, type Answer, type Question } from "./datapath-loop.js";
import { TakeOver } from "./take-over.js";

/** What the process is told first. */
export interface ProcessData {
  readonly cards: CardOptions;
  readonly options: DatapathOptions;
  readonly saved: SavedState | null;
  readonly bridge: Bridge | null;
  /** Where an earlier process of this daemon stopped counting. */
  readonly counted: Float64Array;
}

/** What the process says: its first word, answers, and several times a second what it has counted. */
export type Word =
  | { readonly ready: true }
  | { readonly ready: false; readonly code: ErrorCode; readonly error: string }
  | { readonly answer: Answer }
  | { readonly counted: Float64Array; readonly budget: BudgetState };

/** Slots beyond the departure queue: what has arrived and is not yet looked at, decoys on their way, the cards' own. */
const WORKING_SLOTS = 2560;
const PUBLISH_EVERY = micros(250_000);

function say(word: Word): void {
  process.send?.(word);
}

/** Opens the cards and turns from the event loop until it is told to stop. */
function run({ cards: wanted, options, saved, bridge, counted }: ProcessData): void {
  const pool = new Pool(wanted.queue + WORKING_SLOTS);
  const macs = macNumbers(options.devices.map((device) => device.mac));
  const ip = wanted.decoys === "ip" ? { ip: new IpSender(pool.view) } : {};
  const cards = new LibpcapCards(wanted, { pool, macs, ...ip });
  const counters = new Counters();
  counters.values.set(counted);
  const seen = tapped(cards, wanted.capture, pool);
  const modules = { pool, cards: seen, random: new SecureRandom(), counters, tap: null, queue: wanted.queue };
  const month = monthOf(new Date());
  const spent = saved?.budget?.month === month ? saved.budget : null;
  const datapath = new Datapath(options, spent, modules, cards.now());
  datapath.restore(stillHeld(saved?.verdicts ?? [], Date.now()), cards.now());
  const takeOver = new TakeOver(cards, new TakeOverTable(wanted), counters);
  const loop = new DatapathLoop({ month, options, bridge }, { datapath, cards: seen, counters, takeOver });
  loop.start(cards.now());

  let publishAt = micros(0);
  const publish = (): void => {
    const now = cards.now();
    publishAt = micros(now + PUBLISH_EVERY);
    loop.publish(now);
    const budget = loop.answer({ id: 0, ask: "budget" }, now);
    if ("value" in budget) say({ counted: counters.values.slice(), budget: budget.value as BudgetState });
  };
  const evented = new EventedLoop({
    now: () => cards.now(),
    poll: (now) => {
      seen.turn(now);
      const next = loop.poll(now);
      if (now >= publishAt) publish();
      return next;
    },
  });
  cards.onReady = evented.turn;
  process.on("message", (question: Question) => {
    if (question.ask === "stop") evented.stop();
    const answer = loop.answer(question, cards.now());
    if (question.ask === "stop") publish();
    say({ answer });
    if (question.ask === "stop") process.disconnect();
    else evented.turn();
  });
  say({ ready: true });
  evented.start();
}

// Ctrl-C and systemd's SIGTERM reach every process of the daemon; this one ends when the daemon says so, or is gone.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("disconnect", () => process.exit(0));
process.once("message", (data: ProcessData) => {
  try {
    run(data);
  } catch (error) {
    const code = error instanceof HushboxError ? error.code : "internal";
    say({ ready: false, code, error: messageOf(error) });
    process.disconnect();
  }
});
