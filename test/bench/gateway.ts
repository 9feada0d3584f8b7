// How many boxes one gateway carries: npm run bench:gateway [-- --boxes 1,10,50,100,200 --levels idle,episode,always --seconds 10 --only alone,live --json]
//
//     [ns: boxes (one process: N schedules, N WireGuard sessions), world] ── veth ── [ns: gateway: hushbox run, WireGuard]
//
// `alone`: the datapath on virtual time, without cards and WireGuard. `live`: everything, with wireguard-go where the kernel has no WireGuard.
import { parseArgs } from "node:util";
import { alone, type AloneResult } from "./gateway/alone.js";
import { LEVELS, type Level } from "./gateway/levels.js";
import { LiveGateway, type LiveResult } from "./gateway/live.js";
import { machine } from "./machine.js";
import { say } from "./say.js";

/** Virtual seconds: some heartbeats; else an episode, and enough carriers of few boxes. */
const ALONE_SECONDS = { idle: 100, episode: 6, always: 3 } as const;
const BOX_SECONDS = 200;

const { values } = parseArgs({
  options: {
    boxes: { type: "string", default: "1,10,50,100,200" },
    levels: { type: "string", default: LEVELS.join() },
    seconds: { type: "string", default: "10" },
    only: { type: "string", default: "alone,live" },
    json: { type: "boolean", default: false },
  },
});
const numbers = values.boxes.split(",").map(Number);
const levels = values.levels.split(",").filter((level): level is Level => LEVELS.includes(level as Level));
const runs = levels.flatMap((level) => numbers.map((boxes) => ({ level, boxes })));
const parts = values.only.split(",");

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
      const result = await LiveGateway.measure(boxes, level, Number(values.seconds));
      say(JSON.stringify(result));
      live.push(result);
    } catch (error) {
      say(`not managed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
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
