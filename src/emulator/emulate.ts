import { parseArgs } from "node:util";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { DURATION_PATTERN, parseDuration } from "../time/duration.js";
import type { Micros } from "../time/micros.js";
import { runCloud } from "./cloud.js";
import { DEFAULT_MIXTURE, fittingScale, makePlan, only, type PlanOptions, type Stretch } from "./make-plan.js";
import { ACTIVITIES, type Activity } from "./plan.js";
import { printLine } from "./report.js";
import { runSpeaker } from "./speaker.js";
import { labels, writeCapture } from "./synthesis.js";
import { TOPOLOGY } from "./topology.js";

/** What `--help` prints. */
export const HELP = `Usage: hushbox emulate speaker|cloud [options]
       hushbox emulate pcap FILE [options]

A smart speaker and its cloud, as programs in network namespaces. Each prints a line of JSON for each transfer
and a summary; the exit status is 1 where a transfer was bad (a wrong byte) or failed.

  speaker              carries out a plan on real sockets; prints {"began":MS since 1970} first
  cloud                answers it, until it gets SIGTERM; prints {"ready":true} when it can be asked
  pcap FILE            writes the same plan as a capture, without a network; the same seed gives the same bytes

  --seed TEXT          the same seed gives the same plan (default 1)
  --duration TIME      how long, as 60s or 10min (default 60s)
  --activity NAME      one of ${ACTIVITIES.join(", ")}; queries come every 30 s
  --mixture LIST       such as idle:10s,travel:15s,media:30s, repeated; default: every activity within a minute
  --scale NUMBER       factor on all times; default: 1, less where the mixture would not fit into the duration
  --interface NAME     the speaker's interface (default ${TOPOLOGY.speaker.interface})
  --patience TIME      how late an answer may be (default 10s)
  --json               pcap: print what was written, with the activities and their times, as JSON

Examples:
  hushbox emulate speaker --duration 60s --activity travel --seed 7
  hushbox emulate pcap speaker.pcap --duration 10min --mixture idle:30s,media:30s
`;

const OPTIONS = {
  seed: { type: "string", default: "1" },
  duration: { type: "string", default: "60s" },
  activity: { type: "string" },
  mixture: { type: "string" },
  scale: { type: "string" },
  interface: { type: "string", default: TOPOLOGY.speaker.interface },
  patience: { type: "string", default: "10s" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** `hushbox emulate …`: answers the exit status. Wrong use is a HushboxError with the code `usage`. */
export async function emulateCommand(args: string[]): Promise<number> {
  const { values, positionals } = parsed(args);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [what, ...more] = positionals;
  if (what === "pcap") return pcap(more, planOptions(values), values.json);
  if (more.length > 0) throw usage(`unexpected argument ${more.join(" ")}`);
  const stop = new AbortController();
  const end = (): void => {
    stop.abort();
  };
  process.once("SIGTERM", end).once("SIGINT", end);
  try {
    switch (what) {
      case "cloud":
        return await runCloud({ print: printLine, signal: stop.signal });
      case "speaker": {
        const patience = duration("patience", values.patience) / 1000;
        const rest = { interface: values.interface, patience, print: printLine, signal: stop.signal };
        return await runSpeaker({ ...planOptions(values), ...rest });
      }
      default:
        throw usage(
          what === undefined
            ? "what to emulate: speaker, cloud or pcap?"
            : `unknown part ${what}: speaker, cloud or pcap?`,
        );
    }
  } finally {
    process.removeListener("SIGTERM", end).removeListener("SIGINT", end);
  }
}

function pcap(files: string[], options: PlanOptions, json: boolean): number {
  const [file, ...more] = files;
  if (file === undefined || more.length > 0) throw usage("pcap: expected one file to write");
  const plan = makePlan(options);
  const written = writeCapture(plan, file);
  const device = { mac: TOPOLOGY.speaker.mac, addresses: [TOPOLOGY.speaker.v4, TOPOLOGY.speaker.v6] };
  if (json) printLine({ file, seed: plan.seed, ...written, device, activities: labels(plan) });
  else {
    const { packets, bytes, seconds } = written;
    process.stdout.write(
      `${file}: ${String(packets)} packets, ${String(bytes)} bytes, ${seconds.toFixed(1)} s; the speaker is ${device.mac}\n`,
    );
  }
  return 0;
}

/** What a plan is made from, out of the command line. */
function planOptions(values: {
  seed: string;
  duration: string;
  activity?: string;
  mixture?: string;
  scale?: string;
}): PlanOptions {
  const length = duration("duration", values.duration);
  if (length <= 0) throw usage("--duration is to be longer than 0");
  if (values.activity !== undefined && values.mixture !== undefined)
    throw usage("--activity and --mixture exclude each other");
  const mixture =
    values.mixture !== undefined
      ? stretches(values.mixture)
      : values.activity !== undefined
        ? only(activity(values.activity))
        : DEFAULT_MIXTURE;
  const scale =
    values.scale === undefined
      ? values.activity === undefined
        ? fittingScale(mixture, length)
        : 1
      : Number(values.scale);
  if (!(scale > 0 && scale <= 100)) throw usage(`--scale ${String(values.scale)}: expected a number above 0`);
  return { seed: values.seed, duration: length, mixture, scale };
}

function stretches(list: string): Stretch[] {
  return list.split(",").map((item) => {
    const [name = "", time = ""] = item.split(":");
    const seconds = duration("mixture", time) / 1e6;
    if (seconds <= 0) throw usage(`--mixture ${item}: expected a time above 0`);
    return { activity: activity(name), seconds };
  });
}

function activity(name: string): Activity {
  const found = ACTIVITIES.find((known) => known === name);
  if (found === undefined) throw usage(`unknown activity ${name}: one of ${ACTIVITIES.join(", ")}`);
  return found;
}

function duration(option: string, text: string): Micros {
  const value = new RegExp(DURATION_PATTERN).test(text) ? parseDuration(text) : null;
  if (value === null) throw usage(`--${option} ${text}: expected a time such as 60s or 500ms`);
  return value;
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw usage(messageOf(error));
  }
}

function usage(message: string): HushboxError {
  return new HushboxError("usage", `emulate: ${message}`);
}
