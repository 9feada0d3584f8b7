import { uniform, type Random } from "../random/random.js";
import { millis, seconds } from "../time/micros.js";
import { BACKGROUND, MICROPHONE, NOISE, TCP_PAYLOAD, VOICE_CHUNK } from "./calibration.js";
import { one, pace, whole, within, type Draft } from "./draft.js";
import type { EndpointName } from "./endpoints.js";
import type { Family } from "./plan.js";
import { report } from "./queries.js";

/** Long-lived connections, in the order in which they are opened. One is always IPv6, so that every run has both families. */
const LASTING: readonly [EndpointName, Family][] = [
  ["voice", 4],
  ["push", 4],
  ["static", 4],
  ["ajax", 6],
];

/** An independent sequence of draws for each timer: what one of them draws does not depend on how long another runs. */
export type Streams = (name: string) => Random;

/** Everything that goes on whatever the household does, from 0 to `until` seconds. */
export function background(draft: Draft, streams: Streams, until: number): void {
  draft.add(0.1, "idle", { action: "resolve", endpoint: "time", family: 4 });
  draft.add(0.2, "idle", { action: "time", family: one(streams("time"), [4, 6]) });
  lasting(draft, streams, until);
  lookUps(draft, streams("resolve"), until);
  beacons(draft, streams("beacon"), until);
  pings(draft, streams("ping"), until);
  checks(draft, streams("check"), until);
  reports(draft, streams("report"), until);
  announcements(draft, streams("announce"), until);
}

/** Connections that are opened at the start and kept: greeted, probed, and used once more at the end, so that a broken one is seen. */
function lasting(draft: Draft, streams: Streams, until: number): void {
  const random = streams("lasting");
  const open: number[] = [];
  let at = 0.3;
  for (const [endpoint, family] of LASTING) {
    draft.add(at, "idle", { action: "resolve", endpoint, family });
    open.push(draft.keep(at + 0.05, "idle", endpoint, family, BACKGROUND.keepAlive));
    at += within(random, [0.2, 0.5]);
  }
  const quic = draft.connect(at, "idle", "quic", "clients", 4);
  open.push(quic);
  for (const connection of open) greet(draft, random, at + 0.1, connection);
  const farewell = streams("farewell");
  for (const connection of open) {
    greet(draft, farewell, until, connection);
    draft.add(until, "idle", { action: "close", connection });
  }
  const ping = streams("quic ping");
  for (let t = at + within(ping, BACKGROUND.quicPing); t < until - 1; t += within(ping, BACKGROUND.quicPing)) {
    draft.add(t, "idle", { action: "probe", connection: quic });
  }
}

function greet(draft: Draft, random: Random, at: number, connection: number): void {
  const up = [pace(whole(random, BACKGROUND.greetingUp), 0, TCP_PAYLOAD)];
  const down = [pace(whole(random, BACKGROUND.greetingDown), 0, TCP_PAYLOAD)];
  draft.add(at, "idle", { action: "transfer", connection, up, down, wait: millis(20) });
}

function lookUps(draft: Draft, random: Random, until: number): void {
  const names: [EndpointName, ...EndpointName[]] = ["push", "clients", "static", "telemetry", "home", "messaging"];
  for (let t = within(random, [3, 6]); t < until; t += within(random, BACKGROUND.resolve)) {
    draft.add(t, "idle", { action: "resolve", endpoint: one(random, names), family: one(random, [4, 6]) });
  }
}

function beacons(draft: Draft, random: Random, until: number): void {
  for (let t = uniform(random) * 3; t < until; t += BACKGROUND.beacon) {
    draft.add(t, "idle", { action: "beacon", bytes: BACKGROUND.beaconBytes });
  }
}

function pings(draft: Draft, random: Random, until: number): void {
  let family: Family = 4;
  for (let t = within(random, [1, 3]); t < until; t += BACKGROUND.ping) {
    const body = { action: "ping", count: BACKGROUND.pingCount, every: seconds(BACKGROUND.pingEvery) } as const;
    draft.add(t, "idle", { ...body, target: "gateway", family });
    // The other family, so that both are used whatever the length of the run.
    family = family === 4 ? 6 : 4;
    draft.add(t + 0.4, "idle", { ...body, target: "resolver", family });
  }
}

function checks(draft: Draft, random: Random, until: number): void {
  for (let t = within(random, [2, 5]); t < until; t += BACKGROUND.check) {
    draft.add(t - 0.1, "idle", { action: "resolve", endpoint: "check", family: 4 });
    draft.add(t, "idle", { action: "check", family: 4 });
  }
}

function reports(draft: Draft, random: Random, until: number): void {
  for (let t = within(random, [20, 50]); t < until; t += within(random, BACKGROUND.report)) {
    const up = whole(random, BACKGROUND.reportUp);
    report(draft, t, "idle", { up, down: whole(random, BACKGROUND.reportDown), span: 0.5 });
  }
}

function announcements(draft: Draft, random: Random, until: number): void {
  const times: number[] = [...BACKGROUND.announce];
  for (let t = 115 + BACKGROUND.announceAgain; t < until; t += BACKGROUND.announceAgain) times.push(t);
  times.forEach((at, index) => {
    const frames = Array.from({ length: BACKGROUND.announcePackets }, () => whole(random, BACKGROUND.announceFrames));
    draft.add(at, "idle", { action: "announce", family: index % 2 === 0 ? 4 : 6, frames });
  });
}

/** A microphone that is on: small reports again and again. */
export function listening(draft: Draft, random: Random, from: number, to: number): void {
  for (let t = from + uniform(random); t < to; t += within(random, MICROPHONE.reportEvery)) {
    report(draft, t, "microphone", {
      up: whole(random, MICROPHONE.reportUp),
      down: whole(random, MICROPHONE.reportDown),
      span: 0.2,
    });
  }
}

/** A microphone that is on in noise: woken in error now and then. */
export function noise(draft: Draft, random: Random, from: number, to: number): void {
  for (let t = from + uniform(random); t < to; t += within(random, NOISE.wakeEvery)) {
    const up = [pace(whole(random, NOISE.frameBytesUp), within(random, NOISE.seconds), VOICE_CHUNK)];
    const down = [pace(whole(random, NOISE.answerBytes), 0, TCP_PAYLOAD)];
    const wait = within(random, NOISE.answerAfter);
    draft.visit(t, "noise", "tls", "voice", { up, down, wait }, 1);
  }
}
