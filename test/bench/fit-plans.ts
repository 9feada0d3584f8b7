// Fits the shortest plan of episodes to captures: which schedules let the first audio of an answer be at most 250 ms later, what 100 of them a
// day cost, and what the number of plans that run tells of the class.
//   node build/test/bench/fit-plans.js MANIFEST TASK [CAPTURE DEVICE]... [-- NAME.KEY=VALUE,...]...
import type { EpisodeOptions } from "../../src/defense/options.js";
import { PRESETS } from "../../src/defense/presets.js";
import { overlayDefenses } from "../../src/defense/schema.js";
import { Dataset } from "../../src/lab/dataset/dataset.js";
import { passCapture } from "../../src/lab/passage.js";
import { commonSpan } from "../../src/lab/tunnel/common-span.js";
import { scheduleBound, type Schedule } from "../../src/lab/tunnel/schedule-bound.js";
import { defensesSet } from "../../src/main/defenses-set.js";
import { findMac } from "../../src/nic/device-match.js";
import { NEVER } from "../../src/time/micros.js";
import { goesOn } from "../../src/tunnel/cost.js";

const GOAL = 250;

/** The accuracy of who tells a real stretch from a decoy, as often met, by how many plans it has: all that differs. */
function realOrDecoy(schedules: readonly Schedule[], options: EpisodeOptions): number {
  const lengths = schedules.flatMap(({ plans }) => plans);
  let chance = 1;
  let distance = 0;
  for (let length = 1; length <= 20; length++) {
    const on = goesOn(options, Math.min(length - 1, options.plans - 1));
    distance += Math.abs(lengths.filter((own) => own === length).length / lengths.length - chance * (1 - on));
    chance *= on;
  }
  return 0.5 + distance / 4;
}

const args = process.argv.slice(2);
const dash = args.indexOf("--");
const [manifest = "", taskName = "", ...captures] = dash === -1 ? args : args.slice(0, dash);
const settings = dash === -1 ? [""] : args.slice(dash + 1);

const dataset = Dataset.open(manifest);
const task = dataset.task(taskName);
const span = commonSpan(task);
console.log(
  "GB a month of 100 a day | answers | at most 250 ms | p50, most ms | others | borders that went on | real or decoy | bound | setting",
);
for (const setting of settings) {
  const set = defensesSet(setting === "" ? [] : setting.split(","));
  const defenses = { ...set, episode: { ...set.episode, decoys: false } };
  const options = overlayDefenses(PRESETS.paired.defenses, defenses).episode;
  const audio: number[] = [];
  const schedules: Schedule[] = [];
  let month = 0;
  const went: [number, number][] = [];
  for (const { entry, class: own } of task.members) {
    const device = dataset.deviceOf(entry);
    const given = { preset: "paired", defenses, seed: `1 ${entry.file}`, device, vantage: "beyond", span } as const;
    const { tunnel } = await passCapture({ ...given, input: entry.path }, () => ({ saw: () => undefined }));
    if (tunnel === null) continue;
    const { most } = tunnel.first_audio_ms;
    if (most !== null) audio.push(most);
    month = tunnel.month.bytes;
    schedules.push({ class: own, plans: tunnel.leak.plans });
    for (const plans of tunnel.leak.plans)
      for (let i = 0; i < plans; i++) {
        const at = (went[i] ??= [0, 0]);
        at[1]++;
        if (i < plans - 1) at[0]++;
      }
  }
  const others: number[] = [];
  for (let i = 0; i < captures.length; i += 2) {
    const [input = "", address = ""] = captures.slice(i);
    const device = findMac(input, address) ?? 0;
    const { tunnel } = await passCapture(
      { preset: "paired", defenses, seed: "1", device, vantage: "beyond", span: NEVER, input },
      () => ({ saw: () => undefined }),
    );
    others.push(tunnel?.first_audio_ms.most ?? NaN);
  }
  audio.sort((a, b) => a - b);
  const good = audio.filter((ms) => ms <= GOAL).length / audio.length;
  console.log(
    [
      (month / 1e9).toFixed(2),
      audio.length,
      good.toFixed(3),
      `${(audio[audio.length >> 1] ?? NaN).toFixed(0)}, ${(audio.at(-1) ?? NaN).toFixed(0)}`,
      others.map((ms) => ms.toFixed(0)).join(" "),
      went
        .slice(0, 4)
        .map(([on, all]) => (on / all).toFixed(2))
        .join(" "),
      realOrDecoy(schedules, options).toFixed(3),
      scheduleBound(task.classes.length, schedules)?.toFixed(3),
      setting,
    ].join(" | "),
  );
}
