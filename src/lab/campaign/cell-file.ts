import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import { makeFolder } from "../dataset/import-dataset.js";
import { writeWhole } from "../write-whole.js";
import type { Cell, CellPlan } from "./cell.js";

const FOLDER = "cells";

/** Makes room for cells in a campaign's folder, which need not be there. Throws `output-unwritable`. */
export function makeCellFolder(folder: string): void {
  makeFolder(join(folder, FOLDER));
}

/** Keeps a measured cell; it is there whole or not at all. Throws `dataset-invalid`. */
export function writeCell(folder: string, cell: Cell): void {
  writeWhole(pathOf(folder, cell), `${JSON.stringify(cell, null, 1)}\n`);
}

/** The cell of a plan as it was measured; null where it was not. Throws `dataset-invalid` for a file that holds something else. */
export function readCell(folder: string, plan: CellPlan): Cell | null {
  const path = pathOf(folder, plan);
  const cell = contents(path);
  if (cell === null) return null;
  const kept = JSON.stringify(Object.fromEntries(Object.keys(plan).map((key) => [key, cell[key]])));
  if (kept !== JSON.stringify(plan) || !("leakage" in cell))
    throw new HushboxError("dataset-invalid", `${path} is not of this campaign; delete it to have it measured again`);
  return cell as unknown as Cell;
}

function pathOf(folder: string, { id }: CellPlan): string {
  return join(folder, FOLDER, `${id}.json`);
}

function contents(path: string): Record<string, unknown> | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    const why = messageOf(cause);
    throw new HushboxError("dataset-invalid", `reading ${path}: ${why}`, cause);
  }
}
