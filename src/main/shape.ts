import { parseArgs } from "node:util";
import { isPreset, PRESET_NAMES, PRESETS } from "../defense/presets.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { shape, type ShapeReport } from "../lab/shape.js";
import type { TunnelReport } from "../lab/tunnel/tunnel-report.js";
import type { Command } from "./command.js";
import { defensesSet } from "./defenses-set.js";
import { Progress } from "./progress.js";

/** `hushbox shape`: a capture through the datapath. */
export const command: Command = {
  summary: "pass a capture through the defenses, as an observer outside would have recorded it",
  usage: `Usage: hushbox shape IN OUT --preset P --device ADDR [--seed S] [--observer lan|wan]
                            [--set NAME.KEY=VALUE]... [--json]

Passes the capture IN (pcap or pcapng, Ethernet) through the same datapath as the daemon's, on the capture's
own time, and writes to OUT what an observer outside the box would have recorded. The same seed
gives the same bytes.

  --preset P      ${PRESET_NAMES.map((name) => `${name}: ${PRESETS[name].summary}`).join("\n                  ")}
  --device ADDR   the device's MAC address, or one of its IP addresses
  --seed S        any text; decides every draw (default 1)
  --observer O    lan: on the link from box to router, every frame with its trailer (default)
                  wan: behind the router, IP packets without trailers; what stays in the local network or dies
                  at the router is left out. Addresses stay as they are.
                  Both see what comes down as it came, before the box; what answers decoys and padding is not made up.
                  Of tunnel and paired both see the packets between box and far end, whose schedule is run too
  --set N.K=V     another value than the preset's, as episode.always=true; as often as wanted
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
      set: { type: "string", multiple: true, default: [] },
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
  const defenses = defensesSet(values.set);
  const report = await shape({ input, output, preset, seed, device, observer, defenses }, (packets) => {
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
    ...(report.tunnel === null ? [] : tunnelInWords(report.tunnel)),
  ].join("\n");
}

function tunnelInWords(tunnel: TunnelReport): string[] {
  const {
    slots,
    empty,
    heartbeats,
    handshakes,
    episodes,
    down_delay_ms: down,
    first_audio_ms: audio,
    leak,
    month,
  } = tunnel;
  const ms = (value: number | null): string => (value === null ? "none" : `${value.toFixed(1)} ms`);
  return [
    `delay down p50 ${ms(down.p50)}, p99 ${ms(down.p99)}; first audio of ${audio.answers} answers p50 ${ms(audio.p50)}, most ${ms(audio.most)} later`,
    `slots     up ${slots.up}, ${empty.up} of them decoys; down ${slots.down}, ${empty.down} of them decoys; heartbeats ${heartbeats}, handshakes ${handshakes}`,
    `episodes  ${episodes.demand} for a demand, ${episodes.decoy} decoys, ${episodes.following} that followed another`,
    `leak      ${leak.starts.length} starts, and at most ${leak.bits.toFixed(1)} bits by plans (${leak.bits_an_episode.toFixed(1)} an episode)`,
    `month     ${(month.bytes / 1e9).toFixed(2)} GB ${month.episodes_a_day === null ? "without a pause" : `of ${month.episodes_a_day} episodes a day`}; the budget pays for ${month.decoys_a_day} decoys a day`,
  ];
}

function wrong(what: string): HushboxError {
  return new HushboxError("usage", what);
}
