import { HushboxError } from "../../errors/hushbox-error.js";
import { bytesOf } from "./manifest.js";

/** A row by the names of its columns, and the line where it begins. */
export interface Row {
  readonly line: number;
  readonly cells: Readonly<Record<string, string>>;
}

/** Reads a CSV file with a header line (RFC 4180; a byte order mark is passed over). Throws `dataset-invalid` with file and line. */
export function readTable(path: string, required: readonly string[]): Row[] {
  const text = Buffer.from(bytesOf(path))
    .toString("utf8")
    .replace(/^\uFEFF/, "");
  const [head, ...rows] = lines(text, path);
  const columns = head?.cells.map((cell) => cell.trim()) ?? [];
  const missing = required.filter((name) => !columns.includes(name));
  if (missing.length > 0)
    throw new HushboxError(
      "dataset-invalid",
      `${path}:1: the column ${missing.join(", ")} is missing; it has ${columns.join(", ") || "none"}`,
    );
  return rows.map(({ line, cells }) => {
    if (cells.length !== columns.length)
      throw new HushboxError(
        "dataset-invalid",
        `${path}:${line}: ${cells.length} cells where the header has ${columns.length}`,
      );
    return { line, cells: Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? ""])) };
  });
}

function lines(text: string, path: string): { line: number; cells: string[] }[] {
  const found: { line: number; cells: string[] }[] = [];
  let cells: string[] = [];
  let [line, begun] = [1, 1];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (cell.lastIndex < text.length || cells.length > 0) {
    const match = cell.exec(text);
    if (match === null) throw new HushboxError("dataset-invalid", `${path}:${line}: a quotation mark is out of place`);
    const [all, quoted, plain = "", end] = match;
    cells.push(quoted?.replaceAll('""', '"') ?? plain);
    line += all.split("\n").length - 1;
    if (end === ",") continue;
    if (cells.length > 1 || cells[0] !== "") found.push({ line: begun, cells });
    [cells, begun] = [[], line];
  }
  return found;
}
