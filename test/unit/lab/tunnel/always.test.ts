// With one endless episode an observer sees the schedule and nothing else: whatever the device does, the same packets at the same times.
import { join } from "node:path";
import { test } from "tap";
import { makePlan, only } from "../../../../src/emulator/make-plan.js";
import { writeCapture } from "../../../../src/emulator/synthesis.js";
import { TOPOLOGY } from "../../../../src/emulator/topology.js";
import { Eyes } from "../../../../src/lab/eyes.js";
import { passCapture } from "../../../../src/lab/passage.js";
import { UP } from "../../../../src/packet/packet.js";
import { seconds } from "../../../../src/time/micros.js";
import { makeObserver } from "../../../../src/trace/make-observer.js";
import { parseMac } from "../../../../src/wire/ethernet.js";

test("always on, idle and media look the same to the microsecond", async (t) => {
  const folder = t.testdir();
  const device = parseMac(TOPOLOGY.speaker.mac) ?? 0;
  for (const preset of ["paired", "tunnel"] as const) {
    const seen = await Promise.all(
      (["idle", "media"] as const).map(async (activity) => {
        const input = join(folder, `${preset}-${activity}.pcap`);
        writeCapture(makePlan({ seed: activity, duration: seconds(40), mixture: only(activity), scale: 1 }), input);
        const found: string[] = [];
        const options = { preset, defenses: { episode: { always: true } }, seed: "1", vantage: "beyond" } as const;
        await passCapture({ ...options, input, device, span: seconds(120) }, (pool, local) => {
          const observer = makeObserver("stats", "beyond", local);
          const see = ({ at, direction, length }: typeof observer.observation): void => {
            // With a stock peer what comes down is as it was.
            if (preset === "paired" || direction === UP) found.push([at, direction, length].join(" "));
          };
          return new Eyes(pool.view, [{ observer, sink: { seen: see } }]);
        });
        return found;
      }),
    );
    const [idle = [], media = []] = seen;
    t.ok(idle.length > 7000, `${preset}: ${idle.length} packets`);
    t.same(media, idle);
  }
});
