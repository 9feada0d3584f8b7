import { Counters } from "../../src/datapath/counters.js";
import type {
  BudgetState,
  DatapathHandle,
  DestinationReport,
  DeviceReport,
  FlowReport,
} from "../../src/datapath/handle.js";
import type { Bridge } from "../../src/nic/bridge.js";
import type { DatapathOptions } from "../../src/datapath/options.js";

/** Hand-written twin of the datapath for tests of what holds it: it remembers what it was told, and a test sets what it says. */
export class DatapathTwin implements DatapathHandle {
  readonly counters = new Counters();
  readonly applied: DatapathOptions[] = [];
  readonly failed: Promise<Error>;
  fail: (error: Error) => void = () => undefined;
  flowReports: FlowReport[] = [];
  destinationReports: DestinationReport[] = [];
  state: BudgetState = { month: "2026-11", bytes: {} };
  readonly bridges: (Bridge | null)[] = [];
  stops = 0;
  released: boolean | undefined;
  /** What the next apply does, before it is remembered. */
  onApply: () => Promise<void> = () => Promise.resolve();
  /** True: questions are never answered, as by a thread that is stuck. */
  stuck = false;
  #options: DatapathOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: DatapathOptions) {
    this.#options = options;
    this.failed = new Promise((resolve) => {
      this.fail = resolve;
    });
    this.turn();
    this.#timer = setInterval(() => {
      if (!this.stuck) this.turn();
    }, 50);
    this.#timer.unref();
  }

  /** One turn of the loop that is not there. */
  turn(): void {
    this.set("turns", this.counters.read("turns") + 1);
    this.set("last_turn_us", Number(process.hrtime.bigint() / 1000n));
  }

  set(counter: string, value: number): void {
    this.counters.values[Counters.index(counter)] = value;
  }

  async apply(options: DatapathOptions): Promise<number> {
    await this.onApply();
    // Options cross into a thread: what does not survive that must fail here too.
    this.#options = structuredClone(options);
    this.applied.push(this.#options);
    this.set("applied", this.counters.read("applied") + 1);
    return 1.5;
  }

  flows(): Promise<FlowReport[]> {
    return this.#answer(this.flowReports);
  }

  devices(): Promise<DeviceReport[]> {
    return this.#answer(
      this.#options.devices.map((device) => ({
        name: device.name,
        mac: device.mac,
        packetsUp: 0,
        packetsDown: 0,
        bytesUp: 0,
        bytesDown: 0,
        otherVersion: 0,
        decoyBytesThisMonth: this.state.bytes[device.mac] ?? 0,
        budgetLeftBytes: device.budget.perMonth - (this.state.bytes[device.mac] ?? 0),
        idleSeconds: null,
      })),
    );
  }

  budget(): Promise<BudgetState> {
    return this.#answer(this.state);
  }

  destinations(): Promise<DestinationReport[]> {
    return this.#answer(this.destinationReports);
  }

  forgetDestinations(): Promise<void> {
    this.destinationReports = this.destinationReports.map((report) => ({ ...report, off: [] }));
    return this.#answer(undefined);
  }

  bridge(bridge: Bridge | null): Promise<void> {
    this.bridges.push(structuredClone(bridge));
    return this.#answer(undefined);
  }

  stop(release: boolean): Promise<void> {
    this.stops++;
    this.released = release;
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  #answer<T>(value: T): Promise<T> {
    return this.stuck ? new Promise(() => undefined) : Promise.resolve(value);
  }
}
