import { readFileSync } from "node:fs";
import { join } from "node:path";
import { command, which, type CommandResult } from "../emulator/command.js";
import { HushboxError } from "../errors/hushbox-error.js";

/** Runs programs of the system. A test has one that answers from a table. */
export interface Runner {
  /** Whether the program is installed. */
  has(program: string): boolean;
  /** Runs it to its end; an exit status of 127 stands for a program that is not there. */
  run(program: string, args: readonly string[]): Promise<CommandResult>;
}

const PATIENCE = 120_000;
/** systemd ends what takes too long to start itself, by a limit of each unit, which on a slow machine may have been raised. */
const UNIT_PATIENCE = 30 * 60_000;

/** The programs of this machine. */
export class SystemRunner implements Runner {
  has(program: string): boolean {
    return which(program) !== null;
  }

  async run(program: string, args: readonly string[]): Promise<CommandResult> {
    const path = which(program);
    if (path === null) return { code: 127, stdout: "", stderr: `${program} is not installed` };
    return command(path, args, { timeout: program === "systemctl" ? UNIT_PATIENCE : PATIENCE });
  }
}

/** The machine that is set up: this one (`/`), or a tree of files that will be another one's, such as a mounted card. */
export class Host {
  readonly root: string;
  /** Whether the machine runs: only then are there cards to look at and units to start. */
  readonly live: boolean;
  readonly #runner: Runner;

  constructor(root: string, live: boolean, runner: Runner) {
    this.root = root;
    this.live = live;
    this.#runner = runner;
  }

  /** Where one of its files is from here. */
  path(path: string): string {
    return join(this.root, path);
  }

  /** One of its small files, or null where it cannot be read. */
  read(path: string): string | null {
    try {
      return readFileSync(this.path(path), "utf8");
    } catch {
      return null;
    }
  }

  has(program: string): boolean {
    return this.#runner.has(program);
  }

  run(program: string, ...args: string[]): Promise<CommandResult> {
    return this.#runner.run(program, args);
  }

  /** What a program prints, or null where it fails or is not there. */
  async ask(program: string, ...args: string[]): Promise<string | null> {
    const { code, stdout } = await this.#runner.run(program, args);
    return code === 0 ? stdout : null;
  }

  /** Runs a program that has to succeed. Throws `setup` with what it said. */
  async must(doing: string, program: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#runner.run(program, args);
    if (code === 0) return stdout;
    const why = stderr.trim() || stdout.trim() || `exit status ${String(code)}`;
    throw new HushboxError("setup", `${doing} failed: ${program} ${args.join(" ")}: ${why}`);
  }
}
