import type { SampleForm } from "../../attack/attack.js";
import { FamilyWindows } from "../../features/family-windows.js";
import type { Family } from "../../features/family.js";
import { FEATURES } from "../../features/features.js";
import { KFingerprint } from "../../features/k-fingerprint.js";
import { Lengths } from "../../features/lengths.js";
import { Windows, type WindowOptions } from "../../features/windows.js";
import type { SampleSet } from "../../leakage/sample-set.js";
import type { Observation, TraceSink } from "../../trace/observation.js";
import { GrowingRows } from "./growing-rows.js";
import { familyOf, type TableFeatures } from "./table-features.js";
import { WindowStart } from "./window-start.js";

/** Packets of a sequence, whatever a window holds: the longest that networks are given. */
const LONGEST_SEQUENCE = 1000;

/** What becomes rows. Survives structuredClone. */
export interface SampleTableOptions {
  readonly windows: WindowOptions;
  readonly forms: readonly SampleForm[];
  /** Of the rows as a table; the twelve if not given. */
  readonly features?: TableFeatures;
}

/** What the rows of a trace are labelled with. */
export interface Label {
  readonly class: number;
  /** What a split never cuts. */
  readonly group: string;
}

/** One form of the rows, under way. */
interface Shape {
  readonly rows: GrowingRows;
  /** Names of the columns. */
  readonly columns: readonly string[];
  readonly add: (seen: Observation) => void;
  readonly end: () => void;
}

/**
 * Cuts labelled traces into windows, one after the other, and keeps of each window a row in every form that an attack may want. Windows
 * that the trace's end cuts short are left out: their counts would say where the capture ended.
 */
export class SampleTable implements TraceSink {
  readonly #shapes: ReadonlyMap<SampleForm, Shape>;
  readonly #starts: Shape;
  readonly #labels: number[] = [];
  readonly #groups: number[] = [];
  readonly #traces: number[] = [];
  readonly #groupNumbers = new Map<string, number>();
  #trace = -1;

  constructor({ windows, forms, features = "twelve" }: SampleTableOptions) {
    this.#shapes = new Map(forms.map((form) => [form, shapeOf(form, windows, features)]));
    this.#starts = family(windows, new WindowStart());
  }

  /** The names of a form's columns. */
  columns(form: SampleForm): readonly string[] {
    return this.#shapes.get(form)?.columns ?? [];
  }

  seen(observation: Observation): void {
    this.#starts.add(observation);
    for (const { add } of this.#shapes.values()) add(observation);
  }

  /** The trace is over: its rows belong to `label`. */
  end(label: Label): void {
    this.#starts.end();
    for (const { end } of this.#shapes.values()) end();
    let group = this.#groupNumbers.get(label.group);
    if (group === undefined) {
      group = this.#groupNumbers.size;
      this.#groupNumbers.set(label.group, group);
    }
    this.#trace++;
    while (this.#labels.length < this.#starts.rows.rows) {
      this.#labels.push(label.class);
      this.#groups.push(group);
      this.#traces.push(this.#trace);
    }
  }

  /** When the window of each row began: the time of its first packet, in µs. */
  starts(): Float64Array {
    return this.#starts.rows.matrix().values;
  }

  /** All rows so far. */
  set(classes: readonly string[]): SampleSet {
    return {
      classes,
      labels: Uint8Array.from(this.#labels),
      groupNames: [...this.#groupNumbers.keys()],
      groups: Uint32Array.from(this.#groups),
      traces: Uint32Array.from(this.#traces),
      samples: Object.fromEntries([...this.#shapes].map(([form, { rows }]) => [form, rows.matrix()])),
    };
  }
}

function shapeOf(form: SampleForm, options: WindowOptions, features: TableFeatures): Shape {
  switch (form) {
    case "table":
      return features === "twelve" ? twelve(options) : family(options, familyOf(features));
    case "fingerprint":
      return family(options, new KFingerprint());
    case "sequence":
      return family(
        options,
        new Lengths(options.cut === "packets" ? Math.min(options.size, LONGEST_SEQUENCE) : LONGEST_SEQUENCE),
      );
  }
}

function twelve(options: WindowOptions): Shape {
  const rows = new GrowingRows(FEATURES.length);
  const row = new Float64Array(FEATURES.length);
  const windows = new Windows(options, {
    window: (window, _, whole) => {
      if (!whole) return;
      window.write(row);
      rows.push(row);
    },
  });
  return {
    rows,
    columns: FEATURES,
    add: (seen) => {
      windows.add(seen);
    },
    end: () => {
      windows.end();
    },
  };
}

function family(options: WindowOptions, made: Family): Shape {
  const rows = new GrowingRows(made.columns.length);
  const windows = new FamilyWindows(options, made, {
    row: (row, _, whole) => {
      if (whole) rows.push(row);
    },
  });
  return {
    rows,
    columns: made.columns,
    add: (seen) => {
      windows.seen(seen);
    },
    end: () => {
      windows.end();
    },
  };
}
