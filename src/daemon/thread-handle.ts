import { Worker } from "node:worker_threads";
import { Counters } from "../datapath/counters.js";
import type {
  BudgetState,
  DatapathHandle,
  DestinationReport,
  DeviceReport,
  FlowReport,
  SavedState,
} from "../datapath/handle.js";
import type { CardOptions, DatapathOptions } from "../datapath/options.js";
import { HushboxError, type ErrorCode } from "../errors/hushbox-error.js";
import type { Bridge } from "../nic/bridge.js";
import { native } from "../nic/native.js";
import { Conversation } from "./conversation.js";
import type { Answer } from "./datapath-loop.js";
import type { ThreadData } from "./datapath-thread.js";

/** A datapath in a thread of its own, for the ring: it blocks its thread, so each question wakes it from its wait by an eventfd. */
export class ThreadHandle implements DatapathHandle {
  readonly counters = new Counters();
  readonly failed: Promise<Error>;
  readonly #worker: Worker;
  readonly #wake = native().eventOpen();
  readonly #conversation: Conversation;
  readonly #ready: Promise<void>;
  #stopping: Promise<void> | undefined;

  constructor(cards: CardOptions, options: DatapathOptions, saved: SavedState | null, bridge: Bridge | null) {
    const data: ThreadData = { cards, options, saved, bridge, counters: this.counters.shared, wake: this.#wake };
    const worker = new Worker(new URL("./datapath-thread.js", import.meta.url), { workerData: data });
    this.#worker = worker;
    this.#conversation = new Conversation((question) => {
      worker.postMessage(question);
      native().eventWake(this.#wake);
    });
    // The first word says that the cards are open, or why not.
    this.#ready = new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", (answer: Answer & { code?: ErrorCode }) => {
        if ("error" in answer) reject(new HushboxError(answer.code ?? "internal", answer.error));
        else resolve();
      });
    });
    worker.on("message", (answer: Answer) => {
      this.#conversation.answered(answer);
    });
    this.failed = new Promise((resolve) => {
      worker.once("error", resolve);
      worker.once("exit", (code) => {
        const gone = new HushboxError("internal", `the datapath's thread ended (${String(code)})`);
        if (this.#stopping === undefined) resolve(gone);
        this.#conversation.end(gone);
      });
    });
  }

  /** Resolves when packets flow. Throws HushboxError: interface-missing, permission, native-missing, host. */
  async start(): Promise<void> {
    try {
      await this.#ready;
    } catch (error) {
      native().eventClose(this.#wake);
      throw error;
    }
  }

  apply(options: DatapathOptions): Promise<number> {
    return this.#conversation.apply(options);
  }

  flows(): Promise<FlowReport[]> {
    return this.#conversation.flows();
  }

  devices(): Promise<DeviceReport[]> {
    return this.#conversation.devices();
  }

  budget(): Promise<BudgetState> {
    return this.#conversation.budget();
  }

  destinations(): Promise<DestinationReport[]> {
    return this.#conversation.destinations();
  }

  forgetDestinations(): Promise<void> {
    return this.#conversation.forgetDestinations();
  }

  bridge(bridge: Bridge | null): Promise<void> {
    return this.#conversation.bridge(bridge);
  }

  stop(release: boolean): Promise<void> {
    this.#stopping ??= this.#stop(release);
    return this.#stopping;
  }

  async #stop(release: boolean): Promise<void> {
    const exited = new Promise((resolve) => this.#worker.once("exit", resolve));
    try {
      await this.#conversation.stop(release);
      await exited;
    } catch {
      // The thread is gone already; there is nothing left to stop.
    }
    native().eventClose(this.#wake);
  }
}
