import { HushboxError } from "../errors/hushbox-error.js";
import * as pcap from "../wire/pcap.js";
import type { FileWindow } from "./file-window.js";

/** The record at which a reader of captures stands; one object for the whole file. */
export class CaptureRecord {
  /** Counted from 1; 0 before the first. */
  number = 0;
  /** Where the record starts in the file. */
  offset = 0;
  /** Epoch time in microseconds, perhaps with a fraction. */
  time = 0;
  /** Where the frame starts in the window. */
  at = 0;
  /** Bytes of the frame in the file, without frame check sequence. */
  length = 0;
  /** Bytes of the frame on the wire, without frame check sequence. */
  originalLength = 0;
  linkType = 0;

  /** Notes the lengths; what the file keeps of a check sequence is cut off. */
  setLengths(length: number, original: number, checkSequence: number): void {
    // Some writers leave the original length 0 or too small.
    const whole = original > length ? original : length;
    this.originalLength = Math.max(whole - checkSequence, 0);
    this.length = Math.min(length, this.originalLength);
  }
}

/** How a step through the records of a capture ended. */
export const RECORD = 0;
export const FINISHED = 1;
export const TRUNCATED = 2;
export type Step = typeof RECORD | typeof FINISHED | typeof TRUNCATED;

/** One file format: goes from record to record. */
export interface CaptureFormat {
  next(): Step;
}

/** An error about the record that a format is reading. */
export function damaged(window: FileWindow, record: CaptureRecord, what: string): HushboxError {
  const where = `packet ${String(record.number + 1)}, at ${window.place(window.offset)}`;
  return new HushboxError("capture-invalid", `reading the capture ${window.path}: ${what} (${where})`);
}

/** An error about frames that are not Ethernet. `where` names the interface. */
export function unsupported(path: string, where: string, link: number): HushboxError {
  return new HushboxError(
    "link-type-unsupported",
    `reading the capture ${path}: ${where} has link type ${String(link)} (${pcap.linkTypeName(link)}); hushbox reads Ethernet (1) only`,
  );
}
