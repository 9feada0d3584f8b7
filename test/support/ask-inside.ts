import type { Laboratory } from "../../src/emulator/laboratory.js";
import type { Place } from "../../src/emulator/topology.js";

export interface Asked {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answered {
  /** 0 where nobody answers. */
  readonly status: number;
  readonly text: string;
}

const PROGRAM = `
let asked = "";
for await (const part of process.stdin) asked += part;
const answers = [];
for (const { url, ...options } of JSON.parse(asked)) {
  try {
    const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(10_000) });
    answers.push({ status: answer.status, text: await answer.text() });
  } catch (error) {
    answers.push({ status: 0, text: String(error.cause ?? error) });
  }
}
process.stdout.write(JSON.stringify(answers));`;

/** Asks over HTTP inside a network namespace, one after the other; the answers come in the same order. */
export async function askInside(laboratory: Laboratory, place: Place, asked: readonly Asked[]): Promise<Answered[]> {
  const argv = [process.execPath, "--input-type=module", "-e", PROGRAM];
  const { code, stdout, stderr } = await laboratory.run(place, argv, { input: JSON.stringify(asked), timeout: 60_000 });
  if (code !== 0) throw new Error(`asking inside ${place}: ${stderr}`);
  return JSON.parse(stdout) as Answered[];
}
