// The soak in short: node build/test/bench/soak.js --minutes 0.4. `npm run soak` is the long one.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "tap";
import { collect } from "../../src/emulator/command.js";
import { boxMissing } from "../support/box-missing.js";
import { ROOT } from "../support/generated.js";

const skip = boxMissing(["ping", "openssl"]);

void test("mixed traffic while defenses are changed ten times a second", { skip, timeout: 150_000 }, async (t) => {
  const argv = [join(ROOT, "build/test/bench/soak.js"), "--minutes", "0.4", "--seed", "short", "--json"];
  const { code, stdout, stderr } = await collect(spawn(process.execPath, argv), 140_000);
  t.ok(code === 0 || stdout !== "", stderr);
  const { checks } = JSON.parse(stdout) as { checks: { what: string; holds: boolean; seen: string }[] };
  t.ok(checks.length > 15);
  // A machine that has other work besides stretches every time.
  for (const { what, holds, seen } of checks) t.ok(holds || / ms$/.test(what), `${what}: ${seen}`);
});
