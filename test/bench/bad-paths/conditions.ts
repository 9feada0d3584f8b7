import { integer, uniform, type Random } from "../../../src/random/random.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { COMMON, RARE, type ProgramName } from "./programs.js";

/** What the way to the world is like. `silent`: routers behind the house tell nobody that packets are too long; the house's router lowers segment sizes. */
export const PATHS = ["1500", "1400", "1400 silent"] as const;
export type PathName = (typeof PATHS)[number];

/** One run: all of it follows from its seed. */
export interface Conditions {
  readonly seed: number;
  readonly family: "v4" | "v6";
  /** The whole preset `standalone`, where times say nothing; else `pad` alone. */
  readonly whole: boolean;
  /** Microseconds. */
  readonly delayUp: number;
  readonly delayDown: number;
  readonly loss: number;
  readonly reorder: number;
  readonly congestion: "cubic" | "bbr";
  readonly gro: boolean;
  readonly cookies: boolean;
  readonly sack: boolean;
  readonly timestamps: boolean;
  readonly path: PathName;
  readonly programs: readonly ProgramName[];
  /** Those that run by themselves, after all else. */
  readonly rare: readonly ProgramName[];
}

const PERCENT = 0.01;
const PROGRAMS_A_RUN = 2;
/** Runs from one with the rare programs to the next. */
const RARE_EVERY = 10;

/** The conditions of a run. `bbr`: whether the kernel has it; the other conditions do not hang on it. */
export function conditionsOf(seed: number, bbr: boolean): Conditions {
  const random: Random = new SeededRandom(seed, "conditions");
  const happens = (share: number): boolean => uniform(random) < share;
  const bad = happens(0.6);
  const wanted = {
    family: happens(0.5) ? "v4" : "v6",
    whole: happens(0.15),
    delayUp: integer(random, 5_000, 25_000),
    delayDown: integer(random, 5_000, 25_000),
    loss: bad ? PERCENT : 0,
    reorder: bad ? PERCENT : 0,
    congestion: happens(0.5) && bbr ? "bbr" : "cubic",
    gro: happens(0.4),
    cookies: happens(0.25),
    sack: !happens(0.2),
    timestamps: !happens(0.2),
    path: happens(0.6) ? "1500" : happens(0.5) ? "1400" : "1400 silent",
  } as const;
  const left = [...COMMON];
  const programs = Array.from({ length: PROGRAMS_A_RUN }, () =>
    left.splice(integer(random, 0, left.length - 1), 1),
  ).flat();
  return { seed, ...wanted, programs, rare: seed % RARE_EVERY === 0 ? RARE : [] };
}

/** In a few words. */
export function inWords(c: Conditions): string {
  const ms = (micros: number): string => (micros / 1e3).toFixed(0);
  return [
    c.family,
    c.whole ? "standalone" : "pad",
    `${ms(c.delayUp)}+${ms(c.delayDown)} ms`,
    ...(c.loss > 0 ? ["loss 1 %, reorder 1 %"] : []),
    c.congestion,
    ...(c.gro ? ["GRO"] : []),
    ...(c.cookies ? ["cookies"] : []),
    ...(c.sack ? [] : ["no SACK"]),
    ...(c.timestamps ? [] : ["no timestamps"]),
    ...(c.path === "1500" ? [] : [`path ${c.path}`]),
    [...c.programs, ...c.rare].join(" "),
  ].join(", ");
}
