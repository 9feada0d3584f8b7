import { parentPort, workerData } from "node:worker_threads";
import { Counters } from "../datapath/counters.js";
import { Datapath } from "../datapath/datapath.js";
import type { SavedState } from "../datapath/handle.js";
import type { CardOptions, DatapathOptions } from "../datapath/options.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Bridge } from "../nic/bridge.js";
import { native } from "../nic/native.js";
import { RingCards } from "../nic/ring.js";
import { TakeOverTable } from "../nic/take-over-table.js";
import { Pool } from "../packet/pool.js";
import { SecureRandom } from "../random/secure-random.js";
import { micros } from "../time/micros.js";
import { priorityOf } from "./check/realtime-check.js";
import { tapped } from "./tapped.js";
import { warmUp, warmUpTunnel } from "./warm-up.js";
import { stillHeld } from "./kept-verdicts.js";
import { DatapathLoop, macNumbers, monthOf, type Answer } from "./datapath-loop.js";
import { TakeOver } from "./take-over.js";

/** What the thread is started with. */
export interface ThreadData {
  readonly cards: CardOptions;
  readonly options: DatapathOptions;
  readonly saved: SavedState | null;
  readonly bridge: Bridge | null;
  readonly counters: SharedArrayBuffer;
  /** An eventfd that ends a wait. */
  readonly wake: number;
}

/** Slots beyond the departure queue: both receive batches, both send queues. */
const WORKING_SLOTS = 4096;

/**
 * A slot that waits until another program lets go of the processor is late by what that one does. Packets without slots come in batches
 * that a thread which preempts their senders would break up.
 */
function prioritise({ priority, tunnel }: CardOptions): void {
  try {
    native().threadPriority(priorityOf(priority, (tunnel ?? null) !== null));
  } catch (error) {
    // What is only wished for may be refused, as `hushbox check` tells.
    if (priority !== "auto") throw error;
    native().threadPriority(0);
  }
}

/** The datapath's thread: opens the ring, says `ready`, and turns until it is told to stop. */
function main(): void {
  const port = parentPort;
  if (port === null) throw new HushboxError("internal", "the datapath's thread was started outside a worker");
  const { cards: wanted, options, saved, bridge, counters: shared, wake } = workerData as ThreadData;
  native().threadName("hushbox-packets");
  prioritise(wanted);
  ((wanted.tunnel ?? null) === null ? warmUp : warmUpTunnel)(new SecureRandom());
  const pool = new Pool(wanted.queue + WORKING_SLOTS);
  const cards = new RingCards(wanted, pool, macNumbers(options.devices.map((device) => device.mac)), wake);
  const counters = new Counters(shared);
  const seen = tapped(cards, wanted.capture, pool);
  const modules = { pool, cards: seen, random: new SecureRandom(), counters, tap: null, queue: wanted.queue };
  const month = monthOf(new Date());
  const now = cards.turn(micros(0));
  const budget = saved?.budget?.month === month ? saved.budget : null;
  const datapath = new Datapath(options, budget, modules, now);
  datapath.restore(stillHeld(saved?.verdicts ?? [], Date.now()), now);
  const takeOver = new TakeOver(cards, new TakeOverTable(wanted), counters);
  const loop = new DatapathLoop({ month, options, bridge }, { datapath, cards: seen, counters, takeOver });
  loop.start(now);
  port.postMessage({ id: 0, value: null } satisfies Answer);
  loop.run(port, () => cards.woken);
  // A receiving port keeps the thread alive; nothing more will come.
  port.close();
}

try {
  main();
} catch (error) {
  const failure = {
    id: 0,
    error: messageOf(error),
    code: error instanceof HushboxError ? error.code : "internal",
  };
  parentPort?.postMessage(failure);
  parentPort?.close();
}
