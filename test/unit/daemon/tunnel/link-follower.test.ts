import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test, type Test } from "tap";
import { followLink } from "../../../../src/daemon/tunnel/link-follower.js";
import { ROOT } from "../../../support/generated.js";

/** A program in the place of `ip`, and what it was called with. */
function standIn(t: Test): { readonly ip: string; readonly called: string } {
  const directory = t.testdir({});
  const [ip, called] = [join(directory, "ip"), join(directory, "called")];
  writeFileSync(ip, `#!/bin/sh\necho "$@" >"${called}.part" && mv "${called}.part" "${called}"\n`, { mode: 0o755 });
  return { ip, called };
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i++) await sleep(50);
}

void test("takes the interface away when the daemon is killed", async (t) => {
  const { ip, called } = standIn(t);
  const code = `import { followLink } from ${JSON.stringify(join(ROOT, "build/src/daemon/tunnel/link-follower.js"))};
console.log(followLink("wg9", ${JSON.stringify(ip)}).pid);
setInterval(() => undefined, 1000);`;
  const daemon = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const [pid] = (await once(daemon.stdout, "data")) as [Buffer];
  await sleep(300);
  process.kill(Number(pid), "SIGTERM");
  await sleep(300);
  t.notOk(existsSync(called), "not for a signal to itself, as the service manager sends it to all that is left");
  daemon.kill("SIGKILL");
  await until(() => existsSync(called));
  t.equal(readFileSync(called, "utf8"), "link del wg9\n");
});

void test("takes it away when its input ends", async (t) => {
  const { ip, called } = standIn(t);
  const child = followLink("wg9", ip);
  child.stdin?.end();
  await once(child, "exit");
  t.equal(readFileSync(called, "utf8"), "link del wg9\n");
});
