import { spawn, type ChildProcess } from "node:child_process";
import { command, tool } from "../../emulator/command.js";
import { messageOf } from "../../errors/message-of.js";
import type { Log } from "../../log/log.js";
import { loadRules } from "./network.js";
import { NFT_TABLE } from "./names.js";

/**
 * Keeps the kill switch's rules where they are: whoever reloads a firewall (`flush ruleset` is the first line of Debian's nftables.conf)
 * takes them away too, and then they are there again as soon as nft tells of it.
 */
export class RuleGuard {
  readonly #log: Log;
  #rules = "";
  #monitor: ChildProcess | undefined;
  #putting: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Times that the rules were gone. */
  restored = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Loads these from now on. */
  async load(rules: string): Promise<void> {
    this.#rules = rules;
    await loadRules(rules);
    if (this.#monitor === undefined && !this.#stopped) this.#listen();
  }

  /** Puts them back where they are gone. One after the other. */
  check(): Promise<void> {
    this.#putting = this.#putting
      .then(() => this.#check())
      .catch((error: unknown) => {
        const reason = messageOf(error);
        this.#log.error("the kill switch's rules are gone and could not be put back", { reason });
      });
    return this.#putting;
  }

  /** The rules stay. */
  stop(): void {
    this.#stopped = true;
    this.#monitor?.kill();
  }

  async #check(): Promise<void> {
    if (this.#stopped || this.#rules === "") return;
    const { stdout } = await command(tool("nft"), ["list", "tables"]);
    const wanted = ["inet", "bridge"].filter((family) => this.#rules.includes(`\ntable ${family} ${NFT_TABLE} {`));
    if (wanted.every((family) => stdout.includes(`table ${family} ${NFT_TABLE}\n`))) return;
    await loadRules(this.#rules);
    this.restored++;
    this.#log.error("somebody took the kill switch's rules away, as a reloaded firewall does; they are back", {
      table: NFT_TABLE,
    });
  }

  #listen(): void {
    const monitor = spawn(tool("nft"), ["monitor", "destroy", "tables"], { stdio: ["ignore", "pipe", "ignore"] });
    this.#monitor = monitor;
    monitor.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (text.includes(NFT_TABLE)) void this.check();
    });
    monitor.once("error", () => {
      this.#monitor = undefined;
    });
    monitor.once("exit", () => {
      // Looks go on without it, and the next load starts another.
      this.#monitor = undefined;
    });
  }
}
