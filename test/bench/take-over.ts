// What a take-over, an end, a hang and kill -9 cost a stream of 1000 datagrams a second through a bridge: npm run bench:take-over -- --help
//
//     speaker eth0 ── in0 box(br0, hushbox run) out0 ── lan0 router
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { tool } from "../../src/emulator/command.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { PacedStream, type StreamFate } from "../support/paced-stream.js";
import { pause } from "./child.js";
import { numbersOf } from "./numbers-of.js";

const HELP = `usage: npm run bench:take-over -- [--rounds N]

What a stream of 1000 datagrams a second through a bridge loses when hushbox takes it over, ends, hangs or is killed. Needs root.

  --rounds N   how often each of them happens (20)`;

const { rounds } = numbersOf(HELP, { rounds: 20 });
const directory = mkdtempSync(join(tmpdir(), "hushbox-take-over-"));
const laboratory = await Laboratory.build({ name: "hx-bench", state: join(directory, "laboratory"), mode: "direct" });
const { speaker, router } = laboratory.namespaces;

/** What becomes of the stream while something happens to the box. */
async function during(act: () => Promise<unknown>): Promise<StreamFate> {
  const stream = await PacedStream.start(speaker, router, { address: TOPOLOGY.router.v4, port: 4000 });
  await pause(300);
  await act();
  await pause(300);
  return stream.end();
}

function told(what: string, fates: readonly StreamFate[]): void {
  const lost = fates.map((fate) => fate.lost).sort((a, b) => a - b);
  const twice = fates.reduce((sum, fate) => sum + fate.duplicated, 0);
  const median = lost[lost.length >> 1] ?? 0;
  process.stdout.write(
    `${what.padEnd(9)} lost ${median} in the median of ${lost.length}, ${lost.at(-1) ?? 0} at most; ${twice} came twice\n`,
  );
}

try {
  const fates: Record<"start" | "kill -9" | "hang" | "SIGTERM", StreamFate[]> = {
    ...{ start: [], "kill -9": [], hang: [], SIGTERM: [] },
  };
  await laboratory.run("speaker", [tool("ping"), "-c2", "-i0.2", TOPOLOGY.router.v4]);
  for (let round = 0; round < rounds; round++) {
    for (const end of ["kill -9", "SIGTERM"] as const) {
      const started: { box?: LaboratoryBox } = {};
      const start = async (): Promise<void> => {
        started.box = await LaboratoryBox.start(laboratory, join(directory, "box"), { preset: "off" });
      };
      fates.start.push(await during(start));
      const { box } = started;
      if (box === undefined) throw new Error("hushbox did not start");
      if (end === "SIGTERM") {
        const hang = async (): Promise<void> => {
          process.kill(box.child.pid, "SIGSTOP");
          await pause(1200);
          process.kill(box.child.pid, "SIGCONT");
        };
        fates.hang.push(await during(hang));
      }
      fates[end].push(await during(() => (end === "kill -9" ? box.kill() : box.stop())));
    }
  }
  process.stdout.write(`load ${loadavg()[0]?.toFixed(1) ?? ""}; a datagram a millisecond\n`);
  for (const [what, all] of Object.entries(fates)) told(what, all);
} finally {
  await laboratory.remove();
  rmSync(directory, { recursive: true, force: true });
}
