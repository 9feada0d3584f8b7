// Runs the tests and closes with one line that counts them: node build/test/run.js [FOLDER…]
//
// Unit and property tests run side by side, end-to-end tests one file after the other: they build networks and watch the clock.
// A skipped test is printed with its reason; with CI=true it is a failure, since CI has everything that a test may need.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Parser, type Result } from "tap-parser";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Tally {
  passed: number;
  failures: string[];
  skipped: string[];
}

/** Counts the assertions of a file's TAP, however deep its subtests. */
function listen(parser: Parser, path: string, tally: Tally): void {
  let summary = false;
  parser.on("child", (child: Parser) => {
    // The next line of this level sums the subtest up; it is no assertion of its own.
    summary = true;
    listen(child, `${path} > ${child.name}`, tally);
  });
  parser.on("assert", (result: Result) => {
    if (summary && result.skip === false) {
      summary = false;
      return;
    }
    summary = false;
    if (result.skip !== false) {
      tally.skipped.push(
        `${path} > ${result.name}: ${typeof result.skip === "string" ? result.skip : "no reason given"}`,
      );
    } else if (!result.ok && result.todo === false) {
      tally.failures.push(`${path} > ${result.name}`);
      process.stderr.write(`not ok:${path} > ${result.name}\n`);
    } else {
      tally.passed++;
    }
  });
}

/** The test files of a folder that still have a source: a build keeps what was compiled from files that are gone. */
function testsIn(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.js"))
    .map((name) => join(folder, name))
    .filter((path) => existsSync(join(ROOT, path.replace(/^build\//, "").replace(/\.js$/, ".ts"))))
    .sort();
}

/** What the runner printed of the files with a failure: the others would bury it. */
function failing(text: string): string {
  const files = text.split(/^(?=# Subtest: )/m);
  const bad = files.filter((file) => /^not ok /m.test(file));
  return bad.length > 0 ? bad.join("") : text;
}

/** Runs the tests of some folders; false where the runner itself failed. */
async function run(folders: readonly string[], jobs: number, tally: Tally): Promise<boolean> {
  const paths = folders.flatMap((folder) => testsIn(join("build/test", folder)));
  if (paths.length === 0) return true;
  const tap = join(ROOT, "node_modules/.bin/tap");
  const argv = [...paths, "--reporter=tap", "--disable-coverage", `--jobs=${String(jobs)}`, "--timeout=1200"];
  const child = spawn(tap, argv, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const parser = new Parser();
  listen(parser, "", tally);
  const text: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    parser.write(chunk);
    text.push(chunk);
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  parser.end();
  if (code !== 0) process.stdout.write(failing(text.join("")));
  return code === 0;
}

const wanted = process.argv.slice(2);
const tally: Tally = { passed: 0, failures: [], skipped: [] };
const quick = ["unit", "property", "golden"].filter((folder) => wanted.length === 0 || wanted.includes(folder));
const slow = ["e2e"].filter((folder) => wanted.length === 0 || wanted.includes(folder));
const good = [await run(quick, 2, tally), await run(slow, 1, tally)].every(Boolean);
for (const reason of tally.skipped) console.log(`skipped:${reason}`);
// Once more at the end, where one looks first.
for (const failure of tally.failures) console.log(`not ok:${failure}`);
const strict = process.env["CI"] === "true";
const found = tally.failures.length;
const failed = found + (strict ? tally.skipped.length : 0) + (!good && found === 0 ? 1 : 0);
const rest = strict || tally.skipped.length === 0 ? "" : `, ${String(tally.skipped.length)} skipped`;
console.log(`${String(tally.passed)} passed, ${String(failed)} failed${rest}`);
process.exitCode = failed === 0 && tally.passed > 0 ? 0 : 1;
