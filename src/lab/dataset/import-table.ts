import { dirname, resolve } from "node:path";
import { HushboxError } from "../../errors/hushbox-error.js";
import { readTable } from "./csv-table.js";
import type { Candidate, Found } from "./import-dataset.js";
import type { SetWords } from "./import-folder.js";

const REQUIRED = ["file", "label"];
const KNOWN = [...REQUIRED, "group", "device", "from", "to"];

/**
 * Finds the captures of a CSV table with the columns file and label, and perhaps group (default: the file), device, from and to. Files are
 * relative to the table. Throws `dataset-invalid`, with line and column.
 */
export function findInTable(path: string, words: SetWords, device: string | null): Found {
  const rows = readTable(path, REQUIRED);
  const unknown = Object.keys(rows[0]?.cells ?? {}).find((column) => !KNOWN.includes(column));
  if (unknown !== undefined)
    throw new HushboxError(
      "dataset-invalid",
      `${path}:1: unknown column ${JSON.stringify(unknown)}; known are ${KNOWN.join(", ")}`,
    );
  const candidates = rows.map(({ line, cells }): Candidate => {
    const { file = "", label = "", group = "", from = "", to = "" } = cells;
    if (file === "" || label === "")
      throw new HushboxError("dataset-invalid", `${path}:${line}: ${file === "" ? "file" : "label"} is empty`);
    return {
      path: resolve(dirname(path), file),
      // A name that stays below the folder of copies, whatever the path says.
      name: file.replace(/^\/+/, "").replaceAll("../", "up/"),
      label,
      group: group === "" ? file : group,
      device: cells["device"] === undefined || cells["device"] === "" ? device : cells["device"],
      ...(from === "" ? {} : { from }),
      ...(to === "" ? {} : { to }),
    };
  });
  return { set: words, candidates, tasks: () => ({}) };
}
