import type { Random } from "../random/random.js";
import { uniform } from "../random/random.js";
import {
  ANSWERS,
  FULL_FRAME,
  MEDIA_STREAM,
  MEDIA_TELEMETRY,
  MEDIA_VOICE,
  QUIC_PAYLOAD,
  SET_UP,
  TCP_PAYLOAD,
  VOICE_CHUNK,
  type Range,
} from "./calibration.js";
import { one, pace, whole, within, type Draft } from "./draft.js";
import type { EndpointName } from "./endpoints.js";
import type { Activity, Pace } from "./plan.js";

// Frame bytes of a TLS handshake on its way down: SYN-ACK, certificates, tickets.
const HANDSHAKE_DOWN = 2_300;
const ACKNOWLEDGEMENT = 66;
/** Stream bytes in a full QUIC packet, behind header, frame header and seal. */
const QUIC_CHUNK = QUIC_PAYLOAD - 35;

/** Payload bytes of a TCP connection whose frames sum to so much, when the other direction is acknowledged segment by segment. */
function tcpPayload(frameBytes: number, otherFrameBytes: number, handshake: number, chunk: number): number {
  const acknowledgements = (ACKNOWLEDGEMENT * otherFrameBytes) / FULL_FRAME;
  return ((frameBytes - acknowledgements - handshake) * chunk) / (chunk + FULL_FRAME - TCP_PAYLOAD + 22);
}

/** Stream bytes of a QUIC connection whose frames sum to so much; the handshake takes three frames. */
function quicPayload(frameBytes: number): number {
  return Math.max(300, frameBytes - 2_800) * (QUIC_CHUNK / (QUIC_PAYLOAD + 42));
}

/** A question that starts an audio stream: news or music. */
export function media(draft: Draft, random: Random, at: number): void {
  const frames = whole(random, MEDIA_VOICE.frameBytesUp);
  const back = whole(random, MEDIA_VOICE.frameBytesDown);
  const span = within(random, MEDIA_VOICE.seconds);
  const up = tcpPayload(frames, back, 0, VOICE_CHUNK);
  const first = (up * MEDIA_VOICE.firstSecond) / frames;
  const second = (up * whole(random, MEDIA_VOICE.secondSecond)) / frames;
  const rest = Math.max(0, up - first - second);
  const voice = [pace(first, 1, VOICE_CHUNK), pace(second, 1, VOICE_CHUNK), pace(rest, span - 2, VOICE_CHUNK)];
  const answer = [pace(tcpPayload(back, frames, 0, TCP_PAYLOAD), 0.4, TCP_PAYLOAD)];
  const wait = within(random, MEDIA_VOICE.answerAfter);
  draft.visit(at, "media", "tls", "voice", { up: voice, down: answer, wait }, 5);

  report(draft, at + within(random, MEDIA_TELEMETRY.after), "media", {
    up: quicPayload(whole(random, MEDIA_TELEMETRY.frameBytesUp)),
    down: quicPayload(whole(random, MEDIA_TELEMETRY.frameBytesDown)),
    span: within(random, MEDIA_TELEMETRY.seconds),
  });
  setUps(draft, random, at, "media", ["artwork", "home", "messaging", "news"], SET_UP.connections);
  stream(draft, random, at + within(random, MEDIA_STREAM.after));
}

/** The audio itself, as one greedy burst on a connection that then stays silent until it is closed. */
function stream(draft: Draft, random: Random, at: number): void {
  const large = uniform(random) < MEDIA_STREAM.largeShare;
  const frames = whole(random, large ? MEDIA_STREAM.largeFrameBytesDown : MEDIA_STREAM.frameBytesDown);
  const span = (frames * 8) / within(random, MEDIA_STREAM.bitsPerSecond);
  const bytes = tcpPayload(frames, 0, HANDSHAKE_DOWN, TCP_PAYLOAD * 4);
  const request = [pace(whole(random, MEDIA_STREAM.requestBytes), 0, TCP_PAYLOAD)];
  const transfer = { up: request, down: [pace(bytes, span, 4 * TCP_PAYLOAD)], wait: 0.02 };
  draft.visit(at, "media", "tls", one(random, ["music", "radio"]), transfer, MEDIA_STREAM.closedAfter);
}

/** A question about weather or traffic. */
export function travel(draft: Draft, random: Random, at: number): void {
  answered(draft, random, at, "travel", ANSWERS.travel, ["weather", "traffic", "home"]);
}

/** A question about time or agenda. */
export function utility(draft: Draft, random: Random, at: number): void {
  answered(draft, random, at, "utility", ANSWERS.utility, ["calendar", "home"]);
}

/** What is drawn for a spoken question and its answer: bytes, seconds, and how many short connections go beside it. */
export interface AnswerFigures {
  readonly frameBytesUp: Range;
  readonly seconds: Range;
  readonly answerBytes: Range;
  readonly answerAfter: Range;
  readonly answerSeconds: Range;
  readonly telemetryUp: Range;
  readonly telemetryDown: Range;
  readonly setUps: number;
}

/** A spoken question with a spoken answer. */
export function answered(
  draft: Draft,
  random: Random,
  at: number,
  kind: "travel" | "utility",
  figures: AnswerFigures,
  hosts: [EndpointName, ...EndpointName[]],
): void {
  const answer = whole(random, figures.answerBytes);
  const up = tcpPayload(whole(random, figures.frameBytesUp), answer, 0, VOICE_CHUNK);
  // The same shape as a media query's speech: two thirds in the first of three parts.
  const span = within(random, figures.seconds);
  const voice = [pace((up * 2) / 3, span / 3, VOICE_CHUNK), pace(up / 3, (span * 2) / 3, VOICE_CHUNK)];
  const down = [pace(answer, within(random, figures.answerSeconds), TCP_PAYLOAD)];
  draft.visit(at, kind, "tls", "voice", { up: voice, down, wait: within(random, figures.answerAfter) }, 2);
  report(draft, at + span + 1, kind, {
    up: whole(random, figures.telemetryUp),
    down: whole(random, figures.telemetryDown),
    span: 0.8,
  });
  setUps(draft, random, at - 3, kind, hosts, figures.setUps);
}

/** Reports over QUIC to one host. */
export function report(
  draft: Draft,
  at: number,
  activity: Activity,
  { up, down, span }: { up: number; down: number; span: number },
): void {
  const sent: Pace[] = [pace(up, span, QUIC_CHUNK)];
  draft.visit(at, activity, "quic", "telemetry", { up: sent, down: [pace(down, 0.1, QUIC_CHUNK)], wait: 0.02 }, 2);
}

/** Short QUIC connections beside a query. */
function setUps(
  draft: Draft,
  random: Random,
  at: number,
  activity: Activity,
  hosts: [EndpointName, ...EndpointName[]],
  count: number,
): void {
  const after: Range = SET_UP.after;
  const offset = whole(random, [0, hosts.length - 1]);
  for (let i = 0; i < count; i++) {
    const host = hosts[(offset + i) % hosts.length] ?? hosts[0];
    const up = [pace(quicPayload(whole(random, SET_UP.frameBytesUp)), 0, QUIC_CHUNK)];
    const down = [pace(quicPayload(whole(random, SET_UP.frameBytesDown)), 0, QUIC_CHUNK)];
    draft.visit(at + within(random, after), activity, "quic", host, { up, down, wait: 0.03 }, 0.5);
  }
}
