import { SeededRandom } from "../random/seeded-random.js";
import { micros, seconds, type Micros } from "../time/micros.js";
import { background, listening, noise } from "./background.js";
import { QUERY_PERIOD } from "./calibration.js";
import { Draft } from "./draft.js";
import { lasting, type Activity, type Pace, type Plan, type Span, type Step } from "./plan.js";
import { media, travel, utility } from "./queries.js";

/** A stretch of a mixture, in seconds. */
export interface Stretch {
  activity: Activity;
  seconds: number;
}

/** Touches every activity once in a minute; repeated while a plan lasts. A media query takes about 16 s to the end of its stream. */
export const DEFAULT_MIXTURE: readonly Stretch[] = [
  { activity: "idle", seconds: 6 },
  { activity: "microphone", seconds: 5 },
  { activity: "noise", seconds: 6 },
  { activity: "utility", seconds: 10 },
  { activity: "travel", seconds: 12 },
  { activity: "media", seconds: 21 },
];

export interface PlanOptions {
  /** Same seed, same plan. */
  seed: string;
  duration: Micros;
  mixture: readonly Stretch[];
  /** Factor on all times: 0.5 does the same in half the time. */
  scale: number;
}

/** The scale at which a mixture fits into a duration; 1 where it does anyway. */
export function fittingScale(mixture: readonly Stretch[], duration: Micros): number {
  const whole = mixture.reduce((sum, stretch) => sum + stretch.seconds, 0);
  return Math.min(1, duration / seconds(whole));
}

/** One activity over and over; queries come every 30 s. */
export function only(activity: Activity): Stretch[] {
  return [{ activity, seconds: QUERY_PERIOD }];
}

/** Draws a plan. Each part has a stream of draws of its own, so that a longer plan begins like the shorter one of the same seed. */
export function makePlan({ seed, duration, mixture, scale }: PlanOptions): Plan {
  const until = duration / scale / 1e6;
  const { spans, steps } = planOf(seed, until, (draft) => mixed(draft, seed, mixture, until));
  return {
    seed,
    home: seed,
    duration,
    spans: spans.map((span) => scaledSpan(span, scale)),
    steps: steps.map((step) => scaled(step, scale)),
  };
}

/** The background of so many seconds, and what `fill` adds to it; `fill` answers the spans of what it added. `home`: see Plan. */
export function planOf(seed: string, until: number, fill: (draft: Draft) => Span[], home = seed): Plan {
  const draft = new Draft(new SeededRandom(home, "families"));
  background(draft, (name) => new SeededRandom(seed, name), until);
  const spans = fill(draft);
  return { seed, home, duration: seconds(until), spans, steps: finished(draft.steps, seconds(until)) };
}

function mixed(draft: Draft, seed: string, mixture: readonly Stretch[], until: number): Span[] {
  const spans: Span[] = [];
  let from = 0;
  for (let i = 0; from < until && mixture.length > 0; i++) {
    const stretch = mixture[i % mixture.length];
    if (stretch === undefined || stretch.seconds <= 0) break;
    const to = Math.min(until, from + stretch.seconds);
    act(draft, new SeededRandom(seed, `stretch ${String(i)}`), stretch.activity, from, to);
    spans.push({ activity: stretch.activity, from: seconds(from), to: seconds(to) });
    from = to;
  }
  return spans;
}

function act(draft: Draft, random: SeededRandom, activity: Activity, from: number, to: number): void {
  // A query starts a little after its stretch does, so that two runs are not aligned to the packet.
  const begin = from + 0.3 + (random.word() / 2 ** 32) * 0.4;
  switch (activity) {
    case "idle":
      return;
    case "microphone":
      listening(draft, random, from, to);
      return;
    case "noise":
      noise(draft, random, from, to);
      return;
    case "media":
      media(draft, random, begin);
      return;
    case "travel":
      travel(draft, random, begin);
      return;
    case "utility":
      utility(draft, random, begin);
  }
}

/** Puts steps in order, drops what would begin after the end, adds keep-alives, and closes at the end what is still open. */
function finished(drafted: Step[], until: Micros): Step[] {
  const steps = drafted.filter(({ at }) => at <= until);
  steps.push(...keepAlives(steps, until));
  const open = new Set<number>();
  for (const step of steps) if (step.action === "connect") open.add(step.connection);
  for (const step of steps) if (step.action === "close") open.delete(step.connection);
  for (const connection of open) steps.push({ at: until, activity: "idle", action: "close", connection });
  // Sorting is stable: steps of the same moment stay in the order in which they were drafted.
  return numbered(steps.sort((a, b) => a.at - b.at));
}

/** Numbers the connections in the order in which they are opened. */
function numbered(steps: Step[]): Step[] {
  const numbers = new Map<number, number>();
  for (const step of steps) if (step.action === "connect") numbers.set(step.connection, numbers.size);
  return steps.map((step) =>
    "connection" in step ? { ...step, connection: numbers.get(step.connection) ?? step.connection } : step,
  );
}

/** The probes that the kernel will send on idle TCP connections: two frames each, one either way. */
function keepAlives(steps: readonly Step[], until: Micros): Step[] {
  const probes: Step[] = [];
  for (const begun of steps) {
    if (begun.action !== "connect" || begun.keepAlive === 0) continue;
    const { connection, keepAlive } = begun;
    let idleFrom: number = begun.at;
    const probe = (to: number): void => {
      for (let at = idleFrom + keepAlive; at < to; at += keepAlive) {
        probes.push({ at: micros(at), activity: "idle", action: "probe", connection });
      }
    };
    for (const step of steps) {
      if (step.action !== "transfer" || step.connection !== connection) continue;
      probe(step.at);
      idleFrom = step.at + lasting(step.up) + step.wait + lasting(step.down);
    }
    probe(until);
  }
  return probes;
}

function scaledSpan({ activity, from, to }: Span, scale: number): Span {
  return { activity, from: times(from, scale), to: times(to, scale) };
}

function scaled(step: Step, scale: number): Step {
  const at = times(step.at, scale);
  switch (step.action) {
    case "transfer":
      return { ...step, at, up: paces(step.up, scale), down: paces(step.down, scale), wait: times(step.wait, scale) };
    case "connect":
      return { ...step, at, keepAlive: times(step.keepAlive, scale) };
    case "ping":
      return { ...step, at, every: times(step.every, scale) };
    default:
      return { ...step, at };
  }
}

function paces(list: readonly Pace[], scale: number): Pace[] {
  return list.map((pace) => ({ ...pace, span: times(pace.span, scale) }));
}

function times(value: Micros, scale: number): Micros {
  return micros(Math.round(value * scale));
}
