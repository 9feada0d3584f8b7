import { FEATURES } from "../features/features.js";

/** The columns of a table of windows, in order: where a window is from, then its twelve features. */
export const COLUMNS = ["file", "index", "start", "packets", "bytes", "whole", ...FEATURES] as const;

/** One window of one trace. `features` is used again for the next: it is to be read at once. */
export interface Row {
  /** The capture's name as it was given. */
  readonly file: string;
  /** Number of the window in its trace, from 0; windows of time without a packet have a number but no row. */
  readonly index: number;
  /** Epoch time of the first packet, in seconds. */
  readonly start: number;
  readonly packets: number;
  /** Of all frames, as the observer sees them. */
  readonly bytes: number;
  /** Not cut short by the trace's end. */
  readonly whole: boolean;
  /** In the order of FEATURES. */
  readonly features: Float64Array;
}

/** A form in which rows are written. What is written is whole after `end`. */
export interface Table {
  add(row: Row): void;
  end(): void;
}
