const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** A piece of HTML or SVG that is ready to be written; whatever else goes into a page is escaped. */
export class Piece {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** A template of HTML or SVG: texts and numbers in it are escaped, pieces and lists of pieces stand as they are. */
export function piece(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Piece | readonly Piece[])[]
): Piece {
  return new Piece(parts.reduce((page, part, i) => page + written(values[i - 1] ?? "") + part));
}

function written(value: string | number | Piece | readonly Piece[]): string {
  if (value instanceof Piece) return value.source;
  if (typeof value === "object") return value.map(({ source }) => source).join("");
  return String(value).replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}
