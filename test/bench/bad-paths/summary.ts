import { median } from "../report.js";
import type { RunResult } from "./bed.js";
import type { Conditions } from "./conditions.js";
import type { KernelCounts } from "./kernel-counts.js";
import { TRANSFERS, type Outcome } from "./transfers.js";
import type { PacketKind } from "../../support/wan-view.js";

/** One run of both variants. */
export interface Pair {
  readonly conditions: Conditions;
  readonly undefended: RunResult;
  readonly defended: RunResult;
}

/** Linux: RFC 6298 with a least of 200 ms beyond the round trip. */
const LEAST_RTO_MS = 200;
/** What a reordered packet is late, and what the whole preset may delay. */
const REORDERED_MS = 8;
const WHOLE_DELAY_MS = 20;
/** Transfers whose times are compared: they depend on nothing but the path. */
const TIMED = ["records", "down", "up"] as const;
const MOST = 1.05;

/** Milliseconds without progress from which a flow has stalled: three round trips and a retransmission timeout. */
export function stallBound({ delayUp, delayDown, reorder, whole }: Conditions): number {
  const trip = (delayUp + delayDown) / 1e3 + (reorder > 0 ? REORDERED_MS : 0) + (whole ? WHOLE_DELAY_MS : 0);
  return 3 * trip + (trip + LEAST_RTO_MS);
}

/** Flows of a run that stalled. Datagrams that were lost are asked for again by our own timer: they do not count. */
export function stalled(conditions: Conditions, { transfers }: RunResult): Outcome[] {
  const bound = stallBound(conditions);
  return transfers.filter(({ name, gap, result }) => name !== "datagrams" && result === "right" && gap > bound);
}

/**
 * What the device's stack saw of the defenses: DSACKs beyond its own retransmissions, ICMP errors beyond those of the undefended run. Where
 * routers say that packets are too long, how many of its own are on their way by then is chance: there it is what quotes bytes that the
 * device has not sent so.
 */
export function unearned({ conditions, defended, undefended }: Pair): { dsacks: number; icmp: number; udp: number } {
  const [is, was] = [defended.speaker, undefended.speaker];
  const more = conditions.path === "1400" ? 0 : Math.max(0, is.icmpErrors - was.icmpErrors);
  return {
    dsacks: Math.max(0, is.dsacks - is.retransmits),
    icmp: is.outOfWindowIcmps + more,
    udp: Math.max(0, is.udpErrors - was.udpErrors),
  };
}

/** The defended run's time over the undefended one's: of one transfer, or of all that are compared. */
export function timeRatio({ defended, undefended }: Pair, only?: (typeof TIMED)[number]): number {
  const time = ({ transfers }: RunResult): number =>
    transfers
      .filter(({ name }) => (only === undefined ? isTimed(name) : name === only))
      .reduce((sum, { ms }) => sum + ms, 0);
  return time(defended) / time(undefended);
}

function isTimed(name: Outcome["name"]): boolean {
  return (TIMED as readonly string[]).includes(name);
}

/** The defended browser's time over the undefended one's, in the page; NaN where it did not run or came to no end. */
function browserRatio({ defended, undefended }: Pair): number {
  const time = ({ programs }: RunResult): number =>
    programs.find(({ name, result }) => name === "chromium" && result === "right")?.ms ?? NaN;
  return time(defended) / time(undefended);
}

/** What is wrong with a run, in words; empty where nothing is. */
export function complaints(pair: Pair): string[] {
  const { conditions, defended, undefended } = pair;
  const said = (variant: string, { transfers, programs }: RunResult): string[] =>
    [...transfers, ...programs]
      .filter(({ result }) => result !== "right")
      .map(({ name, result, why }) => `${variant}: ${name} ${result}: ${why}`);
  const stalls = stalled(conditions, defended).map(
    ({ name, gap }) => `${name} stalled for ${gap.toFixed(0)} of ${stallBound(conditions).toFixed(0)} ms`,
  );
  const { dsacks, icmp, udp } = unearned(pair);
  return [
    ...said("defended", defended),
    ...said("undefended", undefended),
    ...stalls,
    ...(dsacks > 0 ? [`${dsacks} DSACKs more than the device's ${defended.speaker.retransmits} retransmissions`] : []),
    ...(icmp > 0 ? [`${icmp} ICMP errors too many`] : []),
    ...(udp > 0 ? [`${udp} UDP errors too many`] : []),
    ...(defended.invalid > undefended.invalid
      ? [`${defended.invalid} INVALID packets, ${undefended.invalid} without defenses`]
      : []),
  ];
}

/** All runs together. */
export function summary(pairs: readonly Pair[]) {
  const both = <T>(of: (run: RunResult, pair: Pair) => T): { undefended: T[]; defended: T[] } => ({
    undefended: pairs.map((pair) => of(pair.undefended, pair)),
    defended: pairs.map((pair) => of(pair.defended, pair)),
  });
  const sums = (of: (run: RunResult, pair: Pair) => number): { undefended: number; defended: number } => {
    const { undefended, defended } = both(of);
    return { undefended: total(undefended), defended: total(defended) };
  };
  const results = (which: "wrong" | "failed") =>
    sums(({ transfers, programs }) => [...transfers, ...programs].filter(({ result }) => result === which).length);
  const counted = (name: keyof KernelCounts) => sums(({ speaker }) => speaker[name]);
  const timed = pairs.filter(({ conditions }) => !conditions.whole);
  const clean = ({ conditions }: Pair): boolean => conditions.loss === 0;
  const stalls = (lossy: boolean) =>
    sums((run, pair) => (clean(pair) === lossy ? 0 : stalled(pair.conditions, run).length));
  return {
    runs: pairs.length,
    transfers: total(pairs.map(({ defended }) => defended.transfers.length + defended.programs.length)),
    wrong: results("wrong"),
    failed: results("failed"),
    stalled: { withoutLoss: stalls(false), withLoss: stalls(true) },
    timeRatio: {
      median: median(timed.map((pair) => timeRatio(pair))),
      ...Object.fromEntries(TIMED.map((name) => [name, median(timed.map((pair) => timeRatio(pair, name)))])),
      withoutLoss: median(timed.filter(clean).map((pair) => timeRatio(pair))),
      withLoss: median(timed.filter((pair) => !clean(pair)).map((pair) => timeRatio(pair))),
      chromium: median(timed.map(browserRatio).filter((ratio) => !Number.isNaN(ratio))),
    },
    medianSeconds: Object.fromEntries(
      TRANSFERS.map((name) => [
        name,
        {
          undefended: median(timed.flatMap(({ undefended }) => times(undefended, name))) / 1e3,
          defended: median(timed.flatMap(({ defended }) => times(defended, name))) / 1e3,
        },
      ]),
    ),
    device: {
      dsacks: counted("dsacks"),
      retransmits: counted("retransmits"),
      outOfWindowIcmps: counted("outOfWindowIcmps"),
      icmpErrors: counted("icmpErrors"),
      udpErrors: counted("udpErrors"),
      badChecksums: counted("badChecksums"),
      unearned: {
        dsacks: total(pairs.map((pair) => unearned(pair).dsacks)),
        icmp: total(pairs.map((pair) => unearned(pair).icmp)),
        udp: total(pairs.map((pair) => unearned(pair).udp)),
      },
    },
    serverBadChecksums: sums(({ world }) => world.badChecksums + world.udpErrors),
    invalid: sums(({ invalid }) => invalid),
    wan: {
      pad: wide(pairs.filter(({ conditions }) => !conditions.whole)),
      standalone: wide(pairs.filter(({ conditions }) => conditions.whole)),
    },
    tallies: added(pairs.map(({ defended }) => defended.tallies)),
  };
}
export type Summary = ReturnType<typeof summary>;

/** What was seen behind the router, of runs on a path of 1500 and of the others. */
function wide(pairs: readonly Pair[]) {
  const of = (some: readonly Pair[]) => {
    const views = some.flatMap(({ defended: { wan } }) => (wan === null ? [] : [wan]));
    const share = (reached: number, all: number): number => (all === 0 ? NaN : reached / all);
    return {
      runs: views.length,
      packets: total(views.map(({ packets }) => packets)),
      atTarget: share(total(views.map(({ atTarget }) => atTarget)), total(views.map(({ packets }) => packets))),
      restAtTarget: share(total(views.map((view) => view.restAtTarget)), total(views.map((view) => view.restPackets))),
      stdLength: median(views.map(({ stdLength }) => stdLength)),
      stdLengthRest: {
        median: median(views.map((view) => view.stdLengthRest)),
        most: Math.max(0, ...views.map((view) => view.stdLengthRest)),
      },
      stdWindow: median(views.map(({ stdWindow }) => stdWindow)),
      exceptions: added(views.map(({ exceptions }) => exceptions as Readonly<Record<PacketKind, number>>)),
    };
  };
  const full = ({ conditions: { path } }: Pair): boolean => path === "1500";
  return { path1500: of(pairs.filter(full)), path1400: of(pairs.filter((pair) => !full(pair))) };
}

/** What must hold, and whether it does. */
export function verdicts(all: Summary): { what: string; holds: boolean; seen: string }[] {
  const versus = ({ undefended, defended }: { undefended: number; defended: number }): string =>
    `${defended} (undefended ${undefended})`;
  const { withoutLoss, withLoss } = all.stalled;
  const { unearned: foreign } = all.device;
  return [
    {
      what: "every hash right",
      holds: all.wrong.defended === 0 && all.transfers > 0,
      seen: `${all.wrong.defended} wrong of ${all.transfers}`,
    },
    { what: "every transfer ended", holds: all.failed.defended <= all.failed.undefended, seen: versus(all.failed) },
    { what: "no flow stalled, no loss", holds: withoutLoss.defended === 0, seen: versus(withoutLoss) },
    {
      // A packet that is lost twice stalls any flow: that many do by chance, two deviations of a Poisson count.
      what: "no more flows stalled than without defenses, loss 1 %",
      holds: withLoss.defended <= withLoss.undefended + 2 * Math.sqrt(withLoss.undefended + 1),
      seen: versus(withLoss),
    },
    {
      what: `median time ratio at most ${MOST}`,
      holds: !(all.timeRatio.median > MOST),
      seen: all.timeRatio.median.toFixed(3),
    },
    {
      what: "the device sees no DSACK, ICMP or UDP error that it did not earn",
      holds: foreign.dsacks + foreign.icmp + foreign.udp === 0,
      seen: `${foreign.dsacks} DSACKs, ${foreign.icmp} ICMP, ${foreign.udp} UDP`,
    },
    {
      what: "no packet INVALID to the router that was not before",
      holds: all.invalid.defended <= all.invalid.undefended,
      seen: versus(all.invalid),
    },
  ];
}

/** Rows of the table that a person reads. */
export function rows(all: Summary): (readonly [string, string])[] {
  const number = (value: number): string => (Number.isInteger(value) ? String(value) : value.toPrecision(3));
  const flat = (value: unknown): string =>
    value !== null && typeof value === "object"
      ? Object.entries(value)
          .map(([name, inner]) => `${name} ${typeof inner === "object" ? `(${flat(inner)})` : flat(inner)}`)
          .join(", ")
      : typeof value === "number"
        ? number(value)
        : String(value);
  return Object.entries(all).map(([name, value]) => [name, flat(value)] as const);
}

function times({ transfers }: RunResult, wanted: Outcome["name"]): number[] {
  return transfers.filter(({ name }) => name === wanted).map(({ ms }) => ms);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0);
}

function added(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const record of records) for (const [name, n] of Object.entries(record)) sums[name] = (sums[name] ?? 0) + n;
  return sums;
}
