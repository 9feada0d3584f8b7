import { Registry } from "prom-client";
import { datapathMetrics } from "./datapath.js";
import { defenseMetrics } from "./defense.js";
import { nicMetrics } from "./nic.js";
import { processMetrics } from "./process.js";
import { takeOverMetrics } from "./take-over.js";
import type { MetricNote, Reading } from "./reading.js";
import type { MetricsSource } from "./source.js";
import { tunnelMetrics } from "./tunnel.js";

/** Everything that Prometheus may ask. A room that is observed adds its list here. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #readings: readonly Reading[];

  constructor(source: MetricsSource) {
    this.#readings = [
      datapathMetrics,
      defenseMetrics,
      nicMetrics,
      takeOverMetrics,
      tunnelMetrics,
      processMetrics,
    ].flatMap((room) => room(source));
    for (const reading of this.#readings) reading.register(this.#registry);
  }

  /** The text that a scrape gets, and its content type. */
  async scrape(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /** What there is, in the order in which it is scraped. */
  get notes(): readonly MetricNote[] {
    return this.#readings.map((reading) => reading.note);
  }
}
