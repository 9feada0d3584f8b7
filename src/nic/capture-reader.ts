import { HushboxError } from "../errors/hushbox-error.js";
import { copy } from "../wire/copy.js";
import * as pcap from "../wire/pcap.js";
import * as pcapng from "../wire/pcapng.js";
import type { SourceFailure } from "./byte-source.js";
import { CaptureRecord, RECORD, TRUNCATED, type CaptureFormat } from "./capture-record.js";
import { FileWindow } from "./file-window.js";
import { PcapFormat } from "./pcap-format.js";
import { PcapngFormat } from "./pcapng-format.js";

export interface CaptureReaderOptions {
  /** What to do where the file ends within a record, after all whole ones: an error, or the end (then `truncated` is true). */
  readonly truncated?: "error" | "end";
}

/** Reads a pcap or pcapng file of Ethernet frames, also one that gzip or xz compressed, from start to end, in constant memory. */
export class CaptureReader {
  readonly path: string;
  /** True when the file was found to end within a record. */
  truncated = false;
  readonly #window: FileWindow;
  readonly #record = new CaptureRecord();
  readonly #format: CaptureFormat;
  readonly #endQuietly: boolean;
  #finished = false;

  /** Opens a capture; throws HushboxError where it is none, or none of Ethernet frames. */
  static open(path: string, opts: CaptureReaderOptions = {}): CaptureReader {
    const window = new FileWindow(path);
    try {
      return new CaptureReader(window, opts);
    } catch (error) {
      window.close();
      throw error;
    }
  }

  private constructor(window: FileWindow, opts: CaptureReaderOptions) {
    this.path = window.path;
    this.#window = window;
    this.#endQuietly = opts.truncated === "end";
    this.#format = recognise(window, this.#record);
  }

  /** Epoch time of the record in microseconds; a double's grain is then a quarter of one. */
  get time(): number {
    return this.#record.time;
  }

  /** Bytes of the frame in the file. */
  get length(): number {
    return this.#record.length;
  }

  /** Bytes of the frame on the wire: more than `length` where the capture was cut by a snap length. */
  get originalLength(): number {
    return this.#record.originalLength;
  }

  get linkType(): number {
    return this.#record.linkType;
  }

  /** Records read so far. */
  get packets(): number {
    return this.#record.number;
  }

  /** The bytes in which the frame lies, from `at`, until the next call of `next`. */
  get bytes(): Uint8Array {
    return this.#window.bytes;
  }

  /** The same bytes as a view. */
  get view(): DataView {
    return this.#window.view;
  }

  get at(): number {
    return this.#record.at;
  }

  /** Goes to the next record; with `into`, copies its frame there, at most `limit` bytes. False at the end. */
  next(into?: Uint8Array, at = 0, limit = Number.POSITIVE_INFINITY): boolean {
    if (this.#finished) return false;
    const step = this.#format.next();
    if (step === RECORD) {
      if (into !== undefined) this.copy(into, at, limit);
      return true;
    }
    this.#finished = true;
    const { failure } = this.#window;
    if (failure?.cut === false) throw undecompressed(this.path, failure, this.packets);
    if (step === TRUNCATED || failure !== null) {
      this.truncated = true;
      if (!this.#endQuietly)
        throw failure === null ? this.#truncation() : undecompressed(this.path, failure, this.packets);
    }
    return false;
  }

  /** Copies the present frame, at most `limit` bytes of it; returns how many. */
  copy(into: Uint8Array, at: number, limit = Number.POSITIVE_INFINITY): number {
    const length = Math.min(this.#record.length, limit, into.length - at);
    copy(this.#window.bytes, this.#record.at, into, at, length);
    return length;
  }

  /** Idempotent. */
  close(): void {
    this.#finished = true;
    this.#window.close();
  }

  #truncation(): HushboxError {
    const window = this.#window;
    const end = window.place(window.offset + window.available);
    const where = `within the record at byte ${String(this.#record.offset)}, after ${String(this.packets)} whole packets`;
    return new HushboxError("capture-truncated", `reading the capture ${this.path}: the file ends at ${end}, ${where}`);
  }
}

function recognise(window: FileWindow, record: CaptureRecord): CaptureFormat {
  window.need(pcap.FILE_HEADER);
  const { view, at, path, available, failure } = window;
  if (failure !== null && available < pcap.FILE_HEADER) throw undecompressed(path, failure, 0);
  if (available === 0) throw new HushboxError("capture-invalid", `reading the capture ${path}: the file is empty`);
  const first = available < 4 ? 0 : view.getUint32(at);
  if (first === pcapng.SECTION_HEADER) return new PcapngFormat(window, record);
  const little = available >= 4 && isPcap(view.getUint32(at, true));
  if (!little && !isPcap(first))
    throw new HushboxError("capture-invalid", `reading the capture ${path}: ${guess(view, at, available)}`);
  if (available < pcap.FILE_HEADER) {
    throw new HushboxError(
      "capture-truncated",
      `reading the capture ${path}: the file ends at ${window.place(available)}, within the file header`,
    );
  }
  return new PcapFormat(window, record, little);
}

function undecompressed(path: string, { cut, what }: SourceFailure, packets: number): HushboxError {
  const why = cut ? `the compressed file ends too early (${what})` : `it cannot be decompressed (${what})`;
  return new HushboxError(
    cut ? "capture-truncated" : "capture-invalid",
    `reading the capture ${path}: ${why}, after ${String(packets)} whole packets`,
  );
}

function isPcap(magic: number): boolean {
  return magic === pcap.MAGIC_MICROS || magic === pcap.MAGIC_NANOS;
}

/** What a file that is no capture may be; gzip and xz are met here in pipes only. */
function guess(view: DataView, at: number, available: number): string {
  const two = available < 2 ? 0 : view.getUint16(at);
  if (two === 0x1f8b) return "it is compressed; decompress it with gunzip first";
  if (two === 0xfd37) return "it is compressed; decompress it with unxz first";
  if (two === 0x28b5) return "it is compressed; decompress it with unzstd first";
  return "it is neither pcap nor pcapng";
}
