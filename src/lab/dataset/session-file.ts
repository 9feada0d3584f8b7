import { renameSync } from "node:fs";
import { sessionPlan, type SessionLabel } from "../../emulator/sessions.js";
import { writeCapture } from "../../emulator/synthesis.js";
import { stampOf } from "./ledger.js";
import { discard, unfinished } from "./unfinished.js";

/** One session to be written as a capture. Survives structuredClone. */
export interface SessionJob {
  /** Where it goes. */
  readonly path: string;
  readonly label: SessionLabel;
  readonly seed: string;
  /** The seed of the home, shared by all sessions of a set. */
  readonly home: string;
  /** Seconds. */
  readonly length: number;
  /** Epoch microseconds. */
  readonly start: number;
  /** Bytes kept of each frame. */
  readonly snap: number;
}

/** What a session's file holds. */
export interface SessionFile {
  readonly packets: number;
  /** Bytes of frames as they were on the wire. */
  readonly bytes: number;
  /** Its stamp, by which it is known as whole. */
  readonly stamp: string;
}

/** Writes a session; it is there whole or not at all. Same job, same bytes. */
export function writeSession({ path, label, seed, home, length, start, snap }: SessionJob): SessionFile {
  const temporary = unfinished(path);
  try {
    const { packets, bytes } = writeCapture(sessionPlan(label, seed, home, length), temporary, start, snap);
    renameSync(temporary, path);
    return { packets, bytes, stamp: stampOf(path) };
  } catch (error) {
    discard(temporary);
    throw error;
  }
}
