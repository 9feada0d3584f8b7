import { isDeepStrictEqual } from "node:util";
import type { ChangeTerms, Outcome } from "../api/door.js";
import { checkConfig } from "../config/check-config.js";
import { changedPaths, etagOf, needsRestart } from "../config/compare.js";
import { ConfigFile, type PreparedWrite } from "../config/config-file.js";
import type { Config } from "../config/schema.js";
import { compile, type Settings } from "../config/settings.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Log } from "../log/log.js";

/** Makes settings take effect; answers with the milliseconds that took, or null where it failed. */
export type Apply = (settings: Settings) => Promise<number | null>;

/**
 * The one configuration in force, and the way to another: validate, compare, write beside the file, apply, put the file in its place.
 * Changes are made one after the other; each sees what the one before has left.
 */
export class ConfigInForce {
  readonly #log: Log;
  readonly #apply: Apply;
  #file: ConfigFile;
  #config: Config;
  #settings: Settings;
  #last: Promise<unknown> = Promise.resolve();

  constructor(file: ConfigFile, apply: Apply, log: Log) {
    this.#file = file;
    this.#config = file.config;
    this.#settings = compile(file.config);
    this.#apply = apply;
    this.#log = log;
  }

  get path(): string {
    return this.#file.path;
  }

  get config(): Config {
    return this.#config;
  }

  get settings(): Settings {
    return this.#settings;
  }

  get etag(): string {
    return etagOf(this.#config);
  }

  /** False where the file says something else. */
  get saved(): boolean {
    return isDeepStrictEqual(this.#config, this.#file.config);
  }

  /** Resolves when the changes that were asked for so far are done. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** `make` gets the configuration in force and returns the one wanted, or null where the device it is about is not there. */
  change(make: (config: Config) => unknown, terms: ChangeTerms): Promise<Outcome> {
    return this.#inTurn(() => this.#change(make, terms));
  }

  /** Takes over what the file says now. Throws where it cannot be read or is not valid; a refusal is an outcome, and the old file stays the one that counts. */
  reload(): Promise<Outcome> {
    return this.#inTurn(async () => {
      const fresh = ConfigFile.read(this.#file.path);
      const outcome = await this.#change(() => fresh.config, { persist: false });
      if (outcome.result === "applied") this.#file = fresh;
      return outcome;
    });
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #change(make: (config: Config) => unknown, terms: ChangeTerms): Promise<Outcome> {
    if (terms.ifMatch?.(this.etag) === false) return { result: "precondition-failed" };
    const made = make(this.#config);
    if (made === null) return { result: "unknown-device" };
    const problems = checkConfig(made);
    if (problems.length > 0) return { result: "invalid", problems };
    const wanted = made as Config;
    const fixed = needsRestart(this.#config, wanted);
    if (fixed.length > 0) return { result: "restart-required", problems: fixed };
    const write = terms.persist ? prepared(this.#file, wanted) : null;
    if (write !== null && "result" in write) return write;
    const settings = compile(wanted);
    const milliseconds = await this.#apply(settings);
    if (milliseconds === null) {
      write?.abort();
      return { result: "not-ready", message: "The packets' side did not take the change over." };
    }
    const changed = changedPaths(this.#config, wanted);
    this.#config = wanted;
    this.#settings = settings;
    return { result: "applied", config: wanted, changed, milliseconds, persisted: this.#commit(write) };
  }

  #commit(write: PreparedWrite | null): boolean {
    try {
      write?.commit();
      return write !== null;
    } catch (error) {
      const reason = messageOf(error);
      this.#log.error("the change is in force but could not be written to the file", { reason });
      return false;
    }
  }
}

function prepared(file: ConfigFile, wanted: Config): PreparedWrite | Outcome {
  try {
    return file.prepare(wanted);
  } catch (error) {
    if (!(error instanceof HushboxError)) throw error;
    const result = error.code === "config-conflict" ? "file-changed" : "file-unwritable";
    return { result, message: `${error.message}. Nothing was changed.` };
  }
}
