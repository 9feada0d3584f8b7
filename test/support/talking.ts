import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A program that is talked to line by line. Its standard error is ours. */
export class Talking {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown>;

  /** `child`: with pipes for standard input and output. */
  constructor(child: ChildProcess) {
    if (child.stdout === null) throw new Error("its standard output is not a pipe");
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#exited = once(child, "exit");
    child.stdin?.on("error", () => undefined);
  }

  /** The next line it says. */
  async line(): Promise<string> {
    const next = await this.#lines.next();
    return next.done === true ? "(it ended)" : next.value;
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Says no more. */
  close(): void {
    this.#child.stdin?.end();
  }

  /** Says a line, and understands the next one as JSON. */
  async ask<T>(question: string): Promise<T> {
    this.say(question);
    return JSON.parse(await this.line()) as T;
  }

  /** Sends a signal to the process and to no other. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends SIGTERM, and understands the next line as JSON. */
  async end<T>(): Promise<T> {
    this.signal("SIGTERM");
    return JSON.parse(await this.line()) as T;
  }

  /** Its exit status; null where a signal ended it. */
  async ended(): Promise<number | null> {
    await this.#exited;
    return this.#child.exitCode;
  }
}

/** Resolves after so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Asks every 50 ms until the answer pleases, at most `milliseconds`. */
export async function until(holds: () => Promise<boolean> | boolean, milliseconds = 5_000): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    if (await holds()) return true;
    await pause(50);
  }
  return false;
}
