import { createInterface } from "node:readline/promises";
import type { ReadStream } from "node:tty";
import { HushboxError } from "../errors/hushbox-error.js";

/** Asks a person. */
export interface Asker {
  /** One of some answers, by its number or word; the first is taken where nothing is typed. */
  choose<T extends string>(what: string, answers: readonly { readonly value: T; readonly words: string }[]): Promise<T>;
  /** A line; `otherwise` where nothing is typed. It asks again, with the reason, until `check` does not throw. */
  text(what: string, otherwise: string, check: (given: string) => void): Promise<string>;
  /** A line that is not shown. */
  secret(what: string, check: (given: string) => void): Promise<string>;
  /** Yes or no; no where nothing is typed. */
  confirm(what: string): Promise<boolean>;
  tell(line: string): void;
}

const ENTER = ["\r", "\n", "\u0004"];
const INTERRUPT = "\u0003";
const ERASE = ["\u007f", "\b"];

/** A person at a terminal. Questions go to standard error, so that standard output has results alone. */
export class Terminal implements Asker {
  readonly #input: ReadStream;
  readonly #output: NodeJS.WritableStream;

  constructor(input: ReadStream, output: NodeJS.WritableStream) {
    this.#input = input;
    this.#output = output;
  }

  tell(line: string): void {
    this.#output.write(`${line}\n`);
  }

  async choose<T extends string>(
    what: string,
    answers: readonly { readonly value: T; readonly words: string }[],
  ): Promise<T> {
    this.tell(what);
    answers.forEach(({ words }, i) => {
      this.tell(`  ${i + 1}  ${words}`);
    });
    for (;;) {
      const given = await this.#line(`Which one? [1] `);
      const found =
        given === "" ? answers[0] : (answers[Number(given) - 1] ?? answers.find(({ value }) => value === given));
      if (found !== undefined) return found.value;
      this.tell(`a number from 1 to ${answers.length}`);
    }
  }

  async text(what: string, otherwise: string, check: (given: string) => void): Promise<string> {
    for (;;) {
      const given = (await this.#line(`${what}${otherwise === "" ? "" : ` [${otherwise}]`}: `)) || otherwise;
      if (this.#fits(given, check)) return given;
    }
  }

  async secret(what: string, check: (given: string) => void): Promise<string> {
    for (;;) {
      const given = await this.#hidden(`${what} (not shown): `);
      if (!this.#fits(given, check)) continue;
      if ((await this.#hidden("Once more: ")) === given) return given;
      this.tell("these are not the same");
    }
  }

  async confirm(what: string): Promise<boolean> {
    return /^y(es)?$/i.test((await this.#line(`${what} [y/N] `)).trim());
  }

  #fits(given: string, check: (given: string) => void): boolean {
    try {
      check(given);
      return true;
    } catch (error) {
      if (!(error instanceof HushboxError)) throw error;
      this.tell(error.message);
      return false;
    }
  }

  async #line(what: string): Promise<string> {
    const lines = createInterface({ input: this.#input, output: this.#output, terminal: true });
    const gone = new Promise<never>((_, reject) => {
      lines.once("close", () => {
        reject(stopped());
      });
      lines.once("SIGINT", () => {
        reject(stopped());
      });
    });
    try {
      return (await Promise.race([lines.question(what), gone])).trim();
    } finally {
      gone.catch(() => undefined);
      lines.close();
    }
  }

  /** Reads key by key without an echo; the terminal is as before afterwards, whatever happens. */
  #hidden(what: string): Promise<string> {
    this.#output.write(what);
    const input = this.#input;
    input.setRawMode(true);
    input.setEncoding("utf8");
    input.resume();
    let typed = "";
    return new Promise((resolve, reject) => {
      const end = (): void => {
        input.off("data", onData);
        input.off("end", onEnd);
        input.setRawMode(false);
        input.pause();
        this.#output.write("\n");
      };
      const onEnd = (): void => {
        end();
        reject(stopped());
      };
      const onData = (keys: string): void => {
        for (const key of keys) {
          if (key === INTERRUPT) {
            onEnd();
            return;
          }
          if (ENTER.includes(key)) {
            end();
            resolve(typed);
            return;
          }
          typed = ERASE.includes(key) ? typed.slice(0, -1) : typed + key;
        }
      };
      input.on("data", onData);
      input.on("end", onEnd);
    });
  }
}

function stopped(): HushboxError {
  return new HushboxError("setup", "stopped before anything was changed");
}
