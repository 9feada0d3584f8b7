import { uniform, type Random } from "../random/random.js";
import { SeededRandom } from "../random/seeded-random.js";
import { seconds } from "../time/micros.js";
import { MICROPHONE, NOISE, QUERY_PERIOD, TCP_PAYLOAD, VOICE_CHUNK, type Range } from "./calibration.js";
import { pace, whole, within, type Draft } from "./draft.js";
import { planOf } from "./make-plan.js";
import type { Activity, Plan, Span } from "./plan.js";
import { report } from "./queries.js";
import { ask } from "./questions.js";

/** What a session is labelled with. */
export type SessionLabel = "off" | "on" | "noise" | "media" | "travel" | "utility";

/** The paper's three tasks and their classes. */
export const SCENARIOS = {
  "mic-on-off": ["off", "on"],
  "mic-on-noise": ["on", "noise"],
  queries: ["media", "travel", "utility"],
} as const satisfies Record<string, readonly SessionLabel[]>;
export type ScenarioName = keyof typeof SCENARIOS;

/** How a day of one class is spent: sessions, each one capture. */
export interface Timetable {
  readonly sessionsADay: number;
  /** Seconds. */
  readonly length: number;
}

/**
 * Questions come in sessions of 57, one every 30 s (the paper), eight a day: 3 days are 1,368 questions a class, which
 * gives the paper's number of packets. The microphone's states last all day.
 */
export const TIMETABLES: Readonly<Record<ScenarioName, Timetable>> = {
  "mic-on-off": { sessionsADay: 12, length: 7_200 },
  "mic-on-noise": { sessionsADay: 12, length: 7_200 },
  queries: { sessionsADay: 8, length: 57 * QUERY_PERIOD },
};

/**
 * Seconds between two events of a session, on average (A: no data; chosen so that a session may be lively or nearly silent, as rooms are).
 * Each session has an average of its own, drawn evenly in its logarithm; the gaps around it are exponential.
 */
export const LIVELINESS = {
  /** A microphone that is on reports what it nearly took for its name. */
  report: [30, 600],
  /** The same beside a radio or television. */
  noisyReport: [20, 300],
  /** Woken in error by it. */
  wake: [90, 1_800],
} as const satisfies Record<string, Range>;

const ACTIVITY: Readonly<Record<SessionLabel, Activity>> = {
  off: "idle",
  on: "microphone",
  noise: "noise",
  media: "media",
  travel: "travel",
  utility: "utility",
};

/** What the speaker does in one session of so many seconds, in a home that many sessions share. Same seeds, same plan. */
export function sessionPlan(label: SessionLabel, seed: string, home: string, length: number): Plan {
  const filled = (draft: Draft): Span[] => {
    fill(draft, label, (name) => new SeededRandom(seed, name), length);
    return [{ activity: ACTIVITY[label], from: seconds(0), to: seconds(length) }];
  };
  return planOf(seed, length, filled, home);
}

function fill(draft: Draft, label: SessionLabel, streams: (name: string) => Random, length: number): void {
  switch (label) {
    case "off":
      return;
    case "on":
      reports(draft, streams("near misses"), "microphone", LIVELINESS.report, length);
      return;
    case "noise":
      reports(draft, streams("near misses"), "noise", LIVELINESS.noisyReport, length);
      wakes(draft, streams("wakes"), length);
      return;
    default: {
      const random = streams("questions");
      for (let turn = 0; turn + QUERY_PERIOD <= length; turn += QUERY_PERIOD) {
        // The talker is no clockwork: a question begins within the first second of its turn, and leaves the rest to its end.
        ask(draft, random, label, turn + 0.3 + uniform(random) * 0.7);
      }
    }
  }
}

function reports(draft: Draft, random: Random, activity: Activity, average: Range, length: number): void {
  for (const at of moments(random, average, length)) {
    const up = whole(random, MICROPHONE.reportUp);
    report(draft, at, activity, { up, down: whole(random, MICROPHONE.reportDown), span: 0.2 });
  }
}

function wakes(draft: Draft, random: Random, length: number): void {
  for (const at of moments(random, LIVELINESS.wake, length)) {
    const up = [pace(whole(random, NOISE.frameBytesUp), within(random, NOISE.seconds), VOICE_CHUNK)];
    const down = [pace(whole(random, NOISE.answerBytes), 0, TCP_PAYLOAD)];
    draft.visit(at, "noise", "tls", "voice", { up, down, wait: within(random, NOISE.answerAfter) }, 1);
  }
}

/** Moments of a Poisson process whose mean gap is drawn for the session. */
function* moments(random: Random, [low, high]: Range, length: number): Generator<number> {
  const average = low * (high / low) ** uniform(random);
  for (let at = 1; ;) {
    at += -Math.log(1 - uniform(random)) * average;
    if (at >= length - 5) return;
    yield at;
  }
}
