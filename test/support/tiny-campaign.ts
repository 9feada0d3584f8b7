import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CampaignResult } from "../../src/lab/campaign/cell.js";

/** The command line of hushbox. */
export const MAIN = join(import.meta.dirname, "../../src/main.js");

/** Without what the test runner puts into every child: it makes each a second slower. */
export const PLAIN = { PATH: process.env["PATH"], HOME: process.env["HOME"] };

/** Options of a campaign that takes seconds: three sessions of each class, two cells. */
export const TINY = "--quick --scenarios mic-on-off --days 0.25 --parts undefended --windows 1000".split(" ");

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a program to its end. */
export function ran(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: 900_000, env: { ...PLAIN, ...env } }, (failure, out, error) => {
      const code = failure === null ? 0 : failure.code;
      resolve({ status: typeof code === "number" ? code : -1, out, error });
    });
  });
}

export function campaign(...args: string[]): Promise<Ran> {
  return ran(process.execPath, [MAIN, "campaign", ...args]);
}

/** The result of a folder without the seconds that it took: what two runs must have in common. */
export function resultIn(folder: string): unknown {
  const result = JSON.parse(readFileSync(join(folder, "campaign.json"), "utf8")) as CampaignResult;
  return { ...result, cells: result.cells.map((cell) => ({ ...cell, seconds: 0 })) };
}
