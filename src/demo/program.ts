import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Laboratory } from "../emulator/laboratory.js";
import type { Place } from "../emulator/topology.js";
import { HushboxError } from "../errors/hushbox-error.js";

/** How long a program may take to end when it is asked to, in milliseconds. */
const PATIENCE = 15_000;
/** Lines of standard error kept for the message when something goes wrong. */
const KEPT = 20;

type Hearer = (line: string) => void;

/** A program that runs in a place of the laboratory and says lines on its standard output. */
export class Program {
  /** Resolves with the exit status when it ended; a signal counts as 1. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #hearers = new Set<Hearer>();
  readonly #complaints: string[] = [];
  #running = true;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#complaints.push(error.message);
        this.#running = false;
        resolve(1);
      });
      child.once("close", (code) => {
        this.#running = false;
        resolve(code ?? 1);
      });
    });
    const { stdout, stderr } = child;
    if (stdout !== null) {
      createInterface(stdout).on("line", (line) => {
        for (const hearer of this.#hearers) hearer(line);
      });
    }
    if (stderr !== null) {
      createInterface(stderr).on("line", (line) => {
        this.#complaints.push(line);
        if (this.#complaints.length > KEPT) this.#complaints.shift();
      });
    }
  }

  /** Starts it, out of reach of the terminal's Ctrl-C: what ends when is for the demo to say. */
  static start(laboratory: Laboratory, place: Place, argv: readonly string[], name: string, hear?: Hearer): Program {
    const options = { stdio: ["ignore", "pipe", "pipe"] as ("ignore" | "pipe")[], detached: true };
    const program = new Program(laboratory.exec(place, argv, options), name);
    if (hear !== undefined) program.#hearers.add(hear);
    return program;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Resolves at the first line for which `says` is true; an error where the program ends before it. */
  async saying(says: (line: string) => boolean): Promise<void> {
    let hear: Hearer = () => undefined;
    const said = new Promise<void>((resolve) => {
      hear = (line) => {
        if (says(line)) resolve();
      };
      this.#hearers.add(hear);
    });
    const early = this.ended.then(() => {
      throw this.failure("ended early");
    });
    try {
      await Promise.race([said, early]);
    } finally {
      this.#hearers.delete(hear);
      early.catch(() => undefined);
    }
  }

  /** Asks it to end, and waits until it has. Idempotent. */
  async stop(): Promise<number> {
    if (this.#running) this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE);
    const code = await this.ended;
    clearTimeout(timer);
    return code;
  }

  /** An error about it, with what it said last. */
  failure(what: string): HushboxError {
    const said = this.#complaints.length === 0 ? "" : `:\n${this.#complaints.join("\n")}`;
    return new HushboxError("host", `${this.#name} ${what}${said}`);
  }
}
