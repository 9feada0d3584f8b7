#!/usr/bin/env node
import { existsSync } from "node:fs";
import { nearest } from "./config/nearest.js";
import { HushboxError } from "./errors/hushbox-error.js";
import { messageOf } from "./errors/message-of.js";
import type { Command } from "./main/command.js";
import { VERSION } from "./main/version.js";

/** The words of the command line, each a file under `main/`, in the order of the help. */
const WORDS = [
  "setup",
  "run",
  "check",
  "guard",
  "status",
  "set",
  "shape",
  "features",
  "dataset",
  "attack",
  "campaign",
  "tunnel",
  "demo",
  "emulate",
] as const;

/** What went well, what failed, and what was asked wrongly. */
const OK = 0;
const FAILED = 1;
const WRONG_USE = 2;

/** Loads one command alone: `status` need not wait for the packets' side to be read. */
async function load(word: string): Promise<Command> {
  const { command } = (await import(new URL(`./main/${word}.js`, import.meta.url).href)) as { command: Command };
  return command;
}

/** The commands that this build has. */
function words(): string[] {
  return WORDS.filter((word) => existsSync(new URL(`./main/${word}.js`, import.meta.url)));
}

async function help(): Promise<string> {
  const lines = await Promise.all(words().map(async (word) => `  ${word.padEnd(9)} ${(await load(word)).summary}`));
  return `hushbox ${VERSION}: an inline anonymization middlebox for smart speakers

Usage: hushbox COMMAND [OPTIONS]

${lines.join("\n")}

  hushbox COMMAND --help   says more, with an example
  hushbox --version

Example:
  sudo hushbox run --config /etc/hushbox/hushbox.yaml
`;
}

async function main(args: string[]): Promise<number> {
  const [word, ...rest] = args;
  if (word === undefined) {
    process.stderr.write(await help());
    return WRONG_USE;
  }
  if (word === "--help" || word === "-h" || word === "help") {
    process.stdout.write(await help());
    return OK;
  }
  if (word === "--version" || word === "-v") {
    process.stdout.write(`hushbox ${VERSION}\n`);
    return OK;
  }
  if (!words().includes(word)) {
    const meant = nearest(word, words());
    const hint = meant === null ? `there are ${words().join(", ")}` : `did you mean ${meant}?`;
    process.stderr.write(`hushbox: there is no command ${JSON.stringify(word)}; ${hint}\n`);
    return WRONG_USE;
  }
  const command = await load(word);
  const own = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
  if (own.includes("--help") || own.includes("-h")) {
    process.stdout.write(`${command.usage.trimEnd()}\n`);
    return OK;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    return told(word, error);
  }
}

/** Tells of a failure on standard error, and how it counts. */
function told(word: string, error: unknown): number {
  const wrongUse = isWrongUse(error);
  if (error instanceof HushboxError || wrongUse) {
    const message = messageOf(error);
    const hint = wrongUse ? `\nhushbox ${word} --help says how` : "";
    process.stderr.write(`hushbox ${word}: ${message}${hint}\n`);
    return wrongUse ? WRONG_USE : FAILED;
  }
  process.stderr.write(
    `hushbox ${word}: a fault of hushbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return FAILED;
}

/** Mistakes on the command line: our own code, or what parseArgs throws. */
function isWrongUse(error: unknown): boolean {
  if (error instanceof HushboxError) return error.code === "usage";
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    error.code.startsWith("ERR_PARSE_ARGS")
  );
}

// A reader that went away (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? OK : FAILED);
});

process.exitCode = await main(process.argv.slice(2));
// What a command leaves open must not keep the process; output that is still on its way may take its time.
setTimeout(() => {
  process.exit();
}, 2000).unref();
