import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Counters, DIRECTIONS, SIDES } from "../datapath/counters.js";
import type {
  BudgetState,
  DatapathHandle,
  DestinationReport,
  DeviceReport,
  FlowReport,
  SavedState,
  VerdictState,
} from "../datapath/handle.js";
import type { CardOptions, DatapathOptions } from "../datapath/options.js";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Log } from "../log/log.js";
import type { Bridge } from "../nic/bridge.js";
import { findInterface } from "../nic/interface.js";
import { Conversation } from "./conversation.js";
import type { ProcessData, Word } from "./datapath-process.js";
import { keptOf } from "./kept-verdicts.js";

/** How often a lost interface is looked for. */
const LOOK_EVERY_MS = 250;
/** Ends without an interface going down, in a row, after which the datapath is given up. */
const MOST_CRASHES = 3;
/** A process that lived so long did not crash at once. */
const STABLE_MS = 10_000;
/** Lines of the process's complaints kept for the log. */
const KEPT_BYTES = 500;

/**
 * A datapath in a process of its own, for npm's cap: cap must be in the main thread, keeps the event loop to itself while
 * frames come, and aborts its process when an interface goes down. Here that costs neither the API nor the daemon: the
 * process is started again, with the budget and the counts of the one before, as soon as both interfaces are up.
 */
export class ProcessHandle implements DatapathHandle {
  readonly counters = new Counters();
  readonly failed: Promise<Error>;
  readonly #cards: CardOptions;
  readonly #log: Log;
  readonly #conversation: Conversation;
  readonly #downs = { inside: 0, outside: 0 };
  #options: DatapathOptions;
  #bridge: Bridge | null;
  #budget: BudgetState | null;
  #verdicts: readonly VerdictState[];
  #devices: DeviceReport[] = [];
  #child: ChildProcess | undefined;
  #complaints = "";
  #crashes = 0;
  #startedAt = 0;
  #look: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;
  #fail: (error: Error) => void = () => undefined;

  constructor(cards: CardOptions, options: DatapathOptions, saved: SavedState | null, bridge: Bridge | null, log: Log) {
    this.#bridge = bridge;
    this.#cards = cards;
    this.#options = options;
    this.#budget = saved?.budget ?? null;
    this.#verdicts = saved?.verdicts ?? [];
    this.#log = log;
    this.#conversation = new Conversation((question) => {
      this.#child?.send(question, (error) => {
        if (error !== null) this.#conversation.answered({ id: question.id, error: error.message });
      });
    });
    this.failed = new Promise((resolve) => (this.#fail = resolve));
  }

  /** Resolves when packets flow. Throws HushboxError: library-missing, interface-missing, permission, host. */
  start(): Promise<void> {
    this.#startedAt = performance.now();
    this.#complaints = "";
    const child = fork(fileURLToPath(new URL("./datapath-process.js", import.meta.url)), {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-KEPT_BYTES);
    });
    const data: ProcessData = {
      cards: this.#cards,
      options: this.#options,
      saved: { budget: this.#budget, verdicts: this.#verdicts },
      bridge: this.#bridge,
      counted: Float64Array.from(this.counters.values),
    };
    return new Promise((resolve, reject) => {
      let ready = false;
      child.on("message", (word: Word) => {
        if ("ready" in word) {
          ready = word.ready;
          if (word.ready) resolve();
          else reject(new HushboxError(word.code, word.error));
        } else this.#hear(word);
      });
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        this.#child = undefined;
        const gone = new HushboxError("internal", `the capture process ended (${signal ?? String(code)})`);
        this.#conversation.end(gone);
        reject(gone);
        if (ready && this.#stopping === undefined) this.#lost(gone);
      });
      child.send(data, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  async apply(options: DatapathOptions): Promise<number> {
    this.#options = options;
    // While an interface is away the next process starts with them.
    return this.#child === undefined ? 0 : await this.#conversation.apply(options);
  }

  async flows(): Promise<FlowReport[]> {
    return this.#child === undefined ? [] : await this.#conversation.flows();
  }

  /** While an interface is away: as it was last asked. */
  async devices(): Promise<DeviceReport[]> {
    if (this.#child !== undefined) this.#devices = await this.#conversation.devices();
    return this.#devices;
  }

  async budget(): Promise<BudgetState> {
    if (this.#child !== undefined) this.#budget = await this.#conversation.budget();
    return this.#budget ?? { month: new Date().toISOString().slice(0, 7), bytes: {} };
  }

  /** The next process begins with what was last asked. */
  async destinations(): Promise<DestinationReport[]> {
    if (this.#child === undefined) return [];
    const reports = await this.#conversation.destinations();
    this.#verdicts = keptOf(reports, Date.now());
    return reports;
  }

  async forgetDestinations(): Promise<void> {
    this.#verdicts = [];
    if (this.#child !== undefined) await this.#conversation.forgetDestinations();
  }

  async bridge(bridge: Bridge | null): Promise<void> {
    this.#bridge = bridge;
    if (this.#child !== undefined) await this.#conversation.bridge(bridge);
  }

  stop(release: boolean): Promise<void> {
    this.#stopping ??= this.#stop(release);
    return this.#stopping;
  }

  async #stop(release: boolean): Promise<void> {
    clearTimeout(this.#look);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    try {
      await this.#conversation.stop(release);
    } catch {
      // It ended before it heard.
    }
    await ended;
  }

  #hear(word: Exclude<Word, { ready: boolean }>): void {
    if ("answer" in word) {
      this.#conversation.answered(word.answer);
      return;
    }
    this.#budget = word.budget;
    this.counters.values.set(word.counted);
    for (const side of SIDES) this.#set(`${side}.downs`, this.#downs[side]);
  }

  #set(counter: string, value: number): void {
    this.counters.values[Counters.index(counter)] = value;
  }

  /** The process is gone without having been asked: because an interface is, or because of a fault. */
  #lost(reason: Error): void {
    const down = SIDES.filter((side) => !this.#isUp(side));
    for (const side of down) this.#set(`${side}.downs`, ++this.#downs[side]);
    for (const side of SIDES) this.#set(`${side}.up`, 0);
    this.#set("take_over_armed", 0);
    this.#set("take_over_isolated", 0);
    // What it held is gone.
    for (const direction of DIRECTIONS) {
      const held = this.counters.read(`${direction}.held_packets`);
      this.#set(`${direction}.drop_stopped`, this.counters.read(`${direction}.drop_stopped`) + held);
      this.#set(`${direction}.held_packets`, 0);
    }
    if (down.length > 0) this.#crashes = 0;
    else this.#crashes = performance.now() - this.#startedAt > STABLE_MS ? 1 : this.#crashes + 1;
    const interfaces = down.map((side) => this.#cards[side]).join(", ");
    if (down.length > 0) this.#log.warn("an interface went down", { interfaces });
    else this.#log.error("the capture process ended", { reason: reason.message, complaints: this.#complaints.trim() });
    if (this.#crashes >= MOST_CRASHES) this.#fail(reason);
    else this.#wait();
  }

  /** Starts again when both interfaces are up. */
  #wait(): void {
    this.#look = setTimeout(() => {
      if (this.#stopping !== undefined) return;
      if (!SIDES.every((side) => this.#isUp(side))) {
        this.#wait();
        return;
      }
      this.start().then(
        () => {
          this.#log.info("packets flow again");
        },
        (error: unknown) => {
          // Gone again while it was being opened, or a fault: looked at like any other end.
          this.#lost(error instanceof Error ? error : new Error(String(error)));
        },
      );
    }, LOOK_EVERY_MS);
  }

  #isUp(side: (typeof SIDES)[number]): boolean {
    return findInterface(this.#cards[side])?.up ?? false;
  }
}
