import { integer, type Random } from "../random/random.js";
import type { Range } from "./calibration.js";
import { one, type Draft } from "./draft.js";
import type { EndpointName } from "./endpoints.js";
import { answered, media } from "./queries.js";

/** One question of a class: bytes of its speech up and of its answer down. */
interface Question {
  readonly up: Range;
  readonly down: Range;
}

/**
 * The questions of a class, with the least and the most of five invocations each (4 M on an Echo: the CSV traces, bytes of IP
 * packets by direction). Asked of a Google Home Mini they are assumed to be as large.
 */
export const QUESTIONS: Readonly<Record<"travel" | "utility", readonly [Question, ...Question[]]>> = {
  travel: [
    { up: [56_200, 73_200], down: [66_900, 95_500] }, // traffic report
    { up: [57_800, 71_300], down: [77_300, 88_400] }, // weather
    { up: [58_200, 72_500], down: [27_900, 83_000] }, // weather on Sunday
    { up: [71_300, 94_100], down: [50_900, 56_600] }, // weather at the weekend
    { up: [45_000, 58_200], down: [46_300, 53_200] }, // rain tomorrow
  ],
  utility: [
    { up: [52_400, 75_700], down: [22_300, 26_500] }, // flip a coin
    { up: [53_100, 64_600], down: [31_200, 37_300] }, // pick a number
    { up: [64_300, 140_400], down: [26_900, 46_000] }, // set a timer
    { up: [59_800, 72_100], down: [10_300, 17_700] }, // set the volume
    { up: [14_000, 52_800], down: [1_100, 26_300] }, // what time is it
  ],
};

/**
 * All else about a spoken question, the same for both classes (A): nothing but the measured sizes tells them apart. Bytes of telemetry and
 * short connections are what brings media : travel : utility near the 8 : 1.3 : 1 packets of the paper.
 */
export const MANNER = {
  seconds: [2.5, 4],
  answerAfter: [0.2, 0.9],
  answerSeconds: [0.4, 1.2],
  telemetryUp: [12_000, 20_000],
  telemetryDown: [1_500, 3_000],
} as const;
/** Short connections beside a question (A). */
const SET_UPS: Range = [0, 1];
const HOSTS: [EndpointName, ...EndpointName[]] = ["home", "messaging", "static"];

/** Asks one question of a class, drawn among its questions, at `at` seconds. */
export function ask(draft: Draft, random: Random, kind: "media" | "travel" | "utility", at: number): void {
  if (kind === "media") {
    media(draft, random, at);
    return;
  }
  const { up, down } = one(random, QUESTIONS[kind]);
  const setUps = integer(random, SET_UPS[0], SET_UPS[1]);
  answered(draft, random, at, kind, { ...MANNER, frameBytesUp: up, answerBytes: down, setUps }, HOSTS);
}
