import { join } from "node:path";
import { test } from "tap";
import { runTestFile, type Outcome } from "../../support/test-file.js";

/** What a program that prints such lines and then does this comes to; `FILE` stands for its path. */
async function outcomeOf(folder: string, name: string): Promise<Omit<Outcome, "text">> {
  const path = join(folder, name);
  const { passed, failures, skipped } = await runTestFile(path);
  const short = (text: string): string => text.replaceAll(path, "FILE");
  return { passed, failures: failures.map(short), skipped: skipped.map(short) };
}

const says = (lines: readonly string[], after = ""): string =>
  `process.stdout.write(${JSON.stringify(["TAP version 14", ...lines, ""].join("\n"))}); ${after}`;

test("assertions are counted where they stand, and a file that ends early is a failure", async (t) => {
  const subtest = [
    "# Subtest: outer",
    "    ok 1 - one",
    "    not ok 2 - two",
    "    ok 3 - three # SKIP no card",
    "    1..3",
  ];
  const folder = t.testdir({
    "good.js": says(["# Subtest: outer", "    ok 1 - one", "    1..1", "ok 1 - outer", "ok 2 - more", "1..2"]),
    "throwing.js": says([
      "# Subtest: what throws where it is wrong",
      "    1..0",
      "ok 1 - what throws where it is wrong",
      "1..1",
    ]),
    "bad.js": says([...subtest, "not ok 1 - outer", "1..1"], "process.exitCode = 1;"),
    "skipped.js": says(["ok 1 - all of it # SKIP needs root", "1..1"]),
    "dies.js": says(["ok 1 - one", "1..1"], "process.exitCode = 3;"),
    "killed.js": says(["ok 1 - one"], 'process.kill(process.pid, "SIGKILL");'),
    "stops.js": says(["ok 1 - one"], ""),
    "silent.js": "",
    "throws.js": 'throw new Error("in vain");',
  });
  const passes = { passed: 1, skipped: [] };
  t.same(await outcomeOf(folder, "good.js"), { passed: 2, failures: [], skipped: [] });
  t.same(await outcomeOf(folder, "throwing.js"), { passed: 1, failures: [], skipped: [] });
  t.same(await outcomeOf(folder, "bad.js"), {
    passed: 1,
    failures: ["FILE > outer > two"],
    skipped: ["FILE > outer > three: no card"],
  });
  t.same(await outcomeOf(folder, "skipped.js"), {
    passed: 0,
    failures: [],
    skipped: ["FILE > all of it: needs root"],
  });
  t.same(await outcomeOf(folder, "dies.js"), { ...passes, failures: ["FILE: exit status 3"] });
  t.same(await outcomeOf(folder, "killed.js"), { ...passes, failures: ["FILE: ended by SIGKILL"] });
  t.match((await outcomeOf(folder, "stops.js")).failures, [/FILE/], "no plan");
  for (const name of ["silent.js", "throws.js"]) {
    const { passed, failures } = await outcomeOf(folder, name);
    t.equal(passed, 0);
    t.equal(failures.length, 1, name);
  }
});
