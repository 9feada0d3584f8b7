import { setTimeout as sleep } from "node:timers/promises";
import { command, tool } from "./command.js";

/**
 * Sends `count` echo requests, `every` ms apart, and answers how many were answered within `patience` ms each, with what ping said. Each by a
 * program of its own: ping(8), once it has an answer, waits for those that are still out two round trips only, and what waits for slots may
 * come back fast once and late the next time.
 */
export async function pings(
  address: string,
  { count, every, patience }: { readonly count: number; readonly every: number; readonly patience: number },
): Promise<{ readonly received: number; readonly said: string }> {
  const one = async (i: number): Promise<{ stdout: string; stderr: string }> => {
    await sleep(i * every);
    const once = ["-n", "-q", "-c", "1", "-W", (patience / 1000).toFixed(1), address];
    return command(tool("ping"), once, { timeout: patience + 5000 });
  };
  const all = await Promise.all(Array.from({ length: count }, (_, i) => one(i)));
  // ping compares what comes back with what it sent.
  const good = all.filter(({ stdout }) => /, 1 received/.test(stdout) && !/wrong data|corrupted/.test(stdout));
  return {
    received: good.length,
    said: all
      .map(({ stderr }) => stderr.trim())
      .join(" ")
      .trim(),
  };
}
