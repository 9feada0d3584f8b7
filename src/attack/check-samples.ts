import { HushboxError } from "../errors/hushbox-error.js";
import type { Matrix } from "../features/matrix.js";
import type { Labelled } from "./attack.js";

/** Values beyond single precision are refused: trees compare in it, and squares of such values overflow. */
const LARGEST = 3.4028234663852886e38;

/**
 * Throws `samples-invalid` where an attack could not learn from them: no rows, no columns, another number of values or labels than rows
 * and columns say, a label that is no class, a value that is not finite in single precision. `doing` begins the message.
 */
export function checkLabelled({ samples, labels, classes }: Labelled, doing: string): void {
  if (samples.rows < 1) throw invalid(doing, "there are no samples");
  if (samples.columns < 1) throw invalid(doing, "the samples have no columns");
  if (!Number.isInteger(classes) || classes < 1 || classes > 256)
    throw invalid(doing, `there are ${String(classes)} classes where 1 to 256 are possible`);
  checkSamples(samples, samples.columns, doing);
  if (labels.length !== samples.rows)
    throw invalid(doing, `there are ${String(labels.length)} labels for ${String(samples.rows)} rows`);
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? 0;
    if (label >= classes)
      throw invalid(doing, `row ${String(row)} has the label ${String(label)} of ${String(classes)} classes`);
  }
}

/** Throws `samples-invalid` where a model that learned from `columns` columns cannot look at them. Rows and columns count from 0. */
export function checkSamples({ rows, columns, values }: Matrix, wanted: number, doing: string): void {
  if (columns !== wanted)
    throw invalid(doing, `the samples have ${String(columns)} columns where the model learned from ${String(wanted)}`);
  if (!Number.isInteger(rows) || rows < 0 || values.length !== rows * columns)
    throw invalid(doing, `there are ${String(values.length)} values for ${String(rows)} rows of ${String(columns)}`);
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0;
    if (Math.abs(value) <= LARGEST) continue;
    const where = `row ${String(Math.floor(at / columns))}, column ${String(at % columns)}`;
    throw invalid(doing, `${where} is ${String(value)}${Number.isFinite(value) ? ", beyond single precision" : ""}`);
  }
}

function invalid(doing: string, what: string): HushboxError {
  return new HushboxError("samples-invalid", `${doing}: ${what}`);
}
