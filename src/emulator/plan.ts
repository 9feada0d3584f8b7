import type { Micros } from "../time/micros.js";
import type { EndpointName } from "./endpoints.js";

/** What the household does. `microphone`: on, in a quiet room; `noise`: on, with background noise; the last three are queries. */
export const ACTIVITIES = ["idle", "microphone", "noise", "media", "travel", "utility"] as const;
export type Activity = (typeof ACTIVITIES)[number];

export type Family = 4 | 6;

/** Bytes spread evenly over a span, written in chunks. */
export interface Pace {
  bytes: number;
  span: Micros;
  chunk: number;
}

interface Begin {
  at: Micros;
  activity: Activity;
}

/** One thing the speaker does. Pure data: executed on sockets by the speaker, written as packets by the synthesis. */
export type Step = Begin &
  (
    | { action: "resolve"; endpoint: EndpointName; family: Family }
    | { action: "time"; family: Family }
    | { action: "ping"; target: "gateway" | "resolver"; family: Family; count: number; every: Micros }
    | { action: "check"; family: Family }
    /** A burst of multicast DNS; `frames` are frame lengths over IPv4. */
    | { action: "announce"; family: Family; frames: number[] }
    | { action: "beacon"; bytes: number }
    /** `keepAlive`: idle time after which the kernel probes, 0 for never. */
    | {
        action: "connect";
        connection: number;
        transport: Transport;
        endpoint: EndpointName;
        family: Family;
        keepAlive: Micros;
      }
    /** The cloud answers `wait` after it has all of `up`. Transfers of one connection follow one another. */
    | { action: "transfer"; connection: number; up: Pace[]; down: Pace[]; wait: Micros }
    /** A keep-alive. On TCP the kernel sends it by itself when the connection was idle for so long; on QUIC it is a PING. */
    | { action: "probe"; connection: number }
    | { action: "close"; connection: number }
  );

export type Transport = "tls" | "quic";

/** A stretch of one activity: the labels of a plan. */
export interface Span {
  activity: Activity;
  from: Micros;
  to: Micros;
}

/** All that a speaker will do, in order of time. */
export interface Plan {
  seed: string;
  /** Decides what stays the same in one home: families of addresses and round trips. Same as the seed where it is one plan only. */
  home: string;
  duration: Micros;
  spans: Span[];
  steps: Step[];
}

/** Bytes of all phases. */
export function total(paces: readonly Pace[]): number {
  return paces.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Time that all phases take. */
export function lasting(paces: readonly Pace[]): number {
  return paces.reduce((sum, { span }) => sum + span, 0);
}
