import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "tap";
import { ROOT } from "../../support/generated.js";

function gateway(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(ROOT, "build/test/bench/gateway.js"), ...args], { encoding: "utf8" });
}

test("--help names every option", (t) => {
  const { status, stdout, stderr } = gateway("--help");
  t.equal(status, 0, stderr);
  t.match(stdout, /^usage: npm run bench:gateway -- /);
  for (const option of ["boxes", "levels", "seconds", "only", "json"]) t.match(stdout, `\n  --${option} `);
  t.match(stdout, "\nexample: ");
  t.end();
});

test("what it does not know is refused before anything runs", (t) => {
  const table: readonly (readonly [string, string, string])[] = [
    ["--boxes", "1,none", '--boxes takes whole numbers from 1 on, not "none"'],
    ["--levels", "idle,loud", '--levels takes idle, episode, always, not "loud"'],
  ];
  for (const [option, value, complaint] of table) {
    const { status, stdout, stderr } = gateway(option, value);
    t.equal(status, 2);
    t.equal(stdout, "");
    t.match(stderr, complaint);
  }
  t.end();
});
