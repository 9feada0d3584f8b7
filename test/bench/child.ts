import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Runs a program to its end and returns what it printed; throws with its complaint where it failed. */
export function run(command: string, args: readonly string[], input = ""): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", input });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/** A program that runs beside us in a network namespace. */
export class Child {
  readonly pid: number;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #out = "";
  #errors = "";

  constructor(namespace: string, command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.#name = `${command} ${args.join(" ")}`;
    // ip netns exec becomes the program (execvp without fork), so the pid is the program's own.
    this.#process = spawn("ip", ["netns", "exec", namespace, command, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    this.pid = this.#process.pid ?? 0;
    this.#process.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#out += text));
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#errors += text));
    this.#process.stdin?.on("error", () => undefined);
    this.#ended = once(this.#process, "close").then(() => undefined);
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Its exit status; null while it runs, and where a signal ended it. */
  get status(): number | null {
    return this.#process.exitCode;
  }

  /** What it has printed on standard output so far. */
  get said(): string {
    return this.#out;
  }

  /** What it has printed on standard error so far. */
  get errors(): string {
    return this.#errors;
  }

  /** The last lines of its standard output and of its standard error so far. */
  tail(lines: number): string {
    return [this.#out, this.#errors].map((text) => text.trimEnd().split("\n").slice(-lines).join("\n")).join("\n");
  }

  /** Resolves when a line of its standard output matches. */
  async printed(pattern: RegExp, withinMs = 15000): Promise<void> {
    await this.until(() => pattern.test(this.#out), `print ${String(pattern)}`, withinMs);
  }

  /** Resolves when `holds` does; asks every 10 ms. */
  async until(holds: () => boolean | Promise<boolean>, what: string, withinMs: number): Promise<void> {
    const end = Date.now() + withinMs;
    while (!(await holds())) {
      if (!this.running) throw new Error(`${this.#name} ended early: ${this.#errors.trim() || this.#out.trim()}`);
      if (Date.now() > end)
        throw new Error(`${this.#name} did not ${what} within ${withinMs} ms: ${this.#errors.trim()}`);
      await pause(10);
    }
  }

  /** Waits for its end and returns all that it printed. */
  async text(): Promise<string> {
    await this.#ended;
    return this.#out;
  }

  /** Waits for its good end and returns the last line it printed, parsed. */
  async result<T>(): Promise<T> {
    const text = await this.text();
    if (this.#process.exitCode !== 0) throw new Error(`${this.#name}: ${this.#errors.trim()}`);
    return JSON.parse(text.trim().split("\n").at(-1) ?? "") as T;
  }

  endInput(): void {
    this.#process.stdin?.end();
  }

  /** Asks it to end, and after `patienceMs` ends it. */
  async stop(patienceMs = 3000): Promise<void> {
    if (!this.running) return;
    this.#process.kill("SIGTERM");
    const late = setTimeout(() => this.#process.kill("SIGKILL"), patienceMs);
    await this.#ended;
    clearTimeout(late);
  }
}

/** Resolves after so many milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
