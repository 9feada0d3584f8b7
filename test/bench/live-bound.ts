// The computed bound of a live capture behind a tunnel with episodes: which stretches ran while a question was asked, read off the outer packets.
//   node build/test/bench/live-bound.js DIR/wan.yaml
import { Dataset } from "../../src/lab/dataset/dataset.js";
import { scheduleBound, type Schedule } from "../../src/lab/tunnel/schedule-bound.js";
import { UP } from "../../src/packet/packet.js";
import { NEVER, micros, seconds } from "../../src/time/micros.js";
import { Observer } from "../../src/trace/observer.js";
import { Prefixes } from "../../src/wire/prefix.js";
import { PRESETS } from "../../src/defense/presets.js";

const { duration, plans: MOST } = PRESETS.paired.defenses.episode;
/** Slots that are so far apart belong to two stretches; heartbeats are 9.5 s apart. */
const APART = seconds(1);

/** How many plans ran behind one another in a stretch of such a length: each twice as long as the one before, the last again and again. */
function plansIn(length: number): number {
  let sum = 0;
  for (let n = 0; ; n++) {
    if (sum >= length - duration / 2) return n;
    sum += duration * 2 ** Math.min(n, MOST - 1);
  }
}

const [path = ""] = process.argv.slice(2);
const dataset = Dataset.open(path);
const { classes, members } = dataset.task("questions");
const [first] = members;
if (first === undefined) throw new Error(`${path}: there are no questions`);
const stretches: { from: number; to: number }[] = [];
let start = NaN;
const whole = { ...first.entry, from: micros(0), to: NEVER };
dataset.read(whole, new Observer("beyond", new Prefixes([])), {
  seen: ({ at, direction }) => {
    if (Number.isNaN(start)) start = at;
    if (direction !== UP) return;
    const last = stretches.at(-1);
    if (last === undefined || at - last.to > APART) stretches.push({ from: at, to: at });
    else last.to = at;
  },
});
const episodes = stretches.filter(({ from, to }) => plansIn(to - from) > 0);
const schedules = members.map(({ entry, class: own }): Schedule => {
  const ran = episodes.filter(({ from, to }) => from < start + entry.to && to > start + entry.from);
  // One that was running when the question was asked is told from one that began behind it.
  return { class: own, plans: ran.map(({ from, to }) => plansIn(to - from) * (from < start + entry.from ? -1 : 1)) };
});
console.log(
  `${members.length} questions, ${episodes.length} stretches, bound ${String(scheduleBound(classes.length, schedules)?.toFixed(3))}`,
);
for (const [i, { plans }] of schedules.entries()) console.log(members[i]?.entry.label, plans.join(" "));
