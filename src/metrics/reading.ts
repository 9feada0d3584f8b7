import type { Metric, Registry } from "prom-client";

/** One line of a metric. `suffix` is for histograms. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly suffix?: "_bucket" | "_sum" | "_count";
}

/** What a metric is, for Prometheus and for the reference table. */
export interface MetricNote {
  /** `hushbox_<room>_<what>_<unit>`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** A sentence. */
  readonly help: string;
  /** Each label with the closed set of its values, or what they are. */
  readonly labels?: Readonly<Record<string, readonly string[] | string>>;
}

/**
 * A metric that is read when it is scraped, from numbers that a room keeps anyway: nothing happens on the packet path. prom-client's own
 * counters and histograms want to be told each event, which is why this stands in their place.
 */
export class Reading {
  readonly note: MetricNote;
  readonly name: string;
  readonly help: string;
  readonly type: MetricNote["type"];
  readonly #read: () => readonly Sample[] | Promise<readonly Sample[]>;

  constructor(note: MetricNote, read: () => readonly Sample[] | Promise<readonly Sample[]>) {
    this.note = note;
    this.name = note.name;
    this.help = note.help;
    this.type = note.type;
    this.#read = read;
  }

  /** What prom-client's registry asks of a metric. */
  async get() {
    const samples = await this.#read();
    return {
      name: this.name,
      help: this.help,
      type: this.type,
      aggregator: "sum",
      values: samples.map(({ labels, value, suffix }) => ({
        labels,
        value,
        metricName: `${this.name}${suffix ?? ""}`,
      })),
    };
  }

  /** Nothing is kept here that could be reset. */
  reset(): void {
    return;
  }

  register(registry: Registry): void {
    registry.registerMetric(this as unknown as Metric);
  }
}

/** One value without labels. */
export function single(value: number): Sample[] {
  return [{ labels: {}, value }];
}

/** The lines of a histogram from bucket counts (not cumulative; the last is unbounded), bounds and sum in µs, given in seconds. */
export function histogram(
  labels: Readonly<Record<string, string>>,
  bounds: readonly number[],
  buckets: readonly number[],
  sum: number,
): Sample[] {
  let count = 0;
  const lines: Sample[] = buckets.map((n, i) => {
    count += n;
    const bound = bounds[i];
    return {
      labels: { ...labels, le: bound === undefined ? "+Inf" : String(bound / 1e6) },
      value: count,
      suffix: "_bucket",
    };
  });
  return [...lines, { labels, value: sum / 1e6, suffix: "_sum" }, { labels, value: count, suffix: "_count" }];
}
