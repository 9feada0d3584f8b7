import { constants } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { isPreset, PRESET_NAMES } from "../defense/presets.js";
import { Demo } from "../demo/demo.js";
import { Questions } from "../demo/questions.js";
import { passed } from "../demo/report.js";
import { StreamScreen } from "../demo/screen.js";
import { story, table } from "../demo/table.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { DURATION_PATTERN, parseDuration } from "../time/duration.js";
import { seconds, type Micros } from "../time/micros.js";
import { makeFolder } from "../lab/dataset/import-dataset.js";
import type { Command } from "./command.js";
import { defensesSet } from "./defenses-set.js";

/** `hushbox demo`: the whole thing in network namespaces. */
export const command: Command = {
  summary: "an emulated speaker behind hushbox in network namespaces, and what observers see of it",
  usage: `Usage: hushbox demo [--preset P] [--duration TIME] [--seed S] [--capture DIR] [--ask LIST] [options]

Builds speaker, box, router, provider and world in network namespaces, lets an emulated speaker talk to its cloud
through hushbox, and shows what an observer on the link to the router (lan) and one behind the router (wan)
make of it: the twelve features before and after, what it costs, and whether anything broke.
With tunnel and paired all of it goes through WireGuard, to a stock peer or to a hushbox with role gateway.
Needs root and Linux; touches nothing outside its namespaces. The API answers on a printed address meanwhile.

  --preset P        ${PRESET_NAMES.join(", ")} (default paper)
  --duration TIME   how long the speaker talks (default 60s)
  --seed S          the same seed gives the same plan of the speaker (default 1)
  --set N.K=V       another value than the preset's, as episode.always=true; as often as wanted. A tunnel has a slot
                    every 3 ms here (episode.up, episode.down), for a speaker that is asked everything within a minute
  --ask LIST        only questions of these classes, as media,travel,utility, in a drawn order
  --every TIME      one so often (default 30s)
  --capture DIR     captures go there: inside, in front of the box; lan, on the link to the router; wan, behind it.
                    With --ask a manifest of inside and of wan for hushbox attack, each question an entry
  --nic CARD        ring, or libpcap where the packages cap and raw-socket are built (default ring)
  --json            end with one object on standard output; everything else goes to standard error
  --keep            keep captures, configuration and logs; on a terminal, keep all running until Ctrl-C

The exit status is 1 where a transfer was broken, an answer to a decoy reached the speaker, or something left outside
a tunnel.

Example:
  sudo hushbox demo --preset paper --duration 30s
  sudo hushbox demo --preset paired --set episode.always=true --duration 20min --ask media,travel,utility --capture DIR
  hushbox attack DIR/wan.yaml
`,
  run,
};

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      preset: { type: "string", default: "paper" },
      duration: { type: "string", default: "60s" },
      seed: { type: "string", default: "1" },
      set: { type: "string", multiple: true, default: [] },
      ask: { type: "string" },
      every: { type: "string", default: "30s" },
      capture: { type: "string" },
      nic: { type: "string", default: "ring" },
      json: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
    },
  });
  const { preset, seed, nic: card, json, keep } = values;
  if (!isPreset(preset)) throw wrong(`there is no preset "${preset}"; there are ${PRESET_NAMES.join(", ")}`);
  if (card !== "ring" && card !== "libpcap") throw wrong(`--nic is ring or libpcap, not "${card}"`);
  const duration = durationOf("duration", values.duration);
  const every = durationOf("every", values.every);
  const classes = values.ask?.split(",").map((name) => name.trim());
  const questions = classes === undefined ? null : new Questions({ classes, every, duration, seed });
  const defenses = defensesSet(values.set);
  const captures = values.capture === undefined ? null : resolve(values.capture);
  const why = Demo.unavailable(preset);
  if (why !== null) throw new HushboxError(why.startsWith("needs root") ? "permission" : "host", why);

  if (captures !== null) makeFolder(captures);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      stop.abort(signal);
    });
  }
  const screen = new StreamScreen(process.stderr);
  const demo = new Demo(
    { preset, duration, seed, card, defenses, questions, captures, origin: `hushbox demo ${args.join(" ")}`, keep },
    screen,
    stop.signal,
  );
  try {
    const report = await demo.run();
    if (json) console.log(JSON.stringify(report));
    else console.log(["", ...table(report), "", ...story(report)].join("\n"));
    if (keep && process.stdin.isTTY && !stop.signal.aborted) {
      screen.say(`all of it keeps running, ${demo.url}/docs too, until Ctrl-C`);
      await new Promise((resolve) => {
        stop.signal.addEventListener("abort", resolve);
      });
    }
    return passed(report) ? 0 : 1;
  } catch (error) {
    if (stop.signal.aborted) return 128 + constants.signals[stop.signal.reason as NodeJS.Signals];
    throw error;
  } finally {
    await demo.end();
    if (keep) screen.say(`captures, configuration and logs are in ${demo.folder}`);
  }
}

function durationOf(option: string, text: string): Micros {
  const duration = new RegExp(DURATION_PATTERN).test(text) ? parseDuration(text) : null;
  if (duration === null || duration < seconds(1))
    throw wrong(`--${option} ${text}: expected a time of 1s or more, such as 60s or 5min`);
  return duration;
}

function wrong(what: string): HushboxError {
  return new HushboxError("usage", what);
}
