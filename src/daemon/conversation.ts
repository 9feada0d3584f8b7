import type { BudgetState, DestinationReport, DeviceReport, FlowReport } from "../datapath/handle.js";
import type { DatapathOptions } from "../datapath/options.js";
import type { Bridge } from "../nic/bridge.js";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Answer, Question } from "./datapath-loop.js";

type WithoutId<Q> = Q extends Question ? Omit<Q, "id"> : never;
type Asked = WithoutId<Question>;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Questions to a datapath elsewhere, and the answers that come back in any order. How they travel is the caller's. */
export class Conversation {
  readonly #post: (question: Question) => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(post: (question: Question) => void) {
    this.#post = post;
  }

  /** Answers with the milliseconds until packets saw the options. */
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

  async destinations(): Promise<DestinationReport[]> {
    return (await this.#ask({ ask: "destinations" })) as DestinationReport[];
  }

  async forgetDestinations(): Promise<void> {
    await this.#ask({ ask: "forgetDestinations" });
  }

  async bridge(bridge: Bridge | null): Promise<void> {
    await this.#ask({ ask: "bridge", bridge });
  }

  async stop(release: boolean): Promise<void> {
    await this.#ask({ ask: "stop", release });
  }

  /** An answer has come. */
  answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(new HushboxError("internal", answer.error));
    else waiting?.resolve(answer.value);
  }

  /** No answer will come any more. */
  end(reason: Error): void {
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }

  #ask(question: Asked): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ ...question, id });
    });
  }
}
