import type { PresetName } from "../../defense/presets.js";
import type { DefensesFile } from "../../defense/schema.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import type { CaptureCost } from "../../leakage/defense-cost.js";
import { NEVER, type Micros } from "../../time/micros.js";
import type { TraceSink } from "../../trace/observation.js";
import { makeObserver, type ObserverKind } from "../../trace/make-observer.js";
import type { Dataset, Entry } from "../dataset/dataset.js";
import { Stretch } from "../dataset/stretch.js";
import { Eyes } from "../eyes.js";
import { passCapture } from "../passage.js";

/** How a set is defended, and from where it is seen. Survives structuredClone. */
export interface DefendedOptions {
  readonly preset: PresetName;
  /** The variance multiplier ν of jitter and decoys, instead of the preset's. */
  readonly nu?: number;
  /** Single values instead of the preset's. */
  readonly defenses?: DefensesFile;
  /** How long observers look behind a tunnel, for all captures alike: see commonSpan. */
  readonly span?: Micros;
  /** Only the first stretch of a tunnel's episodes is observed. */
  readonly stretch?: boolean;
  /** Of the defense's draws; every entry draws its own. */
  readonly seed: string;
  readonly vantage: "lan" | "beyond";
}

/** Who looks, and who takes what is seen. */
export interface Onlooker {
  readonly observer: ObserverKind;
  readonly sink: TraceSink;
}

/**
 * Passes an entry through a defense and shows it to onlookers; answers what that cost, over the entry's whole capture. Throws as passCapture does,
 * and `dataset-invalid` where nothing is left to see in the labelled stretch.
 */
export async function defendedTrace(
  dataset: Dataset,
  entry: Entry,
  { seed, ...defended }: DefendedOptions,
  onlookers: readonly Onlooker[],
): Promise<CaptureCost> {
  const lookers = onlookers.map(({ observer, sink }) => ({ observer, sink: new Stretch(entry, sink) }));
  const device = dataset.deviceOf(entry);
  const { traffic, tunnel } = await passCapture(
    { ...defended, input: entry.path, seed: `${seed} ${entry.file} ${String(entry.index)}`, device },
    (pool, local) =>
      new Eyes(
        pool.view,
        lookers.map(({ observer, sink }) => ({ observer: makeObserver(observer, defended.vantage, local), sink })),
      ),
  );
  if (lookers.some(({ sink }) => sink.packets === 0))
    throw new HushboxError(
      "dataset-invalid",
      `reading ${entry.file}: nothing is seen of the speaker in the labelled stretch`,
    );
  const { before, after, delays } = traffic;
  const ms = (q: number): number => delays.at(q) / 1e3;
  // Of a stretch of a capture nobody says which of the capture's plans ran in it.
  const whole = entry.from === 0 && entry.to === NEVER;
  const plans = tunnel === null || !whole ? {} : { plans: tunnel.leak.plans };
  return { before, after, added_delay_ms: { p50: ms(0.5), p99: ms(0.99) }, ...plans };
}
