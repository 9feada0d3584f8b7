// Two runs over bad paths: node build/test/bench/bad-paths.js --runs 2. `npm run bad-paths` is the long one.
import { spawn } from "node:child_process";
import { join } from "node:path";
import tap, { test } from "tap";
import { collect } from "../../src/emulator/command.js";
import { boxMissing } from "../support/box-missing.js";
import { ROOT } from "../support/generated.js";

const skip = boxMissing(["tcpdump", "ping", "openssl"]);
/** Both IP versions, loss, a narrow path, GRO; what a machine's other work stretches is not judged here. */
const SEED = "9";
const JUDGED = /hash|ended|INVALID/;

tap.setTimeout(160_000);

void test("padded transfers beside undefended ones over a bad path", { skip, timeout: 150_000 }, async (t) => {
  const argv = [join(ROOT, "build/test/bench/bad-paths.js"), "--runs", "2", "--seed", SEED, "--json"];
  const { code, stdout, stderr } = await collect(spawn(process.execPath, argv), 140_000);
  t.ok(code === 0 || stdout !== "", stderr);
  const { checks, transfers, bad } = JSON.parse(stdout) as {
    checks: { what: string; holds: boolean; seen: string }[];
    transfers: number;
    bad: unknown;
  };
  t.ok(transfers >= 20, `${transfers} transfers`);
  const judged = checks.filter(({ what }) => JUDGED.test(what));
  t.equal(judged.length, 3);
  for (const { what, holds, seen } of judged) t.ok(holds, `${what}: ${seen}; ${JSON.stringify(bad)}`);
});
