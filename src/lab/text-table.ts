import { FEATURES } from "../features/features.js";
import { COLUMNS, type Row, type Table } from "./table.js";
import type { Target } from "./target.js";

/** Characters that are gathered before they are written. */
const BLOCK = 1 << 16;

/** Writes one line of text for each row. */
class TextTable implements Table {
  readonly #target: Target;
  readonly #line: (row: Row) => string;
  #text: string;

  constructor(target: Target, head: string, line: (row: Row) => string) {
    this.#target = target;
    this.#text = head;
    this.#line = line;
  }

  add(row: Row): void {
    this.#text += this.#line(row);
    if (this.#text.length >= BLOCK) this.end();
  }

  end(): void {
    this.#target.write(Buffer.from(this.#text));
    this.#text = "";
  }
}

/** CSV (RFC 4180) with a head line. Numbers are the shortest that read back the same. */
export function csvTable(target: Target): Table {
  return new TextTable(target, csvLine(COLUMNS), ({ file, index, start, packets, bytes, whole, features }) =>
    csvLine([quoted(file), index, start, packets, bytes, whole, ...features]),
  );
}

/** JSON, one object a line. */
export function jsonTable(target: Target): Table {
  return new TextTable(target, "", ({ features, ...rest }) => {
    const named = Object.fromEntries(FEATURES.map((name, i) => [name, features[i]]));
    return `${JSON.stringify({ ...rest, ...named })}\n`;
  });
}

function csvLine(fields: readonly (string | number | boolean)[]): string {
  return `${fields.join(",")}\r\n`;
}

/** A field with a separator in it stands in quotes, and a quote in it twice (RFC 4180, 2). */
function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
