// How many boxes one gateway carries: npm run bench:gateway -- --help
//
//     [ns: boxes (one process: N schedules, N WireGuard sessions), world] ── veth ── [ns: gateway: hushbox run, WireGuard]
//
// `alone`: the datapath on virtual time, without cards and WireGuard. `live`: everything, with wireguard-go where the kernel has no WireGuard.
import { parseArgs } from "node:util";
import { messageOf } from "../../src/errors/message-of.js";
import { alone, type AloneResult } from "./gateway/alone.js";
import { LEVELS } from "./gateway/levels.js";
import { LiveGateway, type LiveResult } from "./gateway/live.js";
import { machine } from "./machine.js";
import { say } from "./say.js";

/** Virtual seconds: some heartbeats; else an episode, and enough carriers of few boxes. */
const ALONE_SECONDS = { idle: 100, episode: 6, always: 3 } as const;
const BOX_SECONDS = 200;

const PARTS = ["alone", "live"] as const;

const HELP = `usage: npm run bench:gateway -- [--boxes N,...] [--levels LEVEL,...] [--seconds N] [--only PART,...] [--json]

What a gateway costs by how many boxes it serves and what they do: carriers a second, share of a processor, how late they leave,
what is lost. Live runs need root.

  --boxes N,...       how many boxes (1,10,50,100,200)
  --levels LEVEL,...  what they do: ${LEVELS.join(", ")} (all of them)
  --seconds N         how long each live run is measured (10)
  --only PART,...     alone: the datapath on virtual time, without cards and WireGuard; live: hushbox run and WireGuard, with the
                      boxes in a namespace of their own (both)
  --json              one JSON object on standard output instead of tables

example: npm run bench:gateway -- --boxes 50 --levels episode --only live`;

/** The names of a list with commas; throws where one is not known. */
function named<Name extends string>(option: string, text: string, known: readonly Name[]): Name[] {
  return text.split(",").map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) throw new TypeError(`--${option} takes ${known.join(", ")}, not "${name}"`);
    return found;
  });
}

/** Whole numbers from 1 on, with commas. */
function wholeNumbers(option: string, text: string): number[] {
  return text.split(",").map((part) => {
    if (!/^[1-9][0-9]{0,5}$/.test(part))
      throw new TypeError(`--${option} takes whole numbers from 1 on, not "${part}"`);
    return Number(part);
  });
}

const percent = (share: number): string => (share * 100).toFixed(share < 0.1 ? 2 : 1);
const count = (value: number): string => Math.round(value).toLocaleString("en-US");

function rows(cells: readonly (readonly string[])[]): string {
  const [head = [], ...rest] = cells;
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  return [line(head), `| ${head.map((_, i) => (i === 1 ? "---" : "---:")).join(" | ")} |`, ...rest.map(line)].join(
    "\n",
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      boxes: { type: "string", default: "1,10,50,100,200" },
      levels: { type: "string", default: LEVELS.join() },
      seconds: { type: "string", default: "10" },
      only: { type: "string", default: PARTS.join() },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const numbers = wholeNumbers("boxes", values.boxes);
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= 3600)) throw new TypeError("--seconds takes a number from 1 to 3600");
  const parts = named("only", values.only, PARTS);
  const runs = named("levels", values.levels, LEVELS).flatMap((level) => numbers.map((boxes) => ({ level, boxes })));

  const isolated: AloneResult[] = [];
  if (parts.includes("alone")) {
    for (const { boxes, level } of runs) {
      say(`alone: ${boxes} boxes, ${level}`);
      isolated.push(alone(boxes, level, Math.max(ALONE_SECONDS[level], BOX_SECONDS / boxes)));
    }
  }
  const live: LiveResult[] = [];
  if (parts.includes("live")) {
    for (const { boxes, level } of runs) {
      say(`live: ${boxes} boxes, ${level}`);
      try {
        const result = await LiveGateway.measure(boxes, level, seconds);
        say(JSON.stringify(result));
        live.push(result);
      } catch (error) {
        say(`not managed: ${messageOf(error)}`);
      }
    }
  }

  if (values.json) console.log(JSON.stringify({ machine: machine(), alone: isolated, live }));
  else {
    console.log(machine());
    if (isolated.length > 0)
      console.log(
        rows([
          ["boxes", "level", "carriers/s, in and out", "% of a CPU", "a box", "µs a carrier"],
          ...isolated.map(({ boxes, level, carriers, cpu }) => [
            String(boxes),
            level,
            count(carriers),
            percent(cpu),
            percent(cpu / boxes),
            ((cpu / carriers) * 1e6).toFixed(1),
          ]),
        ]),
      );
    if (live.length > 0)
      console.log(
        rows([
          [
            "boxes",
            "level",
            "carriers/s up",
            "of them came",
            "down",
            "% of a CPU: hushbox",
            "WireGuard",
            "a box, both",
            "late p99, µs",
            "missed, dropped",
          ],
          ...live.map((run) => [
            run.up === run.boxes ? String(run.boxes) : `${run.boxes} (${run.up} up)`,
            run.level,
            count(run.sent),
            `${percent(run.came / Math.max(run.sent, 1e-9))} %`,
            count(run.received),
            percent(run.hushbox),
            percent(run.wireguard),
            percent((run.hushbox + run.wireguard) / run.boxes),
            run.late === null ? "–" : run.late.toFixed(0),
            `${run.missed}, ${run.dropped}`,
          ]),
        ]),
      );
  }
}

try {
  await main();
} catch (error) {
  say(`bench:gateway: ${messageOf(error)}`);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}
