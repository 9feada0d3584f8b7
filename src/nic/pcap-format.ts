import { HushboxError } from "../errors/hushbox-error.js";
import * as pcap from "../wire/pcap.js";
import {
  damaged,
  FINISHED,
  RECORD,
  TRUNCATED,
  unsupported,
  type CaptureFormat,
  type CaptureRecord,
  type Step,
} from "./capture-record.js";
import type { FileWindow } from "./file-window.js";

/** A pcap file: microseconds or nanoseconds, either byte order. The window stands at its first byte and holds the file header. */
export class PcapFormat implements CaptureFormat {
  readonly #window: FileWindow;
  readonly #record: CaptureRecord;
  readonly #little: boolean;
  /** Fractions of a second in a microsecond. */
  readonly #perMicro: number;
  readonly #checkSequence: number;

  constructor(window: FileWindow, record: CaptureRecord, little: boolean) {
    const { view, at, path } = window;
    this.#window = window;
    this.#record = record;
    this.#little = little;
    this.#perMicro = pcap.magic(view, at, little) === pcap.MAGIC_NANOS ? 1e3 : 1;
    this.#checkSequence = pcap.checkSequence(view, at, little);
    const major = pcap.majorVersion(view, at, little);
    const minor = pcap.minorVersion(view, at, little);
    // Before 2.3 the two lengths of a record stood the other way round.
    if (major !== 2 || minor < 3) {
      const version = `${String(major)}.${String(minor)}`;
      throw new HushboxError(
        "capture-invalid",
        `reading the capture ${path}: pcap version ${version} is not 2.3 or 2.4`,
      );
    }
    record.linkType = pcap.linkType(view, at, little);
    if (record.linkType !== pcap.ETHERNET) throw unsupported(path, "its only interface", record.linkType);
    window.skip(pcap.FILE_HEADER);
  }

  next(): Step {
    const window = this.#window;
    const record = this.#record;
    record.offset = window.offset;
    if (!window.need(pcap.RECORD_HEADER)) return window.available === 0 ? FINISHED : TRUNCATED;
    const length = pcap.recordLength(window.view, window.at, this.#little);
    if (length > pcap.LARGEST_RECORD) {
      throw damaged(window, record, `a record of ${String(length)} bytes cannot be: the file is damaged here`);
    }
    if (!window.need(pcap.RECORD_HEADER + length)) return TRUNCATED;
    const { view, at } = window;
    record.number++;
    record.time =
      pcap.recordSeconds(view, at, this.#little) * 1e6 + pcap.recordFraction(view, at, this.#little) / this.#perMicro;
    record.setLengths(length, pcap.recordOriginalLength(view, at, this.#little), this.#checkSequence);
    record.at = at + pcap.RECORD_HEADER;
    window.at = at + pcap.RECORD_HEADER + length;
    return RECORD;
  }
}
