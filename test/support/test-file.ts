import { spawn, type ChildProcess } from "node:child_process";
import { Parser, type Result } from "tap-parser";
import { ROOT } from "./generated.js";

/** What became of a file's assertions. */
export interface Outcome {
  passed: number;
  /** Each with the names of the tests that it stands in, and a reason where it was skipped. */
  readonly failures: string[];
  readonly skipped: string[];
  /** What the file printed. */
  readonly text: string;
}

/** Seconds that a file may take which sets itself no limit. */
const PATIENCE = 1200;
/** Milliseconds after which a file is ended that its own limit did not end. */
const LONGEST = 1_800_000;

const running = new Set<ChildProcess>();

/** Passes a signal on to what runs: laboratories are taken down by whoever built them. */
export function stopTestFiles(signal: NodeJS.Signals): void {
  for (const child of running) child.kill(signal);
}

/** Runs a program of the project to its end; answers what it printed on standard output, and how it ended: "" where well. */
export async function runProgram(file: string, args: readonly string[]): Promise<{ text: string; ended: string }> {
  const child = spawn(file, args, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TAP_TIMEOUT: String(PATIENCE) },
    timeout: LONGEST,
    killSignal: "SIGKILL",
  });
  running.add(child);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const ended = await new Promise<string>((resolve) => {
    child.once("error", ({ message }) => {
      resolve(message);
    });
    child.once("close", (code, signal) => {
      resolve(code === 0 ? "" : code === null ? `ended by ${signal ?? "a signal"}` : `exit status ${code}`);
    });
  });
  running.delete(child);
  return { text, ended };
}

/** Runs a compiled test file, as `node FILE` does, and counts its assertions, however deep its subtests. */
export async function runTestFile(path: string): Promise<Outcome> {
  const { text, ended } = await runProgram(process.execPath, ["--enable-source-maps", path]);
  const outcome: Outcome = { passed: 0, failures: [], skipped: [], text };
  const parser = new Parser();
  listen(parser, path, outcome);
  parser.end(text);
  const { passed, failures, skipped } = outcome;
  // A file that ended between two assertions, or made none.
  if (failures.length === 0 && (ended !== "" || !parser.ok || passed + skipped.length === 0))
    failures.push(`${path}: ${ended || "what it printed is no whole TAP"}`);
  return outcome;
}

function listen(parser: Parser, path: string, outcome: Outcome): void {
  let summary = false;
  parser.on("child", (child: Parser) => {
    // The next line of this level sums the subtest up; it is no assertion of its own, but where the subtest made none: properties throw.
    child.on("assert", () => (summary = true));
    listen(child, `${path} > ${child.name}`, outcome);
  });
  parser.on("assert", (result: Result) => {
    if (summary && result.skip === false) {
      summary = false;
      return;
    }
    summary = false;
    const name = `${path} > ${result.name}`;
    if (result.skip !== false)
      outcome.skipped.push(`${name}: ${typeof result.skip === "string" ? result.skip : "no reason given"}`);
    else if (!result.ok && result.todo === false) outcome.failures.push(name);
    else outcome.passed++;
  });
}
