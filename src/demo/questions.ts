import { ACTIVITIES, type Activity, type Span } from "../emulator/plan.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { shuffle } from "../leakage/shuffle.js";
import { SeededRandom } from "../random/seeded-random.js";
import { formatDuration } from "../time/duration.js";
import { micros, seconds, type Micros } from "../time/micros.js";

/** Before the first question: connections are made and checked, which no question does. */
const LEAD = seconds(15);

/** Which questions an emulated speaker is asked, and how often. */
export interface QuestionsOptions {
  /** Activities of the emulator. */
  readonly classes: readonly string[];
  readonly every: Micros;
  readonly duration: Micros;
  readonly seed: string;
}

/** Questions of several classes in rounds of one each, in a drawn order: so neither the hour nor the neighbour tells a class. */
export class Questions {
  readonly classes: readonly Activity[];
  /** When each is asked, behind the speaker's start. */
  readonly spans: readonly Span[];

  /** Throws `usage` where there is no room for a round, or a class is none. */
  constructor({ classes, every, duration, seed }: QuestionsOptions) {
    this.classes = classes.map((name) => {
      const found = ACTIVITIES.find((known) => known === name);
      if (found === undefined) throw wrong(`there is no activity "${name}"; there are ${ACTIVITIES.join(", ")}`);
      return found;
    });
    if (new Set(classes).size < 2 || new Set(classes).size < classes.length)
      throw wrong("to tell questions apart takes two classes or more, each named once");
    const rounds = Math.floor((duration - LEAD) / (every * classes.length));
    if (rounds < 1)
      throw wrong(
        `${formatDuration(duration)} have no room for ${classes.length} questions, each ${formatDuration(every)}`,
      );
    const random = new SeededRandom(seed, "questions");
    const asked = Array.from({ length: rounds }, () => shuffle([...this.classes], random)).flat();
    this.spans = asked.map((activity, i) => {
      const from = LEAD + i * every;
      return { activity, from: micros(from), to: micros(from + every) };
    });
  }

  /** The list as the emulated speaker takes it. */
  get mixture(): string {
    const stretches = this.spans.map(({ activity, from, to }) => `${activity}:${formatDuration(micros(to - from))}`);
    return [`idle:${formatDuration(LEAD)}`, ...stretches].join(",");
  }
}

function wrong(what: string): HushboxError {
  return new HushboxError("usage", what);
}
