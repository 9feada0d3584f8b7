import { spawnSync } from "node:child_process";
import { which } from "../../src/emulator/command.js";

/** Why a test that needs Prometheus is skipped; false where it can run. */
export const noPrometheus: string | false =
  which("promtool") !== null && which("prometheus") !== null
    ? false
    : "needs prometheus and promtool (apt-get install --no-install-recommends prometheus)";

/** Runs promtool; answers its exit status and all that it said. */
export function promtool(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync("promtool", args, { encoding: "utf8" });
  return { status, said: `${stdout}${stderr}`.trim() };
}
