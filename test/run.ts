// Runs the tests and closes with one line that counts them: node build/test/run.js [--lint] [FOLDER…]
//
// Three stages, so that no processor idles while something is to be computed, and none is busy beside what watches the clock:
//
// 1. Property, golden and unit tests, a file for each processor. Beside them what computes, compiles and downloads without a clock to keep: the
//    end-to-end files named in COMPUTING, first since they are the longest, and with --lint the linter.
// 2. The end-to-end files named in PATIENT, two at once: they wait most of the time (for a watchdog, a peer that is gone, an error that comes
//    back) and judge nothing below a second. Namespaces bear a name of the file's own; what is the machine's (interfaces of
//    wireguard-go, control groups) is named after the process.
// 3. The other end-to-end files, one after the other and nothing beside them: they measure delays, losses and outages.
//
// A file is started as `node FILE`. tap's own runner would load its hooks into whatever a test starts, hushbox too, and knows no stages.
// A skipped test is printed with its reason; with CI=true it is a failure, since CI has everything that a test may need.
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ROOT } from "./support/generated.js";
import { runProgram, runTestFile, stopTestFiles } from "./support/test-file.js";

const COMPUTING = ["package", "scikit", "scikit-neural", "managers", "report"];
const PATIENT = ["tunnel", "service", "icmp-errors", "tunnel-faults"];

type Job = () => Promise<void>;

const total = { passed: 0, failures: [] as string[], skipped: [] as string[] };
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    stopTestFiles(signal);
    process.exit(1);
  });
}

/** The test files of a folder that still have a source: a build keeps what was compiled from files that are gone. */
function testsIn(folder: string): string[] {
  const build = join("build/test", folder);
  if (!existsSync(join(ROOT, build))) return [];
  return readdirSync(join(ROOT, build), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.js"))
    .map((name) => join(build, name))
    .filter((path) => existsSync(join(ROOT, path.replace(/^build\//, "").replace(/\.js$/, ".ts"))))
    .sort();
}

/** Takes these files out of a list, in this order. */
function take(list: string[], names: readonly string[]): string[] {
  return names.map((name) => {
    const at = list.indexOf(`build/test/e2e/${name}.test.js`);
    if (at < 0) throw new Error(`test/run.ts names ${name}, and there is no test/e2e/${name}.test.ts`);
    return list.splice(at, 1).join();
  });
}

/** Resolves when all are done: so many at once, in order. */
async function stage(width: number, jobs: readonly Job[]): Promise<void> {
  const left = [...jobs];
  const lane = async (): Promise<void> => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) await job();
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** Says how long it took, and what failed with all that was printed: where nothing failed, that would bury the rest. */
function told(name: string, begun: number, failures: readonly string[], text: string): void {
  process.stderr.write(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${name}\n`);
  for (const failure of failures) process.stderr.write(`not ok: ${failure}\n`);
  if (failures.length > 0) process.stdout.write(`# ${name}\n${text}`);
  total.failures.push(...failures);
}

const testing = (path: string): Job => {
  return async () => {
    const begun = performance.now();
    const { passed, failures, skipped, text } = await runTestFile(path);
    total.passed += passed;
    total.skipped.push(...skipped);
    told(path, begun, failures, text);
  };
};

async function lint(): Promise<void> {
  const begun = performance.now();
  const { text, ended } = await runProgram("npm", ["run", "--silent", "lint"]);
  told("npm run lint", begun, ended === "" ? [] : [`npm run lint: ${ended}`], text);
}

const folders = process.argv.slice(2).filter((word) => word !== "--lint");
const wanted = (folder: string): string[] => (folders.length === 0 || folders.includes(folder) ? testsIn(folder) : []);
const linting = process.argv.includes("--lint") ? [lint] : [];
// Short files last, so that all processors are busy to the end.
const quick = ["property", "golden", "unit"].flatMap(wanted);
const alone = wanted("e2e");
const [longest, ...computing] = alone.length > 0 ? take(alone, COMPUTING) : [];
const patient = alone.length > 0 ? take(alone, PATIENT) : [];

const beside = [...computing, ...quick].map(testing);
await stage(Math.max(2, availableParallelism()), [
  ...(longest === undefined ? [] : [testing(longest)]),
  ...linting,
  ...beside,
]);
await stage(2, patient.map(testing));
await stage(1, alone.map(testing));

for (const reason of total.skipped) console.log(`skipped: ${reason}`);
// Once more at the end, where one looks first.
for (const failure of total.failures) console.log(`not ok: ${failure}`);
const strict = process.env["CI"] === "true";
const failed = total.failures.length + (strict ? total.skipped.length : 0);
const rest = strict || total.skipped.length === 0 ? "" : `, ${total.skipped.length} skipped`;
console.log(`${total.passed} passed, ${failed} failed${rest}`);
process.exitCode = failed === 0 && total.passed > 0 ? 0 : 1;
