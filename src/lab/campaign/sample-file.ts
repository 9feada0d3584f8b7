import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { dirname } from "node:path";
import type { SampleForm } from "../../attack/attack.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import type { Matrix } from "../../features/matrix.js";
import type { DefenseCost } from "../../leakage/defense-cost.js";
import { makeFolder } from "../dataset/import-dataset.js";
import type { Samples } from "../samples/samples.js";
import { writeWhole } from "../write-whole.js";

/** Bytes of a header that are read at once. */
const BLOCK = 65_536;

/** The first line of a file; the arrays follow in the order of LAYOUT, then the forms. */
interface Header {
  /** What the file was made of: another one is another file. */
  readonly stamp: string;
  readonly classes: readonly string[];
  readonly groupNames: readonly string[];
  readonly rows: number;
  readonly forms: readonly { readonly form: SampleForm; readonly columns: number }[];
  readonly cost: DefenseCost;
}

/** Writes samples; they are there whole or not at all. Numbers stand in the machine's order of bytes. Throws `output-unwritable`, and as makeFolder does. */
export function writeSamples(path: string, stamp: string, { set, starts, cost }: Samples): void {
  const forms = Object.entries(set.samples) as [SampleForm, Matrix][];
  const header: Header = {
    stamp,
    classes: set.classes,
    groupNames: set.groupNames,
    rows: set.labels.length,
    forms: forms.map(([form, { columns }]) => ({ form, columns })),
    cost,
  };
  const arrays = [set.labels, set.groups, set.traces ?? new Uint32Array(header.rows), starts];
  makeFolder(dirname(path));
  writeWhole(path, `${JSON.stringify(header)}\n`, ...arrays, ...forms.map(([, { values }]) => values));
}

/** The forms that a whole file of that stamp has its rows in; null where there is no such file. */
export function formsIn(path: string, stamp: string): readonly SampleForm[] | null {
  const found = opened(path, (fd) => headerOf(fd, stamp));
  return found?.header.forms.map(({ form }) => form) ?? null;
}

/** The samples of a file; null where there is none of that stamp, or it is not whole. Throws `output-unwritable` where it cannot be read. */
export function readSamples(path: string, stamp: string): Samples | null {
  const found = opened(path, (fd) => {
    const first = headerOf(fd, stamp);
    return first === null ? null : { ...first, bytes: readFileSync(path) };
  });
  if (found === null) return null;
  const { header, end, bytes } = found;
  const { rows, forms, classes, groupNames, cost } = header;
  let at = end;
  // A copy each: what follows a line of text begins at no round address.
  const take = (length: number): ArrayBuffer => {
    const part = new Uint8Array(bytes.subarray(at, at + length)).buffer;
    at += length;
    return part;
  };
  const labels = new Uint8Array(take(rows));
  const groups = new Uint32Array(take(4 * rows));
  const traces = new Uint32Array(take(4 * rows));
  const starts = new Float64Array(take(8 * rows));
  const samples = Object.fromEntries(
    forms.map(({ form, columns }) => [form, { rows, columns, values: new Float64Array(take(8 * rows * columns)) }]),
  );
  return { set: { classes, groupNames, labels, groups, traces, samples }, starts, cost };
}

/** The header of a whole file of that stamp, and how many bytes it takes. */
function headerOf(fd: number, stamp: string): { readonly header: Header; readonly end: number } | null {
  const line: Buffer[] = [];
  let end = 0;
  for (let over = false; !over;) {
    const block = Buffer.alloc(BLOCK);
    const read = readSync(fd, block, 0, BLOCK, end);
    const at = block.subarray(0, read).indexOf("\n");
    if (read === 0) return null;
    over = at >= 0;
    line.push(block.subarray(0, over ? at : read));
    end += over ? at + 1 : read;
  }
  const header = parsed(Buffer.concat(line).toString("utf8"));
  if (header?.stamp !== stamp) return null;
  const { rows, forms } = header;
  const all = rows * (1 + 4 + 4 + 8) + forms.reduce((sum, { columns }) => sum + rows * columns * 8, 0);
  return fstatSync(fd).size === end + all ? { header, end } : null;
}

function opened<T>(path: string, read: (fd: number) => T): T | null {
  try {
    const fd = openSync(path, "r");
    try {
      return read(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    const why = messageOf(cause);
    throw new HushboxError("output-unwritable", `reading ${path}: ${why}`, cause);
  }
}

function parsed(line: string): Header | null {
  try {
    return JSON.parse(line) as Header;
  } catch {
    return null;
  }
}
