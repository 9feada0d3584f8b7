import type { Config } from "../../../src/config/schema.js";
import { DECOY_KINDS } from "../../../src/defense/schema.js";
import { integer, uniform, type Random } from "../../../src/random/random.js";
import type { LaboratoryBox } from "../../support/laboratory-box.js";
import { pause } from "../child.js";

const API = "/api/v1";
const EVERY_MS = 100;
/** Those that need no far end. */
const PRESETS = ["off", "paper", "standalone"];
/** Switched on and off in the middle of flows. */
const MECHANISMS = [
  "inside",
  "udpSurplus",
  "quicPrefix",
  "tcpOverlap",
  "tcpAcks",
  "tcpFiller",
  "tcpReset",
  "icmpEcho",
  "clampMss",
];

/** What all changes together have shown. Times in milliseconds, ascending. */
export interface ChangeCount {
  readonly changes: number;
  readonly refused: readonly string[];
  /** From the request to its answer. */
  readonly answered: readonly number[];
  /** Until packets saw it, as the daemon says. */
  readonly applied: readonly number[];
}

/** Changes defenses at random over HTTP ten times a second; the same ones for the same draws. */
export class Changes {
  readonly #box: LaboratoryBox;
  readonly #random: Random;
  readonly #refused: string[] = [];
  readonly #answered: number[] = [];
  readonly #applied: number[] = [];
  #running = true;
  readonly #ended: Promise<void>;

  constructor(box: LaboratoryBox, random: Random) {
    this.#box = box;
    this.#random = random;
    this.#ended = this.#run();
  }

  async stop(): Promise<ChangeCount> {
    this.#running = false;
    await this.#ended;
    // Decoys would go on, and counts that are compared afterwards would never be of one moment.
    await this.#box.ask("PATCH", `${API}/defenses/decoy`, { enabled: false });
    const ascending = (list: readonly number[]): number[] => list.toSorted((a, b) => a - b);
    return {
      changes: this.#answered.length,
      refused: this.#refused,
      answered: ascending(this.#answered),
      applied: ascending(this.#applied),
    };
  }

  async #run(): Promise<void> {
    while (this.#running) {
      const began = performance.now();
      await this.#change();
      const took = performance.now() - began;
      this.#answered.push(took);
      await pause(Math.max(0, EVERY_MS - took));
    }
  }

  async #change(): Promise<void> {
    const [method, path, body, headers] = await this.#next();
    try {
      const { status, body: answer } = await this.#box.ask(method, `${API}/${path}`, body, headers);
      if (status === 200) this.#applied.push((answer as { milliseconds: number }).milliseconds);
      else this.#refused.push(`${method} ${path} ${JSON.stringify(body)}: ${status} ${JSON.stringify(answer)}`);
    } catch (error) {
      this.#refused.push(`${method} ${path}: ${String(error)}`);
    }
  }

  /** A change that is not wrong. Decoys and jitter are changed seldom: they need a few windows in peace to have something to draw from. */
  async #next(): Promise<[method: string, path: string, body: object, headers?: Record<string, string>]> {
    const random = this.#random;
    const enabled = uniform(random) < 0.75;
    const dice = integer(random, 0, 99);
    if (dice < 3) return ["PUT", "preset", { preset: PRESETS[dice] }];
    if (dice < 6) {
      const first = integer(random, 0, DECOY_KINDS.length - 1);
      const kinds = DECOY_KINDS.filter((_, i) => i === first || uniform(random) < 0.6);
      const window = this.#some(["200ms", "500ms"]);
      const variance = this.#some([2, 20, 200]);
      const size = this.#some(["60B", "100B", "900B"]);
      return ["PATCH", "defenses/decoy", { enabled, variance, kinds, window, size, hops: integer(random, 1, 3) }];
    }
    if (dice < 11) {
      const { body, etag } = await this.#box.ask("GET", `${API}/config`);
      const wanted = {
        ...(body as Config),
        local: { delay: uniform(random) < 0.5 },
        budget: { packetsPerSecond: this.#some([0, 20, 50, 500]) },
      };
      return ["PUT", "config", wanted, { "If-Match": etag }];
    }
    if (dice < 88) {
      const target = this.#some(["mtu", "max", "600B", "1000B", "1514B"]);
      const mechanisms = Object.fromEntries(MECHANISMS.map((name) => [name, uniform(random) < 0.5]));
      return ["PATCH", "defenses/pad", { enabled, target, trailer: uniform(random) < 0.8, ...mechanisms }];
    }
    if (dice < 91) {
      const interval = this.#some(["1ms", "2ms", "5ms"]);
      return ["PATCH", "defenses/pace", { enabled, interval, maxDelay: this.#some(["1ms", "5ms", "20ms"]) }];
    }
    if (dice < 94) return ["PATCH", "defenses/window", { enabled, size: this.#some(["16KiB", "32KiB", "1MiB"]) }];
    const variance = this.#some([0, 2, 50, 1000]);
    const maxDelay = this.#some(["1ms", "5ms", "20ms", "100ms"]);
    const window = this.#some(["100ms", "200ms", "500ms"]);
    // Half of them leave the scale that was drawn as it is, so that there is something to hold.
    return ["PATCH", "defenses/jitter", uniform(random) < 0.5 ? { enabled } : { enabled, variance, maxDelay, window }];
  }

  #some<T>(list: readonly T[]): T {
    return list[integer(this.#random, 0, list.length - 1)] as T;
  }
}
