import { parseArgs } from "node:util";
import { isPreset, PRESET_NAMES, PRESETS } from "../defense/presets.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { shape, type ShapeReport } from "../lab/shape.js";
import type { Command } from "./command.js";
import { Progress } from "./progress.js";

/** `hushbox shape`: a capture through the datapath. */
export const command: Command = {
  summary: "pass a capture through the defenses, as an observer outside would have recorded it",
  usage: `Usage: hushbox shape IN OUT --preset P --device ADDR [--seed S] [--observer lan|wan] [--json]

Passes the capture IN (pcap or pcapng, Ethernet) through the same datapath as the daemon's, on the capture's
own time, and writes to OUT what an observer outside the box would have recorded. The same seed
gives the same bytes.

  --preset P      ${PRESET_NAMES.map((name) => `${name}: ${PRESETS[name].summary}`).join("\n                  ")}
  --device ADDR   the device's MAC address, or one of its IP addresses
  --seed S        any text; decides every draw (default 1)
  --observer O    lan: on the link from box to router, every frame with its trailer (default)
                  wan: behind the router, IP packets without trailers; what stays in the local network or dies
                  at the router is left out. Addresses stay as they are.
                  Both see what comes down as it came, before the box; what answers decoys and padding is not made up
  --json          print counts, overhead, added delay and drops as one object

Example:
  hushbox shape speaker.pcap defended.pcap --preset paper --seed 7 --device 192.168.77.10 --observer wan --json
`,
  run,
};

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      preset: { type: "string" },
      device: { type: "string" },
      seed: { type: "string", default: "1" },
      observer: { type: "string", default: "lan" },
      json: { type: "boolean", default: false },
    },
  });
  const [input, output, ...more] = positionals;
  if (input === undefined || output === undefined || more.length > 0) throw wrong("it takes two files, IN and OUT");
  const { preset, device, seed, observer, json } = values;
  if (preset === undefined) throw wrong("--preset is missing");
  if (!isPreset(preset)) throw wrong(`there is no preset "${preset}"; there are ${PRESET_NAMES.join(", ")}`);
  if (device === undefined) throw wrong("--device is missing: the device's MAC or IP address");
  if (observer !== "lan" && observer !== "wan") throw wrong(`--observer is lan or wan, not "${observer}"`);

  const progress = new Progress("hushbox shape");
  const report = await shape({ input, output, preset, seed, device, observer }, (packets) => {
    progress.tell((seconds) => `${packets} packets, ${Math.round(packets / seconds).toLocaleString("en")} packets/s`);
  });
  console.log(json ? JSON.stringify(report) : inWords(report, output));
  return 0;
}

function inWords(report: ShapeReport, output: string): string {
  const { in: before, out: after, overhead, added_delay_ms: delay, drops, decoys } = report;
  const side = (name: "up" | "down"): string =>
    `${name.padEnd(5)} ${before[name].packets} packets, ${before[name].bytes} bytes -> ${after[name].packets} packets, ${after[name].bytes} bytes`;
  const some = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .filter(([, n]) => n > 0)
      .map(([name, n]) => `${name} ${n}`)
      .join(", ") || "none";
  return [
    `${output}: ${report.seconds.toFixed(1)} s of ${report.device} as seen at ${report.observer}, preset ${report.preset}, seed ${report.seed}`,
    side("up"),
    side("down"),
    `overhead  ${(overhead.bytes * 100).toFixed(1)} % of bytes, ${(overhead.packets * 100).toFixed(1)} % of packets`,
    `delay up  p50 ${delay.p50.toFixed(2)} ms, p99 ${delay.p99.toFixed(2)} ms`,
    `decoys    ${some(decoys)}`,
    `drops     ${some(drops)}`,
  ].join("\n");
}

function wrong(what: string): HushboxError {
  return new HushboxError("usage", what);
}
