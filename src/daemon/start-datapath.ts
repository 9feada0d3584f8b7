import { Worker } from "node:worker_threads";
import { Counters } from "../datapath/counters.js";
import type { BudgetState, DatapathHandle, DeviceReport, FlowReport } from "../datapath/handle.js";
import type { CardOptions, DatapathOptions } from "../datapath/options.js";
import { HushboxError, type ErrorCode } from "../errors/hushbox-error.js";
import type { Log } from "../log/log.js";
import { native } from "../nic/native.js";
import type { Answer, Question } from "./datapath-loop.js";
import type { ThreadData } from "./datapath-thread.js";
import { ProcessHandle } from "./process-handle.js";

type Asked = Omit<Extract<Question, { ask: "apply" }>, "id"> | Omit<Exclude<Question, { ask: "apply" }>, "id">;
type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

/** A datapath in a thread of its own, asked by messages; each message wakes the thread from its wait. */
class ThreadHandle implements DatapathHandle {
  readonly counters: Counters;
  readonly failed: Promise<Error>;
  readonly #worker: Worker;
  readonly #wake: number;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #stopping: Promise<void> | undefined;

  constructor(worker: Worker, counters: Counters, wake: number) {
    this.#worker = worker;
    this.counters = counters;
    this.#wake = wake;
    worker.on("message", (answer: Answer) => {
      this.#answered(answer);
    });
    this.failed = new Promise((resolve) => {
      worker.once("error", (error) => {
        resolve(error);
      });
      worker.once("exit", (code) => {
        if (this.#stopping === undefined)
          resolve(new HushboxError("internal", `the datapath's thread ended (${String(code)})`));
        const gone = new HushboxError("internal", "the datapath's thread has ended");
        for (const { reject } of this.#waiting.values()) reject(gone);
        this.#waiting.clear();
      });
    });
  }

  async apply(options: DatapathOptions): Promise<number> {
    const start = performance.now();
    await this.#ask({ ask: "apply", options });
    return performance.now() - start;
  }

  async flows(): Promise<FlowReport[]> {
    return (await this.#ask({ ask: "flows" })) as FlowReport[];
  }

  async devices(): Promise<DeviceReport[]> {
    return (await this.#ask({ ask: "devices" })) as DeviceReport[];
  }

  async budget(): Promise<BudgetState> {
    return (await this.#ask({ ask: "budget" })) as BudgetState;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#worker.once("exit", resolve));
    try {
      await this.#ask({ ask: "stop" });
      await exited;
    } catch {
      // The thread is gone already; there is nothing left to stop.
    }
    native().eventClose(this.#wake);
  }

  #ask(question: Asked): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...question, id });
      native().eventWake(this.#wake);
    });
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(new HushboxError("internal", answer.error));
    else waiting?.resolve(answer.value);
  }
}

/** Waits for the thread's first word: its cards are open, or why not. */
function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", (answer: Answer & { code?: ErrorCode }) => {
      if ("error" in answer) reject(new HushboxError(answer.code ?? "internal", answer.error));
      else resolve();
    });
  });
}

/**
 * Opens the cards and starts the loop. Resolves when packets flow. Throws HushboxError: interface-missing, permission, native-missing,
 * library-missing, host.
 */
export async function startDatapath(
  cards: CardOptions,
  options: DatapathOptions,
  saved: BudgetState | null,
  log: Log,
): Promise<DatapathHandle> {
  if (cards.card === "libpcap") {
    const handle = new ProcessHandle(cards, options, saved, log);
    await handle.start();
    log.info("the datapath runs", { card: cards.card, inside: cards.inside, outside: cards.outside });
    return handle;
  }
  const counters = new Counters();
  const wake = native().eventOpen();
  const data: ThreadData = { cards, options, saved, counters: counters.shared, wake };
  const worker = new Worker(new URL("./datapath-thread.js", import.meta.url), { workerData: data });
  try {
    await ready(worker);
  } catch (error) {
    native().eventClose(wake);
    throw error;
  }
  log.info("the datapath runs", { card: cards.card, inside: cards.inside, outside: cards.outside });
  return new ThreadHandle(worker, counters, wake);
}
